import { deferred } from '../base/deferred.ts';
import type { Deferred } from '../base/deferred.ts';
import { CourierError } from '../base/failure.ts';
import type { SessionFailure } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { systemClock } from '../node/clock.ts';
import type { Identity } from '../node/identity/identity.ts';
import { dial } from '../node/net/dial.ts';
import type { Inbound } from '../node/net/listener.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { PairingGuard } from '../peers/pairingGuard.ts';
import { encodeHeader, FrameType } from '../protocol/frame.ts';
import { encodeMessage } from '../protocol/messages.ts';
import type { Channel } from '../transfer/ports.ts';
import { compareCodes } from './comparison.ts';
import type { Compare, Comparison } from './comparison.ts';
import { isBlocked, requireNotBlocked } from './notBlocked.ts';
import { ourselves, requirePinned } from './sender.ts';
import type { StateFolder } from './stateFolder.ts';

/** One wish to pair, of one user. */
export interface PairingWish {
  readonly identity: Identity;
  /** What this device calls itself. */
  readonly name: string;
  readonly compare: Compare;
  readonly signal: AbortSignal;
}

/** Somebody here waits for another device to ask. */
interface Waiting {
  readonly wish: PairingWish;
  readonly paired: Deferred<Fingerprint>;
  /** One at a time: whoever asks meanwhile is sent away. */
  isComparing: boolean;
}

/** Where users of this device compare codes, with others that dial, and with others that they dial. */
export class PairingDesk {
  // Immutable.
  readonly #state: StateFolder;
  readonly #guard = new PairingGuard(systemClock);

  // Mutable.
  #waiting: Waiting | undefined;
  /** A wish is being looked after. */
  #isBusy = false;

  constructor(state: StateFolder) {
    this.#state = state;
  }

  /**
   * Waits for another device to ask, which {@link take} brings, until the users of both have said that they see the
   * same code. Rejects with a {@link CourierError} when they have not, or the signal goes off.
   */
  wait(wish: PairingWish): Promise<Fingerprint> {
    return this.#alone(() => this.#wait(wish));
  }

  /** Dials the other device, whose user waits; otherwise as {@link wait}. */
  dial(text: string, wish: PairingWish): Promise<Fingerprint> {
    return this.#alone(() => this.#dial(text, wish));
  }

  /** One wish at a time: failures of several at once would be counted too late. */
  async #alone(work: () => Promise<Fingerprint>): Promise<Fingerprint> {
    this.#guard.requireOpen();
    if (this.#isBusy) throw new CourierError('busy', 'this device is pairing already');
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  async #wait(wish: PairingWish): Promise<Fingerprint> {
    const waiting = { wish, paired: deferred<Fingerprint>(), isComparing: false };
    const stop = (): void => waiting.paired.reject(new CourierError('cancelled', 'cancelled while waiting'));
    this.#waiting = waiting;
    wish.signal.addEventListener('abort', stop);
    if (wish.signal.aborted) stop();
    try {
      return await waiting.paired.promise;
    } finally {
      wish.signal.removeEventListener('abort', stop);
      this.#waiting = undefined;
    }
  }

  async #dial(text: string, wish: PairingWish): Promise<Fingerprint> {
    const { identity, signal } = wish;
    const address = parseAddress(text.trim(), DEFAULT_PORT);
    if (address === undefined) throw new CourierError('unreachable', `${printable(text)} is no address`);
    const { channel, exporter, fingerprint } = await dial({
      identity,
      purpose: 'pairing',
      addresses: [address],
      checkPeer: (peer) => {
        if (peer.fingerprint === identity.fingerprint) throw ourselves(address);
        // Somebody we know was last reached here: another key in its place is a loud stop.
        requirePinned(this.#state, address, peer);
        requireNotBlocked(this.#state, peer.fingerprint);
      },
      signal,
    });
    const pair = { dialler: identity.fingerprint, listener: fingerprint, exporter };
    const comparison = await compareCodes({ ...wish, side: 'dialler', pair, channel });
    return this.#conclude(comparison, fingerprint, [address]);
  }

  /** A device has come in that wants to pair. */
  async take({ channel, exporter, fingerprint, kept }: Inbound): Promise<void> {
    const waiting = this.#waiting;
    if (
      waiting === undefined ||
      waiting.isComparing ||
      // Ourselves, under an address that we took for another device's.
      waiting.wish.identity.fingerprint === fingerprint ||
      this.#isUnwelcome(fingerprint)
    ) {
      await turnAway(channel);
      return;
    }
    const { wish, paired } = waiting;
    const pair = { dialler: fingerprint, listener: wish.identity.fingerprint, exporter };
    waiting.isComparing = true;
    const comparison = await compareCodes({ ...wish, side: 'listener', pair, channel, onAsked: kept });
    waiting.isComparing = false;
    // Who leaves before there is a code has cost nothing: the one who is waited for may still come.
    if (comparison.outcome === 'failed' && !comparison.hasCode && !wish.signal.aborted) return;
    await Promise.resolve()
      .then(() => this.#conclude(comparison, fingerprint, []))
      .then(paired.resolve, paired.reject);
  }

  /** Blocked, or nobody can tell. */
  #isUnwelcome(fingerprint: Fingerprint): boolean {
    try {
      return isBlocked(this.#state, fingerprint);
    } catch {
      return true;
    }
  }

  #conclude(comparison: Comparison, fingerprint: Fingerprint, addresses: readonly Address[]): Fingerprint {
    if (comparison.outcome === 'failed') {
      if (comparison.hasCode) this.#guard.failed();
      throw comparison.failure;
    }
    this.#guard.succeeded();
    this.#state.peers.remember({ fingerprint, name: comparison.name, addresses: [...addresses] });
    return fingerprint;
  }
}

/** Tells a device that nobody here has what it has come for. Never rejects. */
export async function turnAway(channel: Channel, code: SessionFailure = 'not-pairing'): Promise<void> {
  const payload = encodeMessage('close', { code });
  const header = encodeHeader({ type: FrameType.close, length: payload.length, index: 0 });
  try {
    await channel.send([header, payload]);
  } catch {
    // It has left before it was told.
  }
  await channel.close().catch(() => undefined);
}
