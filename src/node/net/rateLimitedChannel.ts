import { CourierError } from '../../base/failure.ts';
import type { Channel } from '../../transfer/ports.ts';
import type { RateLimiter } from './rateLimiter.ts';

/**
 * What a limiter leaves one transfer, over however many connections: it asks for one slice at a time, so that transfers
 * which share the limiter take turns, and a transfer with sixteen lanes gets no more than one with a single one.
 */
export class TransferLimit {
  // Immutable.
  readonly #limiter: RateLimiter;
  readonly #channels: RateLimitedChannel[] = [];

  // Mutable.
  /** Settles, and never rejects, when no connection of the transfer waits for a slice. */
  #asking: Promise<void> | undefined;

  constructor(limiter: RateLimiter) {
    this.#limiter = limiter;
  }

  get isLimited(): boolean {
    return this.#limiter.isLimited;
  }

  /**
   * `channel`, but that what is sent leaves at the limiter's rate. The bytes counted are those that are sent, before
   * TLS adds its part; inbound bytes are not held back.
   */
  over(channel: Channel): Channel {
    const limited = new RateLimitedChannel(channel, this);
    this.#channels.push(limited);
    return limited;
  }

  /** How many of `wantedBytes` may be sent now; at least one. Rejects with the signal's reason. */
  take(wantedBytes: number, options: { readonly signal: AbortSignal }): Promise<number> {
    const ask = (): Promise<number> => this.#limiter.take(wantedBytes, options);
    const granted = this.#asking === undefined ? ask() : this.#asking.then(ask);
    const asking = granted
      .catch(() => undefined)
      .then(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    this.#asking = asking;
    return granted;
  }

  /**
   * What is still to be sent is not held back any more. For the end of a session: its last word must not
   * wait behind megabytes that nobody wants now.
   */
  release(): void {
    for (const channel of this.#channels) channel.release();
  }
}

class RateLimitedChannel implements Channel {
  // Immutable.
  readonly #channel: Channel;
  readonly #limit: TransferLimit;
  readonly #closing = new AbortController();
  readonly #released = new AbortController();

  // Mutable.
  /** Settles, and never rejects, when no send is being cut in slices; another one may not come in between. */
  #idle: Promise<void> | undefined;

  constructor(channel: Channel, limit: TransferLimit) {
    this.#channel = channel;
    this.#limit = limit;
  }

  get inbound(): AsyncIterable<Uint8Array> {
    return this.#channel.inbound;
  }

  send(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#idle === undefined && !this.#limit.isLimited) return this.#channel.send(pieces);
    const sent = this.#sendNext(this.#idle, pieces);
    const idle = sent
      .catch(() => undefined)
      .then(() => {
        if (this.#idle === idle) this.#idle = undefined;
      });
    this.#idle = idle;
    return sent;
  }

  /** See {@link TransferLimit.release}. */
  release(): void {
    this.#released.abort(new CourierError('cancelled', 'not limited any more'));
  }

  async close(): Promise<void> {
    this.#closing.abort(new CourierError('connection-lost', 'the connection is closed'));
    try {
      await this.#channel.close();
    } finally {
      await this.#idle;
    }
  }

  async #sendNext(before: Promise<void> | undefined, pieces: readonly Uint8Array[]): Promise<void> {
    if (before !== undefined) await before;
    const slices = new Slices(pieces);
    // What is empty is sent, too: the channel may have to say that it is broken.
    if (slices.remainingBytes === 0) await this.#channel.send(pieces);
    while (slices.remainingBytes > 0) {
      const bytes = await this.#grant(slices.remainingBytes);
      await this.#channel.send(slices.next(bytes));
    }
  }

  /** How much may leave now; rejects when the channel is being closed. */
  async #grant(wantedBytes: number): Promise<number> {
    const released = this.#released.signal;
    if (released.aborted) return wantedBytes;
    const signal = AbortSignal.any([this.#closing.signal, released]);
    try {
      return await this.#limit.take(wantedBytes, { signal });
    } catch (error) {
      if (this.#closing.signal.aborted) throw error;
      return wantedBytes;
    }
  }
}

/** Pieces cut anew, as views of the same memory. */
class Slices {
  readonly #pieces: Uint8Array[];
  remainingBytes: number;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces.filter(({ length }) => length > 0);
    this.remainingBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** The next `bytes`, in as many pieces as they lie in. */
  next(bytes: number): readonly Uint8Array[] {
    const slice: Uint8Array[] = [];
    let missing = Math.min(bytes, this.remainingBytes);
    this.remainingBytes -= missing;
    while (missing > 0) {
      const [piece] = this.#pieces;
      if (piece === undefined) break;
      const part = piece.subarray(0, missing);
      if (part.length < piece.length) this.#pieces[0] = piece.subarray(part.length);
      else this.#pieces.shift();
      slice.push(part);
      missing -= part.length;
    }
    return slice;
  }
}
