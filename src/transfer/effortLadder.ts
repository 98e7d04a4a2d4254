import type { Round, Way } from './chunkRounds.ts';
import { EFFORTS } from './ports.ts';

export type Rung = Exclude<Way, 'stored'>;

const RUNGS: readonly Rung[] = ['mixed', ...EFFORTS];
/** What a chunk costs beside the least effort: what zstd takes for text at the levels that stand for them. */
const RELATIVE_COST: Readonly<Record<Rung, number>> = { mixed: 1, 0: 1, 1: 1.25, 2: 5 };
/** Shares of the codec's threads that are at work: it may do more below the first, must do less above the second. */
const LIGHT_SHARE = 0.5;
const HEAVY_SHARE = 0.8;
/** While more than this part of the chunks leaves before the codec has them, it is at its limit, whatever it was idle. */
const MOST_LEFT = 0.1;
/** A rise that leaves less of the rate than this is taken back … */
const HARMLESS_SHARE = 0.9;
/** … and tried again after so many rounds, at first, and twice as many each time. */
const FIRST_WAIT = 8;
const LONGEST_WAIT = 64;

/**
 * How hard chunks are compressed, while they are. The effort rises as long as the codec would still be idle half
 * of the time, which is so when the path is the slower part; where the codec is slower even at the least effort, it
 * does what it can.
 */
export class EffortLadder {
  // Immutable.
  readonly #threads: number;

  // Mutable.
  /** The first chunks wait for the codec: a slow path would be long at what they spare it. */
  #rung: Rung = 0;
  /** What the rate was before the effort rose; present until a round has shown whether that did harm. */
  #rateBelow: number | undefined;
  /** Rounds until it may rise. */
  #wait = 0;
  #nextWait = FIRST_WAIT;

  /** `threads`: how many calls of the codec run at once. */
  constructor(threads: number) {
    this.#threads = threads;
  }

  get rung(): Rung {
    return this.#rung;
  }

  /** How many threads the codec would keep busy at the least effort, if it keeps `load` busy now. */
  leastLoad(load: number): number {
    return load / RELATIVE_COST[this.#rung];
  }

  /** Whether the codec keeps nearly all of its threads busy with this. */
  isHeavy(load: number): boolean {
    return load > this.#threads * HEAVY_SHARE;
  }

  /** Whether it would do less now. */
  isTooHigh(load: number): boolean {
    return this.isHeavy(load) && this.#rung !== RUNGS[0];
  }

  /** Takes in a round at the present effort. */
  climb({ rate, load, left }: Round): void {
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
    const higher = RUNGS[RUNGS.indexOf(this.#rung) + 1];
    if (higher === undefined || this.#wait > 0 || left > MOST_LEFT) return;
    if (this.leastLoad(load) * RELATIVE_COST[higher] > this.#threads * LIGHT_SHARE) return;
    this.#rateBelow = rate;
    this.#rung = higher;
  }

  /** Begins at the bottom, where nothing has to wait for the codec. */
  reset(): void {
    this.#rung = 'mixed';
    this.#rateBelow = undefined;
  }

  #fall(): void {
    const lower = RUNGS[RUNGS.indexOf(this.#rung) - 1];
    if (lower === undefined) return;
    this.#rung = lower;
    this.#wait = this.#nextWait;
    this.#nextWait = Math.min(2 * this.#nextWait, LONGEST_WAIT);
  }
}
