import { l10n } from 'vscode';
import type { TransferSummary } from '../../rpc/model.ts';

/** The peer of a transfer, in words. It may be the peer's text: whoever shows it makes it fit its surface. */
export function peerName({ peer }: Pick<TransferSummary, 'peer'>): string {
  return peer.fingerprint === '' ? l10n.t('whoever uses the invite') : peer.name;
}
