import type { Facts, PathEnd, PathFacts, PeerFacts } from './facts.ts';
import { found } from './finding.ts';
import { localNetworkLines, peerOpeningLines } from './lines.ts';
import { isInNetwork, kindOf, scopeOf, splitAddress } from './networks.ts';
import type { Finding } from './report.ts';

/**
 * Of several addresses the one that leads furthest is told about. Another key where the peer was last comes before
 * everything else that went wrong. Old addresses may be anybody's now, ours as well: they count last.
 */
const FURTHEST_FIRST: readonly PathEnd[] = [
  'greeted',
  'not-known-there',
  'busy',
  'version-mismatch',
  'no-greeting',
  'wrong-identity',
  'not-peer-courier',
  'hung-up',
  'silent',
  'refused',
  'timed-out',
  'unreachable',
  'another-device',
  'ourselves',
];

/** macOS asks for the local network from this version of its kernel on, which is macOS 15. */
const FIRST_TO_ASK = 24;

/** How far one gets with a peer: its name, TCP, TLS, its key, the greeting. */
export function judgePeer(facts: Facts): readonly Finding[] {
  const { peer } = facts;
  if (peer === undefined) return [];
  const names = peer.lookups.map(({ host, addresses, code }) =>
    addresses.length > 0
      ? found('ok', { id: 'name-found', host, addresses })
      : found('problem', { id: 'name-unknown', host, code }),
  );
  const path = furthest(peer.paths);
  if (path !== undefined) return [...names, ...judgePath(path, peer, facts)];
  if (names.length > 0) return names;
  return [found('problem', { id: 'peer-without-address', name: peer.name ?? '' })];
}

function furthest(paths: readonly PathFacts[]): PathFacts | undefined {
  return paths.toSorted(
    (left, right) => FURTHEST_FIRST.indexOf(left.end) - FURTHEST_FIRST.indexOf(right.end),
  )[0];
}

function judgePath(path: PathFacts, peer: PeerFacts, facts: Facts): readonly Finding[] {
  const { address, end, connectMs } = path;
  const connected =
    connectMs === undefined
      ? []
      : [found('ok', { id: 'connected', address, milliseconds: Math.round(connectMs) })];
  switch (end) {
    case 'refused':
      return [found('problem', { id: 'refused', address })];
    case 'timed-out':
    case 'unreachable':
      return judgeSilence(path, facts);
    case 'silent':
    case 'hung-up':
    case 'not-peer-courier':
    case 'ourselves':
    case 'another-device':
      return [...connected, found('problem', { id: end, address })];
    default:
      return [...connected, ...judgeIdentity(path, peer), ...judgeGreeting(path, peer)];
  }
}

/** Nothing comes back, or the network says that it leads nowhere. Who drops it is seen from here only in part. */
function judgeSilence({ address, end, code }: PathFacts, facts: Facts): readonly Finding[] {
  const { host, port } = splitAddress(address);
  const isPrivate = scopeOf(host) === 'private' || scopeOf(host) === 'link-local';
  const isDarwin = facts.system.platform === 'darwin';
  if (
    isDarwin &&
    code === 'EHOSTUNREACH' &&
    isPrivate &&
    Number.parseInt(facts.system.release, 10) >= FIRST_TO_ASK
  ) {
    return [found('problem', { id: 'local-network-denied', address }, localNetworkLines())];
  }
  const silence =
    end === 'timed-out'
      ? found('problem', { id: 'timed-out', address }, peerOpeningLines(port))
      : found('problem', { id: 'unreachable', address, code }, peerOpeningLines(port));
  return isElsewhere(host, facts) ? [silence, found('problem', { id: 'other-network', address })] : [silence];
}

/** A private address outside all networks of this machine, and no tunnel that could lead to it. */
function isElsewhere(host: string, { interfaces }: Facts): boolean {
  if (scopeOf(host) !== 'private' || interfaces === undefined) return false;
  return interfaces.every(
    (each) => kindOf(each) !== 'tunnel' && !each.addresses.some((address) => isInNetwork(host, address)),
  );
}

function judgeIdentity({ answering, end }: PathFacts, { expected }: PeerFacts): readonly Finding[] {
  if (answering === undefined) return [];
  const { fingerprint, knownAs } = answering;
  const [meant] = expected;
  if (end === 'wrong-identity' && meant !== undefined) {
    const said = { name: meant.name, expected: meant.fingerprint, found: fingerprint };
    return [found('problem', { id: 'wrong-identity', ...said })];
  }
  return knownAs === undefined
    ? [found('note', { id: 'new-identity', fingerprint })]
    : [found('ok', { id: 'right-identity', name: knownAs, fingerprint })];
}

function judgeGreeting({ answering, end }: PathFacts, { expected }: PeerFacts): readonly Finding[] {
  switch (end) {
    case 'greeted':
      return [found('ok', { id: 'greeted' })];
    case 'not-known-there': {
      // Two who do not know each other yet: that is how it begins.
      const isKnownHere = expected.length > 0 || answering?.knownAs !== undefined;
      return [found(isKnownHere ? 'problem' : 'note', { id: 'not-known-there' })];
    }
    case 'busy':
      return [found('note', { id: 'peer-busy' })];
    case 'version-mismatch':
      return [found('problem', { id: 'version-mismatch' })];
    case 'no-greeting':
      return [found('problem', { id: 'no-greeting' })];
    default:
      return [];
  }
}
