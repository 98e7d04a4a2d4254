import type { Effort } from './ports.ts';

/** How a chunk goes if it is one that shrinks. */
export type Way = 'stored' | Effort;

/** What became of one chunk. */
export interface EncodedChunk {
  /** The way of the time when the chunk came. */
  readonly way: Way;
  readonly rawBytes: number;
  /** Whether it shrinks, or would, so that the way makes a difference. */
  readonly shrinks: boolean;
  /** How long the codec had it; 0 if it did not. */
  readonly codecMs: number;
}

/** What a round of chunks has shown. */
export interface Round {
  /** Bytes of files in a millisecond. */
  readonly rate: number;
  /** How many calls of the codec were under way, on average. */
  readonly load: number;
  /** Whether most of it shrinks. */
  readonly shrinks: boolean;
}

/** Chunks that an earlier way may still hold up when a round begins: they are not counted. */
const CHUNKS_AHEAD = 4;
/** A round is so long … */
const ROUND_BYTES = 8 * 1024 * 1024;
/** … or so many chunks in so much time, on a slower path. */
const ROUND_CHUNKS = 4;
const ROUND_MS = 100;

/** Counts chunks in rounds, each of one way. */
export class ChunkRounds {
  #way: Way;
  #chunksAhead = CHUNKS_AHEAD;
  #begunMs = 0;
  #chunks = 0;
  #rawBytes = 0;
  #shrinkingBytes = 0;
  #codecMs = 0;

  constructor(way: Way) {
    this.#way = way;
  }

  /** The next round is one of this way. */
  turnTo(way: Way): void {
    if (way === this.#way) return;
    this.#way = way;
    this.#chunksAhead = CHUNKS_AHEAD;
  }

  /** A chunk is ready to be sent; gives a round that is over with it. */
  add({ way, rawBytes, shrinks, codecMs }: EncodedChunk, nowMs: number): Round | undefined {
    if (way !== this.#way) return undefined;
    if (this.#chunksAhead > 0) {
      this.#chunksAhead -= 1;
      this.#begin(nowMs);
      return undefined;
    }
    this.#chunks += 1;
    this.#rawBytes += rawBytes;
    if (shrinks) this.#shrinkingBytes += rawBytes;
    this.#codecMs += codecMs;
    const elapsedMs = nowMs - this.#begunMs;
    const isLong = this.#rawBytes >= ROUND_BYTES || elapsedMs >= ROUND_MS;
    if (!isLong || this.#chunks < ROUND_CHUNKS || elapsedMs <= 0) return undefined;
    const round = {
      rate: this.#rawBytes / elapsedMs,
      load: this.#codecMs / elapsedMs,
      shrinks: this.#shrinkingBytes * 2 > this.#rawBytes,
    };
    this.#begin(nowMs);
    return round;
  }

  #begin(nowMs: number): void {
    this.#begunMs = nowMs;
    this.#chunks = 0;
    this.#rawBytes = 0;
    this.#shrinkingBytes = 0;
    this.#codecMs = 0;
  }
}
