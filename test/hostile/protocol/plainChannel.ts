import type { Channel } from '../../../src/transfer/ports.ts';
import { deferred } from '../../../src/base/deferred.ts';
import { CourierError } from '../../../src/base/failure.ts';
import { decodeFirst } from '../support/wickedFrames.ts';
import type { SeenFrame } from '../support/wickedFrames.ts';
import type { Replayer } from '../support/wickedSession.ts';

/**
 * A channel without TLS below it, at whose other end a wicked peer stands: for what has to be tried thousands of
 * times. Works in microtasks alone.
 */
export class PlainChannel implements Channel, Replayer {
  /** What ours has said, `alive` left out. */
  readonly seen: SeenFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #inbox: Uint8Array[] = [];
  #ending: 'open' | 'ended' | 'broken' = 'open';
  #isOver = false;
  /** How often ours has said that it is alive. */
  signsOfLife = 0;
  /** Whether whatever is sent stays on its way: a window of zero. */
  isStuck = false;
  #changed = deferred<void>();
  readonly #closed = deferred<void>();

  /** Whether ours has let go. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(pieces: readonly Uint8Array[]): Promise<void> {
    this.#rest = Buffer.concat([this.#rest, ...pieces]);
    for (let first = decodeFirst(this.#rest); first !== undefined; first = decodeFirst(this.#rest)) {
      if (first.frame.name === 'alive') this.signsOfLife += 1;
      else this.seen.push(first.frame);
      this.#rest = this.#rest.subarray(first.size);
    }
    this.#notify();
    return this.isStuck ? this.#closed.promise : Promise.resolve();
  }

  readonly inbound: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => this.#next() }),
  };

  close(): Promise<void> {
    this.#isOver = true;
    this.#closed.resolve();
    this.#notify();
    return Promise.resolve();
  }

  sendBytes(bytes: Uint8Array): void {
    this.#inbox.push(bytes);
    this.#notify();
  }

  /** The wicked end is over: in order, or broken. What was said before it arrives. */
  end(how: 'ended' | 'broken'): void {
    this.#ending = how;
    this.#notify();
  }

  async whenSeen(count: number): Promise<void> {
    while (this.seen.length < count && !this.#isOver) await this.#changed.promise;
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#inbox.length === 0 && !this.#isOver && this.#ending === 'open') await this.#changed.promise;
    const next = this.#inbox.shift();
    if (next === undefined && this.#ending === 'broken') throw new CourierError('connection-lost', 'reset');
    return next === undefined ? { done: true, value: undefined } : { done: false, value: next };
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }
}
