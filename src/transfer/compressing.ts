import type { Clock } from '../base/clock.ts';
import type { Codec } from '../protocol/chunkReply.ts';
import type { Way } from './chunkRounds.ts';
import { CodecQueue } from './codecQueue.ts';
import { Compressibility } from './compressibility.ts';
import { EffortControl } from './effortControl.ts';
import type { Compression, Effort } from './ports.ts';

/**
 * Whether a chunk is worth compressing is told from a sample of it: four pieces spread over its length,
 * because headers and dictionaries often look better than what follows them (croc's first-256-KiB rule
 * misses that).
 */
const SAMPLE_PIECES = 4;
const SAMPLE_PIECE_BYTES = 4096;
/** What does not shrink to less than this share is sent as it is. */
const WORTHWHILE_SHARE = 0.9;
/** What shrinks to less than this one compresses faster than it encrypts, whatever the path is like. */
const TINY_SHARE = 0.1;

/** A chunk that is to be encoded. */
export interface RawChunk {
  readonly bytes: Uint8Array;
  /** Chunks of one kind are alike, as far as one can tell: see {@link kindOf}. Absent for a mixture. */
  readonly kind: string | undefined;
}

/** The body of a chunk as it is sent. */
export interface EncodedBody {
  readonly codec: Codec;
  readonly body: Uint8Array;
}

export interface ChunkCompressorInit {
  readonly compression: Compression;
  readonly clock: Clock;
  readonly codec: Exclude<Codec, 'stored'>;
  readonly path: PathView;
}

/** What the codec has to know of the path. */
export interface PathView {
  /** Whether a chunk would leave at once. */
  readonly isIdle: () => boolean;
  /** How long, in all, nothing was left to do but to wait for it, milliseconds. */
  readonly stalledMs: () => number;
}

/** Gives the chunks of one session the better of two forms, by what they are like and what the path is like. */
export class ChunkCompressor {
  // Immutable.
  readonly #init: ChunkCompressorInit;
  readonly #control: EffortControl;
  readonly #queue: CodecQueue;
  readonly #compressibility = new Compressibility(WORTHWHILE_SHARE);

  constructor(init: ChunkCompressorInit) {
    this.#init = init;
    this.#control = new EffortControl(init.compression.threads);
    this.#queue = new CodecQueue(init.compression.threads, init.path.isIdle);
  }

  async encode({ bytes: raw, kind }: RawChunk): Promise<EncodedBody> {
    const { codec, clock, path } = this.#init;
    const stored = { codec: 'stored', body: raw } as const;
    if (raw.length < SAMPLE_PIECE_BYTES) return stored;
    const { way } = this.#control;
    const share = this.#shareOf(raw, kind);
    const shrinks = share < WORTHWHILE_SHARE;
    const effort = shrinks ? effortFor(way, share) : undefined;
    const mayLeave = way === 'mixed' && share >= TINY_SHARE;
    const packed = effort === undefined ? undefined : await this.#compress(raw, effort, mayLeave);
    if (packed !== undefined && kind !== undefined) {
      this.#compressibility.learn(kind, raw.length, packed.body.length / raw.length);
    }
    const { body, codecMs } = packed ?? { body: raw, codecMs: 0 };
    const bodyBytes = Math.min(body.length, raw.length);
    const stalledMs = path.stalledMs();
    this.#control.encoded({ way, rawBytes: raw.length, bodyBytes, shrinks, codecMs, stalledMs }, clock.now());
    return body.length < raw.length ? { codec, body } : stored;
  }

  /** The path has nothing to carry. */
  relieve(): void {
    this.#queue.relieve();
  }

  /** What the codec makes of a chunk, and how long that took it; `undefined` if it leaves before. */
  async #compress(
    raw: Uint8Array,
    effort: Effort,
    mayLeave: boolean,
  ): Promise<{ readonly body: Uint8Array; readonly codecMs: number } | undefined> {
    const { compression, codec, clock } = this.#init;
    const isForCodec = await new Promise<boolean>((resolve) => this.#queue.enter(resolve, mayLeave));
    if (!isForCodec) return undefined;
    const begunMs = clock.now();
    try {
      const body = await compression.compress(codec, raw, effort);
      return { body, codecMs: clock.now() - begunMs };
    } finally {
      this.#queue.leave();
    }
  }

  /** To which share of itself a chunk shrinks, more or less. */
  #shareOf(raw: Uint8Array, kind: string | undefined): number {
    const expected = kind === undefined ? undefined : this.#compressibility.expect(kind, raw.length);
    if (expected !== undefined) return expected;
    const sample = sampleOf(raw);
    const share = this.#init.compression.measure(this.#init.codec, sample) / sample.length;
    if (kind !== undefined) this.#compressibility.learn(kind, raw.length, share);
    return share;
  }
}

/** How hard a chunk that shrinks to this share is compressed; `undefined` if not at all. */
function effortFor(way: Way, share: number): Effort | undefined {
  if (way === 'mixed') return 0;
  if (way !== 'stored') return way;
  return share < TINY_SHARE ? 0 : undefined;
}

/** The kind of a file, by its name: what follows the last dot tells how much its content shrinks. */
export function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

/** A few kilobytes that stand for `raw`. */
export function sampleOf(raw: Uint8Array): Uint8Array {
  if (raw.length <= SAMPLE_PIECES * SAMPLE_PIECE_BYTES) return raw;
  const sample = new Uint8Array(SAMPLE_PIECES * SAMPLE_PIECE_BYTES);
  const stride = Math.floor((raw.length - SAMPLE_PIECE_BYTES) / (SAMPLE_PIECES - 1));
  for (let piece = 0; piece < SAMPLE_PIECES; piece += 1) {
    sample.set(raw.subarray(piece * stride, piece * stride + SAMPLE_PIECE_BYTES), piece * SAMPLE_PIECE_BYTES);
  }
  return sample;
}
