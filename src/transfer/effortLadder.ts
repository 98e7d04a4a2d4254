import type { Round } from './chunkRounds.ts';
import { EFFORTS } from './ports.ts';
import type { Effort } from './ports.ts';

/** What an effort costs beside the least one: what zstd takes for text at the levels that stand for them. */
const RELATIVE_COST: Readonly<Record<Effort, number>> = { 0: 1, 1: 1.25, 2: 5 };
/** Shares of the codec's threads that are at work: it may do more below the first, must do less above the second. */
const LIGHT_SHARE = 0.5;
const HEAVY_SHARE = 0.8;
/** A rise that leaves less of the rate than this is taken back … */
const HARMLESS_SHARE = 0.9;
/** … and tried again after so many rounds, at first, and twice as many each time. */
const FIRST_WAIT = 8;
const LONGEST_WAIT = 64;

/**
 * How hard chunks are compressed, while they are. The effort rises as long as the codec would still be idle half
 * of the time, which is so when the path is the slower part.
 */
export class EffortLadder {
  // Immutable.
  readonly #threads: number;

  // Mutable.
  #effort: Effort = 0;
  /** What the rate was before the effort rose; present until a round has shown whether that did harm. */
  #rateBelow: number | undefined;
  /** Rounds until it may rise. */
  #wait = 0;
  #nextWait = FIRST_WAIT;

  /** `threads`: how many calls of the codec run at once. */
  constructor(threads: number) {
    this.#threads = threads;
  }

  get effort(): Effort {
    return this.#effort;
  }

  /** How many threads the codec would keep busy at the least effort, if it keeps `load` busy now. */
  leastLoad(load: number): number {
    return load / RELATIVE_COST[this.#effort];
  }

  /** Whether the codec keeps nearly all of its threads busy with this. */
  isHeavy(load: number): boolean {
    return load > this.#threads * HEAVY_SHARE;
  }

  /** Takes in a round at the present effort. */
  climb({ rate, load }: Round): void {
    const rateBelow = this.#rateBelow;
    this.#rateBelow = undefined;
    this.#wait = Math.max(0, this.#wait - 1);
    // A codec that is idle most of the time is not what slowed it down.
    const isLight = load <= this.#threads * LIGHT_SHARE;
    const isHarmful = !isLight && rateBelow !== undefined && rate < rateBelow * HARMLESS_SHARE;
    if (isHarmful || this.isHeavy(load)) {
      this.#fall();
      return;
    }
    const higher = EFFORTS[this.#effort + 1];
    if (higher === undefined || this.#wait > 0) return;
    if (this.leastLoad(load) * RELATIVE_COST[higher] > this.#threads * LIGHT_SHARE) return;
    this.#rateBelow = rate;
    this.#effort = higher;
  }

  /** Begins at the bottom. */
  reset(): void {
    this.#effort = 0;
    this.#rateBelow = undefined;
  }

  #fall(): void {
    const lower = EFFORTS[this.#effort - 1];
    if (lower === undefined) return;
    this.#effort = lower;
    this.#wait = this.#nextWait;
    this.#nextWait = Math.min(2 * this.#nextWait, LONGEST_WAIT);
  }
}
