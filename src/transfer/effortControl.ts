import { ChunkRounds, CLEARLY_STALLED } from './chunkRounds.ts';
import type { EncodedChunk, Round, Way } from './chunkRounds.ts';
import { EffortLadder } from './effortLadder.ts';

/**
 * Whether chunks are compressed, told from what that does to the rate of the transfer.
 *
 * It depends on the path, on the processors of both sides and on what else runs there, and none of that can be
 * asked. So it is tried: a round of chunks of the other way, between two of the present one, decides by how many
 * bytes of files they move in a second. Trials are rare, and rarer each time one confirms what was known; a rate
 * that has changed brings the next one forward. Where the path is hardly waited for while all is stored, rates decide
 * nothing: there is nothing to gain. While the codec would be idle most of the time anyway, it holds
 * nothing up, and there is nothing to try. Rounds of data that does not shrink say nothing: it is sent as it is,
 * either way.
 *
 * Knows no clock: times are in milliseconds and come from the caller.
 */

/** To go on with compressing, it must gain so much: less is within the noise, and costs processor time … */
const GAIN_TO_GO_ON = 1.15;
/** … and so much to begin again: where other work shares the processors, rates say little. */
const GAIN_TO_BEGIN = 1.2;
/** Storing that gains so much on a codec that was at its limit needs no second look. */
const CLEAR_GAIN_OF_STORING = 1.5;
/**
 * A path that is waited for less than this part of the time, while everything is stored, is not what holds the transfer
 * up: then there is hardly anything to gain.
 */
const LEAST_STALLED = 0.3;
/** A trial that found nothing to gain on one that is {@link CLEARLY_STALLED} is repeated soon. */
const IMPATIENCE = 2;
/** A rate that differs by so much is another situation. */
const CHANGE = 2;
/** Rounds between two trials, at least; doubled by each one that confirms what was known … */
const FIRST_DISTANCE = 4;
const LONGEST_DISTANCE = 32;
/**
 * … and so many times as many while nothing changes, unless compressing goes on, gained no more than this, and the path
 * was not clearly what all that was stored waited for.
 */
const PATIENCE = 16;
const CLEAR_GAIN_OF_COMPRESSING = 2;
/** Threads that the codec would keep busy at the least effort: up to here it holds nothing up. */
const QUIET_LOAD = 0.5;
/** The weight of the last round in the smoothed pace. */
const SMOOTHING = 0.3;

interface Trial {
  /** The round ahead of it. Of the first trial it says little: connection and program warm up in it. */
  readonly before: Round;
  readonly isFirst: boolean;
  /** The round of the other way, once it is over. */
  readonly other: Round | undefined;
}

export class EffortControl {
  // Immutable.
  readonly #ladder: EffortLadder;
  readonly #chunks: ChunkRounds;

  // Mutable.
  #isStoring = false;
  #trial: Trial | undefined;
  /** Rounds since the last trial. */
  #rounds = 0;
  #distance = FIRST_DISTANCE;
  #patience = PATIENCE;
  /** Milliseconds for a byte: after the last trial, none of which has been yet if it is absent, and lately. */
  #paceThen: number | undefined;
  #paceNow = 0;
  /** The part of the time that the path was waited for, lately. */
  #stalled = 0;

  /** `threads`: how many calls of the codec run at once. */
  constructor(threads: number) {
    this.#ladder = new EffortLadder(threads);
    this.#chunks = new ChunkRounds(this.way);
  }

  /** How the next chunk is to be sent, if it shrinks. Nothing is known of the path at first: it is compressed. */
  get way(): Way {
    const isTryingOther = this.#trial !== undefined && this.#trial.other === undefined;
    return this.#isStoring === isTryingOther ? this.#ladder.rung : 'stored';
  }

  /** Takes in what became of a chunk. */
  encoded(chunk: EncodedChunk, nowMs: number): void {
    const round = this.#chunks.add(chunk, nowMs);
    if (round === undefined) return;
    this.#learn(round);
    this.#chunks.turnTo(this.way);
  }

  #learn(round: Round): void {
    const trial = this.#trial;
    if (!round.shrinks) this.#endTrial();
    else if (trial === undefined) this.#goOn(round);
    else if (trial.other === undefined) this.#compare(trial, round);
    else this.#decide([trial.isFirst ? round.rate : trial.before.rate, round.rate], trial.other);
  }

  /** A round of the present way. */
  #goOn(round: Round): void {
    this.#rounds += 1;
    const pace = 1 / round.rate;
    this.#paceNow = this.#paceNow === 0 ? pace : this.#paceNow + SMOOTHING * (pace - this.#paceNow);
    this.#stalled += SMOOTHING * (round.stalled - this.#stalled);
    // A path that has become faster confirms that nothing is compressed; from there on it may become slower.
    if (this.#isStoring) this.#paceThen = Math.min(this.#paceThen ?? this.#paceNow, this.#paceNow);
    const isFirst = this.#paceThen === undefined;
    const isTooHigh = !this.#isStoring && this.#ladder.isTooHigh(round.load);
    if (isTooHigh) this.#ladder.climb(round);
    // The first trial comes at once: of the round ahead of it, little counts.
    if (isTooHigh && !isFirst) return;
    if (this.#isTrialDue(round)) this.#trial = { before: round, isFirst, other: undefined };
    else if (!this.#isStoring) this.#ladder.climb(round);
  }

  #isTrialDue({ load }: Round): boolean {
    if (!this.#isStoring && this.#ladder.leastLoad(load) <= QUIET_LOAD) return false;
    if (this.#paceThen === undefined) return true;
    if (this.#rounds < this.#distance) return false;
    if (this.#isStoring && this.#stalled < LEAST_STALLED) return false;
    const change = this.#paceNow / this.#paceThen;
    const isFaster = !this.#isStoring && change < 1 / CHANGE;
    // A codec that has time left is not what made it slower.
    const isSlower = change > CHANGE && (this.#isStoring || this.#ladder.isHeavy(load));
    const hasChanged = isFaster || isSlower;
    const isPromising = this.#isStoring && this.#stalled > CLEARLY_STALLED;
    const patience = isPromising ? Math.min(IMPATIENCE, this.#patience) : this.#patience;
    return hasChanged || this.#rounds >= this.#distance * patience;
  }

  /** The other way has been tried. Where the codec alone set the rate, that was no hiccup: no second look at it. */
  #compare(trial: Trial, other: Round): void {
    const { rate, load } = trial.before;
    const isFaster =
      !trial.isFirst && other.rate > rate * CLEAR_GAIN_OF_STORING && this.#ladder.isHeavy(load);
    if (this.#isStoring) this.#trial = { ...trial, other };
    else if (other.stalled < LEAST_STALLED) this.#conclude(true, { present: rate, other });
    else if (isFaster) this.#decide([rate, rate], other);
    else this.#trial = { ...trial, other };
  }

  /** `present`: the rates of two rounds. */
  #decide([one, two]: readonly [number, number], other: Round): void {
    const mean = 2 / (1 / one + 1 / two);
    const willStore = this.#isStoring
      ? other.rate < Math.max(one, two) * GAIN_TO_BEGIN
      : mean < other.rate * GAIN_TO_GO_ON;
    this.#conclude(willStore, { present: mean, other });
  }

  /** `present`: the rate of the present way; `other`: the round of the one that was tried. */
  #conclude(
    willStore: boolean,
    { present, other }: { readonly present: number; readonly other: Round },
  ): void {
    const isConfirmed = willStore === this.#isStoring;
    this.#distance = isConfirmed ? Math.min(2 * this.#distance, LONGEST_DISTANCE) : FIRST_DISTANCE;
    const isClearGain = present > other.rate * CLEAR_GAIN_OF_COMPRESSING || other.stalled > CLEARLY_STALLED;
    const isClear = willStore || (isConfirmed && isClearGain);
    this.#patience = isClear ? PATIENCE : 1;
    this.#isStoring = willStore;
    if (willStore) this.#ladder.reset();
    this.#paceNow = 1 / (isConfirmed ? present : other.rate);
    this.#paceThen = this.#paceNow;
    this.#endTrial();
  }

  #endTrial(): void {
    if (this.#trial === undefined) return;
    this.#trial = undefined;
    this.#rounds = 0;
  }
}
