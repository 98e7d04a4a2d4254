/** Told once: whether the codec takes the chunk, or it leaves as it is. */
export type Turn = (isForCodec: boolean) => void;

/**
 * Chunks before the codec, first come first served, as many at once as it has threads. A chunk that may leave does so
 * when the path has nothing to carry: a codec that is slower than the path then shortens what it can, and the path
 * carries the rest meanwhile. (The level of the queue to the network as what decides is AdOC's idea: Jeannot, Knutsson,
 * Björkman: Adaptive Online Data Compression, 2002.)
 */
export class CodecQueue {
  // Immutable.
  readonly #threads: number;
  readonly #isPathIdle: () => boolean;
  readonly #waiting: { readonly turn: Turn; readonly mayLeave: boolean }[] = [];

  // Mutable.
  #running = 0;

  constructor(threads: number, isPathIdle: () => boolean) {
    this.#threads = threads;
    this.#isPathIdle = isPathIdle;
  }

  /** Puts a chunk in. Whoever is told `true` calls {@link CodecQueue.leave} when the codec is done. */
  enter(turn: Turn, mayLeave: boolean): void {
    if (this.#running < this.#threads) {
      this.#running += 1;
      turn(true);
    } else if (mayLeave && this.#isPathIdle()) turn(false);
    else this.#waiting.push({ turn, mayLeave });
  }

  /** The codec is done with a chunk. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next.turn(true);
  }

  /** The path has nothing to carry. */
  relieve(): void {
    const first = this.#waiting.findIndex(({ mayLeave }) => mayLeave);
    if (first !== -1) this.#waiting.splice(first, 1)[0]?.turn(false);
  }
}
