/**
 * How many lanes a transfer uses. One connection fills a path unless packets get lost or the path is long; then its
 * congestion window stays below what the path holds, and several together fill it (GridFTP's parallelism, mdtmFTP's
 * hill climbing). More are tried, twice as many at a time, and kept only if the rate rises.
 *
 * Sans-io: bytes that have arrived and the time go in, a number of lanes comes out. Times are in milliseconds.
 */

export interface LaneGrowthInit {
  /** As many as both sides and the user allow. */
  readonly most: number;
  /** Of the path, as its first connection took it. */
  readonly roundTripMs: number;
  readonly now: number;
}

/** A path that is longer than this is worth several lanes from the start: one alone takes seconds to speed up. */
const LONG_MS = 8;
const LANES_ON_LONG = 4;
const VERY_LONG_MS = 20;
const LANES_ON_VERY_LONG = 8;
/** More lanes must raise the rate at least so far, or they are not used. */
const WORTHWHILE = 1.1;
/** A rate is measured over at least so many round trips, … */
const MEASURE_ROUND_TRIPS = 6;
/** … so much time, in which the receiver confirms several times, … */
const MEASURE_MS = 300;
/** … and so many bytes for each lane, several chunks. */
const MEASURE_BYTES_A_LANE = 512 * 1024;
/** How long a number of lanes gets to settle before it is measured. */
const SETTLE_ROUND_TRIPS = 3;
const SETTLE_MS = 150;
/** A trial that brought nothing is repeated after so long, and after twice as long each time: paths change. */
const TRY_AGAIN_MS = 5000;

interface Measurement {
  readonly startedAt: number;
  readonly startedBytes: number;
}

export class LaneGrowth {
  // Immutable.
  readonly #most: number;
  readonly #settleMs: number;
  readonly #measureMs: number;

  // Mutable.
  #lanes: number;
  /** The number that is known to be good, and its rate in bytes a millisecond; `undefined` before it is measured. */
  #kept: { readonly lanes: number; readonly rate: number } | undefined;
  /** Nothing is measured before this. */
  #settledAt: number;
  #measurement: Measurement | undefined;
  #tryAgainMs = TRY_AGAIN_MS;

  constructor({ most, roundTripMs, now }: LaneGrowthInit) {
    this.#most = most;
    this.#lanes = Math.min(most, lanesAtFirst(roundTripMs));
    this.#settleMs = Math.max(SETTLE_MS, SETTLE_ROUND_TRIPS * roundTripMs);
    this.#measureMs = Math.max(MEASURE_MS, MEASURE_ROUND_TRIPS * roundTripMs);
    this.#settledAt = now + this.#settleMs;
  }

  /** How many lanes are to be used now. */
  get lanes(): number {
    return this.#lanes;
  }

  /** So many bytes have arrived in all, as far as is known at `now`. */
  observe(now: number, bytes: number): void {
    if (this.#most === 1 || now < this.#settledAt) return;
    this.#measurement ??= { startedAt: now, startedBytes: bytes };
    const { startedAt, startedBytes } = this.#measurement;
    const elapsed = now - startedAt;
    const moved = bytes - startedBytes;
    if (elapsed < this.#measureMs || moved < MEASURE_BYTES_A_LANE * this.#lanes) return;
    this.#measurement = undefined;
    this.#judge(now, moved / elapsed);
  }

  /** The transfer stood still for a reason of its own: what was being measured is no rate. */
  interrupt(now: number): void {
    this.#measurement = undefined;
    this.#settledAt = Math.max(this.#settledAt, now + this.#settleMs);
  }

  /** A lane could not be had, or broke: fewer are used, and more are tried later. */
  fail(now: number, lanesLeft: number): void {
    this.#lanes = Math.max(1, Math.min(this.#lanes, lanesLeft));
    this.#kept = undefined;
    this.#rest(now);
  }

  #judge(now: number, rate: number): void {
    const kept = this.#kept;
    if (kept !== undefined && this.#lanes > kept.lanes && rate < kept.rate * WORTHWHILE) {
      this.#lanes = kept.lanes;
      // What that rate is worth later is measured again before the next trial.
      this.#kept = undefined;
      this.#rest(now);
      return;
    }
    if (this.#lanes === this.#most) {
      this.#rest(now);
      return;
    }
    this.#kept = { lanes: this.#lanes, rate };
    this.#lanes = Math.min(this.#most, this.#lanes * 2);
    this.#settledAt = now + this.#settleMs;
  }

  #rest(now: number): void {
    this.#measurement = undefined;
    this.#settledAt = now + this.#tryAgainMs;
    this.#tryAgainMs *= 2;
  }
}

function lanesAtFirst(roundTripMs: number): number {
  if (roundTripMs >= VERY_LONG_MS) return LANES_ON_VERY_LONG;
  return roundTripMs >= LONG_MS ? LANES_ON_LONG : 1;
}
