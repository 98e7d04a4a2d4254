import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import type { NameLookup, PathEnd, PathFacts, PeerFacts, PeerIdentity } from '../doctor/facts.ts';
import { systemClock } from '../node/clock.ts';
import { noCompression } from '../node/codec/noCompression.ts';
import { errnoOf } from '../node/disk/errno.ts';
import type { Identity } from '../node/identity/identity.ts';
import { reach } from '../node/net/reach.ts';
import type { Reached } from '../node/net/reach.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { distinctAddresses, formatAddress, parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { SenderSession } from '../protocol/senderSession.ts';
import type { Channel } from '../transfer/ports.ts';
import { SessionPump } from '../transfer/sessionPump.ts';
import { greeting } from './greeting.ts';
import type { StateFolder } from './stateFolder.ts';

/** How far one gets with a peer, address by address. */

export type DoctorTarget =
  /** `addresses`: where it answers now; without any, where it was reached. */
  | { readonly kind: 'peer'; readonly fingerprint: Fingerprint; readonly addresses: readonly Address[] }
  /** `HOST` or `HOST:PORT`, as somebody typed it. */
  | { readonly kind: 'address'; readonly text: string };

/** Who is asked about, and where. */
export interface AskedPeer {
  readonly name: string | undefined;
  readonly addresses: readonly Address[];
  /** One of these should answer; with none, anybody may. */
  readonly expected: readonly PeerIdentity[];
}

interface ProbeInit {
  readonly state: StateFolder;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/** Addresses that are tried; a name may stand for many. */
const MOST_PATHS = 4;
/** How long a name may be looked up … */
const LOOKUP_MS = 5000;
/** … and an answer to a greeting may take. */
const GREETING_MS = 5000;

/** Makes of what was asked whom to look for; rejects as `lookUp` and `send` do. */
export function askedPeer(state: StateFolder, target: DoctorTarget): AskedPeer {
  const known = state.peers.list();
  if (target.kind === 'peer') {
    const peer = known.find(({ fingerprint }) => fingerprint === target.fingerprint);
    if (peer === undefined) throw new CourierError('not-paired', target.fingerprint.slice(0, 16));
    const name = printable(peer.name, 64);
    const expected = [{ name, fingerprint: peer.fingerprint }];
    const addresses = distinctAddresses([...target.addresses, ...peer.addresses]).slice(0, MOST_PATHS);
    return { name, addresses, expected };
  }
  const address = parseAddress(target.text.trim(), DEFAULT_PORT);
  if (address === undefined) {
    throw new CourierError('unreachable', `${printable(target.text)} is no address`);
  }
  const place = formatAddress(address);
  const expected = known
    .filter(({ addresses }) => addresses.some((each) => formatAddress(each) === place))
    .map(({ name, fingerprint }) => ({ name: printable(name, 64), fingerprint }));
  return { name: undefined, addresses: [address], expected };
}

export async function probePeer(peer: AskedPeer, init: ProbeInit): Promise<PeerFacts> {
  const lookups: NameLookup[] = [];
  const found = await Promise.all(
    peer.addresses.map(async (address) => {
      if (isIP(address.host.split('%')[0] ?? '') !== 0) return [address];
      const looked = await lookUpName(address.host, init.signal);
      lookups.push(looked);
      return looked.addresses.map((host) => ({ host, port: address.port }));
    }),
  );
  const addresses = distinctAddresses(found.flat()).slice(0, MOST_PATHS);
  const known = init.state.peers.list();
  const nameOf = (fingerprint: string): string | undefined => {
    const name = known.find((each) => each.fingerprint === fingerprint)?.name;
    return name === undefined ? undefined : printable(name, 64);
  };
  const paths = await Promise.all(
    addresses.map((address, place) =>
      probePath({ ...init, address, expected: peer.expected, isPinned: place === 0, nameOf }),
    ),
  );
  return { name: peer.name, expected: peer.expected, lookups, paths };
}

export interface PathInit {
  readonly address: Address;
  readonly identity: Identity;
  /** One of these should answer; absent or with none, anybody may. */
  readonly expected?: readonly PeerIdentity[];
  /** It is where the peer was last, so that another key is a loud stop; absent, it is. */
  readonly isPinned?: boolean;
  /** Under which name a key is known. */
  readonly nameOf?: (fingerprint: string) => string | undefined;
  readonly signal: AbortSignal;
}

/** One address: TCP, TLS, whose key it is, and if it is the right one, a greeting. Rejects only if the signal goes off. */
export async function probePath(init: PathInit): Promise<PathFacts> {
  const { address, nameOf = () => undefined } = init;
  const reached = await reach(init);
  const where = { address: formatAddress(address), connectMs: reached.connectMs };
  if (reached.end !== 'secured') {
    return { ...where, end: reached.end, code: reached.code, answering: undefined };
  }
  const { fingerprint } = reached.peer;
  const end = await endOf(reached, init);
  return { ...where, end, code: '', answering: { fingerprint, knownAs: nameOf(fingerprint) } };
}

async function endOf(
  { peer: { fingerprint }, channel }: Extract<Reached, { end: 'secured' }>,
  { identity, expected = [], isPinned = true, signal }: PathInit,
): Promise<PathEnd> {
  const isOurselves = fingerprint === identity.fingerprint;
  const isMeant = expected.length === 0 || expected.some((each) => each.fingerprint === String(fingerprint));
  if (isMeant && !isOurselves) return greet(channel, signal);
  await channel.close();
  if (isOurselves) return 'ourselves';
  return isPinned ? 'wrong-identity' : 'another-device';
}

/**
 * Greets as a sender does who has nothing to send after all. Our name stays unsaid: who knows us knows it, and nobody
 * else need learn it from a look.
 */
async function greet(channel: Channel, signal: AbortSignal): Promise<PathEnd> {
  const session = new SenderSession({
    isDialler: true,
    hello: greeting('sender', '', noCompression),
    now: systemClock.now(),
  });
  let isOpened = false;
  const pump = new SessionPump(session.conversation, channel, systemClock, (event) => {
    if (event.type !== 'opened') return;
    isOpened = true;
    pump.close({ code: 'cancelled' });
  });
  const stop = (): void => pump.close({ code: 'cancelled' });
  const tooLate = systemClock.schedule(GREETING_MS, () => pump.close({ code: 'timed-out' }));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const { close, origin } = await pump.run();
  tooLate();
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (isOpened) return 'greeted';
  if (close.code === 'version-mismatch') return 'version-mismatch';
  if (origin === 'local') return 'no-greeting';
  switch (close.code) {
    case 'not-paired':
      return 'not-known-there';
    case 'busy':
      return 'busy';
    default:
      return 'no-greeting';
  }
}

async function lookUpName(host: string, signal: AbortSignal): Promise<NameLookup> {
  const late = new AbortController();
  const disarm = systemClock.schedule(LOOKUP_MS, () => late.abort());
  try {
    // What was asked of the system goes on; nobody waits for it any more.
    const found = await Promise.race([
      lookup(host, { all: true }),
      rejected(AbortSignal.any([signal, late.signal])),
    ]);
    return { host, addresses: found.map(({ address }) => address), code: '' };
  } catch (error) {
    signal.throwIfAborted();
    return { host, addresses: [], code: errnoOf(error) ?? 'ETIMEDOUT' };
  } finally {
    disarm();
  }
}

/** Rejects when the signal goes off, and never resolves. */
function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new DOMException('stopped', 'AbortError'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
