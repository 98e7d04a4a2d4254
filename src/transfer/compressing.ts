import type { Codec } from '../protocol/chunkReply.ts';
import type { Compression } from './ports.ts';

/**
 * Whether a chunk is worth compressing is told from a sample of it: four pieces spread over its length,
 * because headers and dictionaries often look better than what follows them (croc's first-256-KiB rule
 * misses that).
 */
const SAMPLE_PIECES = 4;
const SAMPLE_PIECE_BYTES = 4096;
/** A sample must shrink to less than this share for the whole to be compressed … */
const WORTHWHILE_SHARE = 0.9;
/** … and to this one when the channel waits for us: what shrinks so far compresses faster than it encrypts. */
const WORTHWHILE_SHARE_IN_HASTE = 0.1;

/** The body of a chunk in the better of two forms. */
export async function compressIfWorthwhile(
  compression: Compression,
  codec: Exclude<Codec, 'stored'> | undefined,
  raw: Uint8Array,
  { inHaste = false }: { readonly inHaste?: boolean } = {},
): Promise<{ readonly codec: Codec; readonly body: Uint8Array }> {
  const stored = { codec: 'stored', body: raw } as const;
  if (codec === undefined || raw.length < SAMPLE_PIECE_BYTES) return stored;
  const sample = sampleOf(raw);
  const share = inHaste ? WORTHWHILE_SHARE_IN_HASTE : WORTHWHILE_SHARE;
  if (compression.measure(codec, sample) > sample.length * share) return stored;
  const body = await compression.compress(codec, raw);
  return body.length < raw.length ? { codec, body } : stored;
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
