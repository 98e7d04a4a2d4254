import { commands, l10n, window } from 'vscode';
import type { Disposable } from 'vscode';
import type { ReceivedSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { hasEnded } from '../model/transferView.ts';
import { noticeText } from '../text.ts';
import { bytes } from '../words/numbers.ts';

/** Tells who has accepted a transfer in this window when all of it is there: they look elsewhere by then. */
export function tellWhenReceived({ state, log }: Courier, id: string): void {
  const listener: Disposable = state.onDidChange(() => {
    const { received, transfers } = state.current;
    const item = received.find((candidate) => candidate.id === id);
    const transfer = transfers.find((candidate) => candidate.id === id);
    if (item === undefined && transfer !== undefined && !hasEnded(transfer)) return;
    listener.dispose();
    if (item !== undefined) say(item).catch((error: unknown) => log.error(String(error)));
  });
}

async function say({ id, label, peer, bytes: size }: ReceivedSummary): Promise<void> {
  const open = l10n.t('Open');
  const show = l10n.t('Show where it is');
  const answer = await window.showInformationMessage(
    l10n.t('Received “{0}” from {1} ({2}), verified.', noticeText(label), noticeText(peer.name), bytes(size)),
    open,
    show,
  );
  if (answer === open) await commands.executeCommand('peerCourier.open', { id });
  else if (answer === show) await commands.executeCommand('peerCourier.reveal', { id });
}
