import { commands, l10n, ProgressLocation, window } from 'vscode';
import type { Courier } from '../courier.ts';
import { noticeText } from '../text.ts';

/** Starts the receiver and says once where it listens. */
export async function startReceiver({ client, state }: Courier): Promise<void> {
  await window.withProgress(
    { location: { viewId: 'peerCourier.peers' }, title: l10n.t('Starting the receiver…') },
    () => client.call('startReceiver', undefined),
  );
  const { receiver } = state.current;
  if (receiver.state !== 'listening') return;
  const invite = l10n.t('Create Invite');
  const answer = await window.showInformationMessage(
    l10n.t(
      'This device is ready to receive on {0}. What you accept goes to {1}.',
      noticeText(receiver.addresses[0] ?? ''),
      noticeText(receiver.folder),
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
