import { l10n, window } from 'vscode';
import type { PeerSummary, TransferSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { fullFingerprint } from '../model/fingerprintText.ts';
import { noticeText } from '../text.ts';
import { count } from '../words/numbers.ts';
import { knownPeerFor } from './pickKnownPeer.ts';

/** Makes a peer a stranger, after a question: only pairing anew brings it back. */
export async function forgetPeer(courier: Courier, node: unknown): Promise<void> {
  const peer = await knownPeerFor(courier, node);
  if (peer === undefined) return;
  const forget = l10n.t('Forget');
  const answer = await window.showWarningMessage(
    l10n.t('Forget {0}?', noticeText(peer.name)),
    { modal: true, detail: lossOf(peer, courier.state.current.transfers) },
    // The first one is the default, which a key presses unseen.
    l10n.t('Keep'),
    forget,
  );
  if (answer === forget) await courier.client.call('forgetPeer', { peer: peer.fingerprint });
}

function lossOf({ fingerprint }: PeerSummary, transfers: readonly TransferSummary[]): string {
  const open = transfers.filter(({ peer, phase }) => peer.fingerprint === fingerprint && !hasEnded(phase));
  return [
    l10n.t('It can send you nothing more, and you nothing to it, until you pair again.'),
    ...(open.length === 0
      ? []
      : [
          l10n.t(
            'Unfinished transfers with it that are given up: {0}. What was received of them is removed from this disk.',
            count(open.length),
          ),
        ]),
    l10n.t('What has arrived from it stays.'),
    fullFingerprint(fingerprint, 4),
  ].join('\n\n');
}

function hasEnded(phase: TransferSummary['phase']): boolean {
  return phase === 'done' || phase === 'cancelled' || phase === 'declined' || phase === 'failed';
}
