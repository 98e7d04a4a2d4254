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
import { goesOnWhenCrossed } from '../peers/crossing.ts';
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

/** Somebody here dials another device, whose user may do the same. */
interface Dialling {
  readonly wish: PairingWish;
  /** Who answers; `undefined`: nobody does. */
  readonly answered: Deferred<Fingerprint | undefined>;
  /** Ends our own talk: the other device's goes on in its place. */
  readonly giveWay: AbortController;
  /** How the talk ends for which ours gave way. */
  readonly theirs: Deferred<Comparison>;
  /** Our talk has come to a code: another one would be another guess for somebody in the middle. */
  hasCode: boolean;
  hasGivenWay: boolean;
}

/** How long we wait for the connection of a device that says that it dials us itself. */
const CROSSED_MS = 10_000;

/** Where users of this device compare codes, with others that dial, and with others that they dial. */
export class PairingDesk {
  // Immutable.
  readonly #state: StateFolder;
  readonly #guard = new PairingGuard(systemClock);

  // Mutable.
  #waiting: Waiting | undefined;
  #dialling: Dialling | undefined;
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
    const address = parseAddress(text.trim(), DEFAULT_PORT);
    if (address === undefined) throw new CourierError('unreachable', `${printable(text)} is no address`);
    const dialling: Dialling = {
      wish,
      answered: deferred(),
      giveWay: new AbortController(),
      theirs: deferred(),
      hasCode: false,
      hasGivenWay: false,
    };
    this.#dialling = dialling;
    try {
      return await this.#dialAt(address, dialling);
    } finally {
      this.#dialling = undefined;
      dialling.answered.resolve(undefined);
    }
  }

  async #dialAt(address: Address, dialling: Dialling): Promise<Fingerprint> {
    const { wish } = dialling;
    const { identity, signal } = wish;
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
    dialling.answered.resolve(fingerprint);
    const pair = { dialler: identity.fingerprint, listener: fingerprint, exporter };
    const either = AbortSignal.any([signal, dialling.giveWay.signal]);
    const ours = await compareCodes({
      ...wish,
      side: 'dialler',
      pair,
      channel,
      compare: (code, options) => {
        dialling.hasCode = true;
        return wish.compare(code, options);
      },
      signal: either,
    });
    const isFirst = goesOnWhenCrossed(identity.fingerprint, fingerprint);
    const comparison = hasCrossed(dialling, ours, isFirst) ? await theirsOf(dialling, ours) : ours;
    return this.#conclude(comparison, fingerprint, [address]);
  }

  /** A device has come in that wants to pair. */
  async take(inbound: Inbound): Promise<void> {
    if (this.#dialling !== undefined) {
      await this.#takeCrossed(inbound, this.#dialling);
      return;
    }
    const { channel, exporter, fingerprint, kept } = inbound;
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

  /** A device has come in while we dial: if it is the one that we dial, one of the two connections goes on. */
  async #takeCrossed({ channel, exporter, fingerprint, kept }: Inbound, dialling: Dialling): Promise<void> {
    const { wish } = dialling;
    const own = wish.identity.fingerprint;
    const answered = await dialling.answered.promise;
    const isOver = this.#dialling !== dialling || dialling.hasGivenWay || dialling.hasCode;
    if (isOver || answered !== fingerprint || this.#isUnwelcome(fingerprint)) {
      await turnAway(channel);
      return;
    }
    if (!goesOnWhenCrossed(fingerprint, own)) {
      // Ours does: whoever hears this waits for it.
      await turnAway(channel, 'busy');
      return;
    }
    dialling.hasGivenWay = true;
    dialling.giveWay.abort();
    const pair = { dialler: fingerprint, listener: own, exporter };
    dialling.theirs.resolve(await compareCodes({ ...wish, side: 'listener', pair, channel, onAsked: kept }));
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

/** Whether the other device dials us, too, and its connection is the one that goes on. */
function hasCrossed({ hasGivenWay }: Dialling, ours: Comparison, isFirst: boolean): boolean {
  if (ours.outcome !== 'failed' || ours.hasCode) return false;
  return hasGivenWay || (ours.failure.code === 'busy' && !isFirst);
}

/** How the talk ends for which ours gives way; ours, if it does not come in time. */
async function theirsOf(dialling: Dialling, ours: Comparison): Promise<Comparison> {
  const { signal } = dialling.wish;
  const late = deferred<Comparison>();
  const giveUp = (): void => {
    if (!dialling.hasGivenWay) late.resolve(ours);
  };
  const disarm = systemClock.schedule(CROSSED_MS, giveUp);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([dialling.theirs.promise, late.promise]);
  } finally {
    disarm();
    signal.removeEventListener('abort', giveUp);
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
