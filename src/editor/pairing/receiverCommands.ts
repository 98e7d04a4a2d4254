import { commands, l10n, ProgressLocation, window } from 'vscode';
import type { ReceiverStatus } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { noticeText } from '../text.ts';

/** Starts the receiver and says once where it listens. */
export async function startReceiver({ client, state, log }: Courier): Promise<void> {
  const receiver = await window.withProgress(
    { location: { viewId: 'peerCourier.peers' }, title: l10n.t('Starting the receiver…') },
    () => client.call('startReceiver', undefined),
  );
  // The snapshot that says so may come later.
  state.apply({ receiver });
  // The command has done its work, whether or not anybody answers.
  if (receiver.state === 'listening') {
    sayReady(receiver).catch((error: unknown) => log.error(String(error)));
  }
}

async function sayReady({
  addresses,
  folder,
}: Extract<ReceiverStatus, { state: 'listening' }>): Promise<void> {
  const invite = l10n.t('Create Invite');
  const answer = await window.showInformationMessage(
    l10n.t(
      'This device is ready to receive on {0}. What you accept goes to {1}.',
      noticeText(addresses[0] ?? ''),
      noticeText(folder),
    ),
    invite,
  );
  if (answer === invite) await commands.executeCommand('peerCourier.createInvite');
}

export async function stopReceiver({ client }: Courier): Promise<void> {
  await window.withProgress(
    { location: ProgressLocation.Window, title: l10n.t('Stopping the receiver…') },
    () => client.call('stopReceiver', undefined),
  );
}
