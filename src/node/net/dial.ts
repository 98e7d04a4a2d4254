import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { CourierError } from '../../base/failure.ts';
import { formatAddress } from '../../peers/address.ts';
import type { Address } from '../../peers/address.ts';
import { errnoOf } from '../disk/errno.ts';
import type { Identity } from '../identity/identity.ts';
import { HANDSHAKE_TIMEOUT_MS, identifyPeer, tlsOptions } from './tlsOptions.ts';
import type { Purpose, SecuredPeer } from './tlsOptions.ts';
import { TlsChannel } from './tlsChannel.ts';

/** An outbound connection whose peer is who it should be. */
export interface Dialled extends SecuredPeer {
  readonly channel: TlsChannel;
  readonly address: Address;
  /** How long the path took there and back, milliseconds. */
  readonly roundTripMs: number;
}

export interface DialInit {
  readonly identity: Identity;
  /** What the connection is for; absent, a session. */
  readonly purpose?: Purpose;
  /** Tried one after another with a head start each, and the first that fits wins. */
  readonly addresses: readonly Address[];
  /** Where else it may be; asked for when all of `addresses` have failed, or keep silent for a while. */
  readonly more?: (options: { readonly signal: AbortSignal }) => AsyncIterable<Address>;
  /** What it is about if there was no address at all. */
  readonly nowhere?: string;
  /** Throws unless this is the peer that was meant. Runs before a byte is sent or read. */
  readonly checkPeer: (peer: SecuredPeer, address: Address) => void;
  readonly signal: AbortSignal;
}

/** How long an address may try alone before the next one joins (RFC 8305 § 5 proposes 250 ms). */
const HEAD_START_MS = 250;
/** How long the known addresses may try before others are looked for. */
const LOOK_AFTER_MS = 1000;

/**
 * Connects to the first address that answers with the right key. If none does, rejects with the failure
 * that says most: a wrong key before another protocol, before silence.
 */
export async function dial(init: DialInit): Promise<Dialled> {
  const race = new AbortController();
  const signal = AbortSignal.any([init.signal, race.signal]);
  const failures: CourierError[] = [];
  const attempt = async (address: Address): Promise<Dialled> => {
    try {
      return await dialOne(init, address, signal);
    } catch (error) {
      const failure = dialFailure(error, address);
      failures.push(failure);
      throw failure;
    }
  };
  const attempts = init.addresses.map(async (address, place) => {
    await pause(place * HEAD_START_MS, signal);
    return attempt(address);
  });
  try {
    const all = [...attempts, dialMore(init, attempts, attempt, signal)];
    const first = await Promise.any(all);
    // Another may have come in at the same moment.
    void closeOthers(all, first);
    return first;
  } catch {
    if (init.signal.aborted) throw new CourierError('cancelled', 'cancelled while connecting');
    throw worst(failures) ?? new CourierError('unreachable', init.nowhere ?? 'no address to connect to');
  } finally {
    race.abort();
  }
}

/** Connects to the first of further addresses, as they are found; rejects when there are no more. */
async function dialMore(
  { addresses, more }: DialInit,
  known: readonly Promise<Dialled>[],
  attempt: (address: Address) => Promise<Dialled>,
  signal: AbortSignal,
): Promise<Dialled> {
  if (more === undefined) throw new CourierError('unreachable', 'no other address');
  const isKnown = Promise.any(known).then(
    () => true,
    () => false,
  );
  if (await Promise.race([isKnown, pause(LOOK_AFTER_MS, signal).then(() => false)])) {
    throw new CourierError('unreachable', 'nobody else is looked for');
  }
  const tried = new Set(addresses.map(formatAddress));
  const found = new AbortController();
  const attempts: Promise<Dialled>[] = [];
  for await (const address of more({ signal: AbortSignal.any([signal, found.signal]) })) {
    if (tried.has(formatAddress(address))) continue;
    const tries = attempt(address);
    attempts.push(tries);
    // Nobody else needs to be looked for.
    tries.then(() => found.abort()).catch(() => undefined);
  }
  const first = await Promise.any(attempts);
  void closeOthers(attempts, first);
  return first;
}

async function closeOthers(attempts: readonly Promise<Dialled>[], winner: Dialled): Promise<void> {
  for (const attempt of await Promise.allSettled(attempts)) {
    if (attempt.status === 'fulfilled' && attempt.value !== winner) await attempt.value.channel.close();
  }
}

function dialOne(
  { identity, purpose = 'session', checkPeer }: DialInit,
  address: Address,
  signal: AbortSignal,
): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket: TLSSocket = connect({
      ...tlsOptions(identity, [purpose]),
      host: address.host,
      port: address.port,
      // The peer is known by its key; a name would only tell listeners on the path whom we look for.
      servername: '',
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => fail(new CourierError('timed-out', 'no answer')), HANDSHAKE_TIMEOUT_MS);
    const stop = (): void => fail(new CourierError('cancelled', 'cancelled while connecting'));
    const hungUp = (): void =>
      fail(new CourierError('not-peer-courier', 'the connection was closed at once'));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      reject(error);
    };
    signal.addEventListener('abort', stop);
    socket.once('error', fail);
    socket.once('close', hungUp);
    // A name may have had to be looked up first; the handshake of TLS 1.3 is one round trip and some computing.
    let startedAt = performance.now();
    let roundTripMs = Number.POSITIVE_INFINITY;
    const measure = (): void => {
      const now = performance.now();
      roundTripMs = Math.min(roundTripMs, now - startedAt);
      startedAt = now;
    };
    socket.once('connect', measure);
    socket.once('secureConnect', () => {
      measure();
      try {
        const peer = identifyPeer(socket);
        checkPeer(peer, address);
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        // Only ours: Node frees the TLS state in a listener of its own.
        socket.off('error', fail);
        socket.off('close', hungUp);
        resolve({ ...peer, address, roundTripMs, channel: new TlsChannel(socket) });
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function dialFailure(error: unknown, address: Address): CourierError {
  if (CourierError.is(error)) return error;
  const where = formatAddress(address);
  switch (errnoOf(error)) {
    case 'ECONNREFUSED':
      return new CourierError('not-listening', where, { cause: error });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EACCES':
    case 'EPERM':
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return new CourierError('unreachable', where, { cause: error });
    case 'ETIMEDOUT':
      return new CourierError('timed-out', `${where} does not answer`, { cause: error });
    default:
      // Anything else went wrong inside TLS: somebody is there who does not speak it as we do.
      return new CourierError('not-peer-courier', `${where} does not answer as a peer`, { cause: error });
  }
}

const MOST_TELLING: readonly string[] = [
  'wrong-identity',
  'not-paired',
  'peer-blocked',
  'not-peer-courier',
  'not-listening',
  'timed-out',
];

function worst(failures: readonly CourierError[]): CourierError | undefined {
  return failures.toSorted((left, right) => rankOf(left) - rankOf(right))[0];
}

function rankOf({ code }: CourierError): number {
  const place = MOST_TELLING.indexOf(code);
  return place < 0 ? MOST_TELLING.length : place;
}
