import { commands, env, l10n, window } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';
import { FailureError } from '../model/editorFailure.ts';
import { noticeText } from '../text.ts';
import { bytes, count } from '../words/numbers.ts';
import { peerName } from '../words/peerName.ts';
import { showFailure } from '../words/showFailure.ts';

/** Tells who started it in this window how an outgoing transfer ended. */
export async function sayEnd(transfer: TransferSummary): Promise<void> {
  const { phase, label, failure, failedCount } = transfer;
  const name = noticeText(peerName(transfer));
  const thing = noticeText(label);
  switch (phase) {
    case 'done':
      if (failedCount > 0) await sayIncomplete(thing, name, failedCount);
      else await sayDone(thing, name, transfer);
      return;
    case 'declined':
      await window.showInformationMessage(l10n.t('{0} declined “{1}”. Nothing was sent.', name, thing));
      return;
    case 'cancelled':
      // Who cancelled here knows.
      if (failure?.origin === 'remote') {
        await window.showInformationMessage(l10n.t('{0} cancelled “{1}”.', name, thing));
      }
      return;
    case 'failed':
      await showFailure(
        new FailureError(failure ?? { code: 'internal', detail: '', origin: 'local' }),
        'outgoing',
      );
      return;
    default:
  }
}

async function sayDone(thing: string, name: string, { digest, progress }: TransferSummary): Promise<void> {
  const copy = l10n.t('Copy Digest');
  const answer = await window.showInformationMessage(
    l10n.t('{0} has received “{1}” ({2}), verified.', name, thing, bytes(progress.bytesTotal)),
    ...(digest === undefined ? [] : [copy]),
  );
  if (answer === copy && digest !== undefined) await env.clipboard.writeText(digest);
}

async function sayIncomplete(thing: string, name: string, failedCount: number): Promise<void> {
  const show = l10n.t('Show Transfers');
  const answer = await window.showWarningMessage(
    l10n.t('{0} has received “{1}”, except for some files: {2}.', name, thing, count(failedCount)),
    show,
  );
  if (answer === show) await commands.executeCommand('peerCourier.transfers.focus');
}
