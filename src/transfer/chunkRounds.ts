import type { Effort } from './ports.ts';

/**
 * How chunks go that shrink: all as they are; all compressed, with an effort; or `mixed`: compressed with the least
 * effort, but for those that would keep the path waiting.
 */
export type Way = 'stored' | 'mixed' | Effort;

/** What became of one chunk. */
export interface EncodedChunk {
  /** The way of the time when the chunk came. */
  readonly way: Way;
  readonly rawBytes: number;
  /** Whether it shrinks, or would, so that the way makes a difference. */
  readonly shrinks: boolean;
  /** How long the codec had it; 0 if it did not. */
  readonly codecMs: number;
  /** What is left of it to send. */
  readonly bodyBytes: number;
  /** How long, in all so far, there was nothing to do but to wait for the path. */
  readonly stalledMs: number;
}

/** What a round of chunks has shown. */
export interface Round {
  /** Bytes of files in a millisecond. */
  readonly rate: number;
  /** How many calls of the codec were under way, on average. */
  readonly load: number;
  /** The part of the time in which there was nothing to do but to wait for the path. */
  readonly stalled: number;
  /** The part of what shrinks that the codec did not have. */
  readonly left: number;
  /** Whether most of it shrinks. */
  readonly shrinks: boolean;
}

/** Chunks that an earlier way may still hold up when a round begins: they are not counted. */
const CHUNKS_AHEAD = 4;
/** What buffers on the path may hold: while they fill or empty, rates are the buffers', and not the path's … */
const BYTES_AHEAD = 16 * 1024 * 1024;
/** … which a slow path is not waited for; and when it has been waited for so long, they are full. */
const MS_AHEAD = 200;
const MS_FULL = 20;
/** A round is so long … */
const ROUND_BYTES = 12 * 1024 * 1024;
/** … or so many chunks in so much time, on a slower path. */
const ROUND_CHUNKS = 4;
const ROUND_MS = 100;
/** A path that is waited for so much of the time, while everything is stored, surely holds the transfer up. */
export const CLEARLY_STALLED = 0.5;
/** After a turn to storing, one that carries so many times less than before needs no whole round to show it. */
const CLEAR_LOSS = 1.5;

/** Counts chunks in rounds, each of one way. */
export class ChunkRounds {
  #way: Way;
  #chunksAhead = CHUNKS_AHEAD;
  #bytesAhead = 0;
  #msAhead = 0;
  /** Of the last round. */
  #rate = 0;
  /** Of the last round before a turn to storing, until a round of that is over. */
  #rateBefore = 0;
  /** When the first chunk of a way was ready, and how long the path had been waited for by then. Absent until then. */
  #turned: { readonly nowMs: number; readonly stalledMs: number } | undefined;
  #begunMs = 0;
  #chunks = 0;
  #rawBytes = 0;
  #shrinkingBytes = 0;
  #leftBytes = 0;
  #codecMs = 0;
  /** In all, when the round began. */
  #stalledMs = 0;

  constructor(way: Way) {
    this.#way = way;
  }

  /** The next round is one of this way. */
  turnTo(way: Way): void {
    if (way === this.#way) return;
    const [from, to] = [this.#way === 'stored', way === 'stored'];
    this.#way = way;
    this.#chunksAhead = CHUNKS_AHEAD;
    this.#bytesAhead = from === to ? 0 : BYTES_AHEAD;
    // What is stored in buffers leaves as fast as it came.
    this.#msAhead = from ? Math.min(BYTES_AHEAD / this.#rate, MS_AHEAD) : MS_AHEAD;
    this.#turned = undefined;
    this.#rateBefore = to ? this.#rate : 0;
  }

  /** A chunk is ready to be sent; gives a round that is over with it. */
  add(
    { way, rawBytes, bodyBytes, shrinks, codecMs, stalledMs }: EncodedChunk,
    nowMs: number,
  ): Round | undefined {
    if (way !== this.#way) return undefined;
    if (this.#isAhead(nowMs, stalledMs)) {
      this.#chunksAhead -= 1;
      this.#bytesAhead -= bodyBytes;
      this.#begin(nowMs, stalledMs);
      return undefined;
    }
    this.#chunks += 1;
    this.#rawBytes += rawBytes;
    if (shrinks) this.#shrinkingBytes += rawBytes;
    if (shrinks && codecMs === 0) this.#leftBytes += rawBytes;
    this.#codecMs += codecMs;
    const elapsedMs = nowMs - this.#begunMs;
    if (this.#chunks < ROUND_CHUNKS || elapsedMs <= 0) return undefined;
    const round = {
      rate: this.#rawBytes / elapsedMs,
      load: this.#codecMs / elapsedMs,
      stalled: (stalledMs - this.#stalledMs) / elapsedMs,
      left: this.#leftBytes / Math.max(1, this.#shrinkingBytes),
      shrinks: this.#shrinkingBytes * 2 > this.#rawBytes,
    };
    const isLong = this.#rawBytes >= ROUND_BYTES || elapsedMs >= ROUND_MS;
    const isClear = round.rate * CLEAR_LOSS < this.#rateBefore && round.stalled > CLEARLY_STALLED;
    if (!isLong && !isClear) return undefined;
    this.#rate = round.rate;
    this.#rateBefore = 0;
    this.#begin(nowMs, stalledMs);
    return round;
  }

  /** Whether this chunk comes too early after a turn to say anything. */
  #isAhead(nowMs: number, stalledMs: number): boolean {
    this.#turned ??= { nowMs, stalledMs };
    if (this.#chunksAhead > 0) return true;
    if (this.#way === 'stored' && stalledMs - this.#turned.stalledMs >= MS_FULL) return false;
    return this.#bytesAhead > 0 && nowMs - this.#turned.nowMs < this.#msAhead;
  }

  #begin(nowMs: number, stalledMs: number): void {
    this.#begunMs = nowMs;
    this.#stalledMs = stalledMs;
    this.#chunks = 0;
    this.#rawBytes = 0;
    this.#shrinkingBytes = 0;
    this.#leftBytes = 0;
    this.#codecMs = 0;
  }
}
