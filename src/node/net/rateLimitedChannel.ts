import { CourierError } from '../../base/failure.ts';
import type { Channel } from '../../transfer/ports.ts';
import type { RateLimiter } from './rateLimiter.ts';

/**
 * `channel`, but that what is sent leaves at the limiter's rate. Channels that share a limiter share its
 * rate. The bytes counted are those that are sent, before TLS adds its part; inbound bytes are not held back.
 */
export function limitChannel(channel: Channel, limiter: RateLimiter): RateLimitedChannel {
  return new RateLimitedChannel(channel, limiter);
}

export class RateLimitedChannel implements Channel {
  // Immutable.
  readonly #channel: Channel;
  readonly #limiter: RateLimiter;
  readonly #closing = new AbortController();
  readonly #released = new AbortController();

  // Mutable.
  /** Settles, and never rejects, when no send is being cut in slices; another one may not come in between. */
  #idle: Promise<void> | undefined;

  constructor(channel: Channel, limiter: RateLimiter) {
    this.#channel = channel;
    this.#limiter = limiter;
  }

  get inbound(): AsyncIterable<Uint8Array> {
    return this.#channel.inbound;
  }

  send(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#idle === undefined && !this.#limiter.isLimited) return this.#channel.send(pieces);
    const sent = this.#sendNext(this.#idle, pieces);
    const idle = sent
      .catch(() => undefined)
      .then(() => {
        if (this.#idle === idle) this.#idle = undefined;
      });
    this.#idle = idle;
    return sent;
  }

  /**
   * What is still to be sent is not held back any more. For the end of a session: its last word must not
   * wait behind megabytes that nobody wants now.
   */
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
      return await this.#limiter.take(wantedBytes, { signal });
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
