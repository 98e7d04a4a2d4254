import type { Clock } from './clock.ts';

/** So many lines of a kind … */
const MOST_LINES = 5;
/** … in this time; what comes on top is counted. */
const PERIOD_MS = 10_000;
/** Kinds that are told apart at once. Those beyond it count as one. */
const MOST_KINDS = 64;
const OTHER_KINDS = '';

/**
 * Holds back lines that come too often: others may cause as many of them as they like, and somebody reads them,
 * or they fill a disk. Of each kind the first few of a period pass; at its end it is told how many did not.
 */
export class LinePace {
  // Immutable.
  readonly #clock: Clock;
  readonly #tellHeldBack: (kind: string, count: number) => void;

  // Mutable.
  /** How many lines of each kind have come in its period, which began with the first of them. */
  readonly #counts = new Map<string, number>();

  constructor(clock: Clock, tellHeldBack: (kind: string, count: number) => void) {
    this.#clock = clock;
    this.#tellHeldBack = tellHeldBack;
  }

  /** Whether a line of this kind may pass now. */
  passes(kind: string): boolean {
    const isKnown = this.#counts.has(kind) || this.#counts.size < MOST_KINDS;
    const counted = isKnown ? kind : OTHER_KINDS;
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    if (count === 1) this.#clock.schedule(PERIOD_MS, () => this.#endPeriod(counted));
    return count <= MOST_LINES;
  }

  #endPeriod(kind: string): void {
    const heldBack = (this.#counts.get(kind) ?? 0) - MOST_LINES;
    this.#counts.delete(kind);
    if (heldBack > 0) this.#tellHeldBack(kind, heldBack);
  }
}
