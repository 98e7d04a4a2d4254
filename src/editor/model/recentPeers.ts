import type { PeerSummary, TransferSummary } from '../../rpc/model.ts';

/** Known peers, those that something was sent to last first, then by name. */
export function recentFirst(
  peers: readonly PeerSummary[],
  transfers: readonly TransferSummary[],
): readonly PeerSummary[] {
  const last = new Map<string, number>();
  for (const { peer, direction, startedAtMs } of transfers) {
    if (direction === 'outgoing') {
      last.set(peer.fingerprint, Math.max(startedAtMs, last.get(peer.fingerprint) ?? 0));
    }
  }
  return peers.toSorted(
    (left, right) =>
      (last.get(right.fingerprint) ?? 0) - (last.get(left.fingerprint) ?? 0) ||
      left.name.localeCompare(right.name),
  );
}
