import type { NearbyPeer, PeerSummary } from '../../rpc/model.ts';

/** Devices that answer and are not known yet: to be paired with. */
export function strangersAmong(
  nearby: readonly NearbyPeer[],
  peers: readonly PeerSummary[],
): readonly NearbyPeer[] {
  const known = new Set(peers.map(({ fingerprint }) => fingerprint));
  return nearby.filter(({ fingerprint }) => !known.has(fingerprint));
}

/** Where a known peer answers now; `undefined` if it does not, or nobody looks. */
export function reachedAt(
  nearby: readonly NearbyPeer[],
  { fingerprint }: PeerSummary,
): NearbyPeer | undefined {
  return nearby.find((each) => each.fingerprint === fingerprint);
}
