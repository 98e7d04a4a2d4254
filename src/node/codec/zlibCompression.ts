import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { CourierError } from '../../base/failure.ts';
import type { Codec } from '../../protocol/chunkReply.ts';
import { limits } from '../../protocol/limits.ts';
import { giveBack } from '../giveBack.ts';
import type { Compression, Effort } from '../../transfer/ports.ts';

/**
 * The codecs of `node:zlib`. zstd is there from Node 22.15 on; it is looked up at run time, because a
 * named import would be a syntax error on an older Node. The asynchronous calls run on Node's thread pool.
 */

type PackedCodec = Exclude<Codec, 'stored'>;

/**
 * The levels that stand for the efforts. What others cost more than the one before, they do not gain: of source
 * text zstd leaves 27.6, 22.8 and 20.2 % for 5.5, 7 and 24 ms of processor time a mebibyte.
 */
const ZSTD_LEVELS: Readonly<Record<Effort, number>> = { 0: 1, 1: 3, 2: 9 };
const GZIP_LEVELS: Readonly<Record<Effort, number>> = { 0: 1, 1: 4, 2: 6 };
/**
 * log2 of the entries of the tables that zstd searches at the highest level. Its own choice for chunks of 4 MiB is
 * 16 MiB of tables for each call; with a sixteenth of that it is faster by a third, and leaves 0.4 to 0.9 % more.
 */
const ZSTD_TABLE_LOG = 18;
/**
 * log2 of the window at the lowest level: most chunks fit into it whole, which is faster by a twentieth than its own
 * choice, half of that, where what matches lies in two pieces.
 */
const ZSTD_FAST_WINDOW_LOG = 20;
/** Node has so many threads for such work, unless it is told otherwise. */
const POOL_THREADS = 4;
/** What is shorter may share its memory with other small buffers. */
const OWN_BYTES = 128 * 1024;
/** log2 of the largest window that a decoder accepts: no chunk is longer than 4 MiB. */
const ZSTD_WINDOW_LOG = 23;

interface CodecCalls {
  compress(bytes: Uint8Array, effort: Effort): Promise<Uint8Array>;
  compressSync(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, rawLength: number): Promise<Uint8Array>;
}

/**
 * The room for the output of one call, so that it is one trip to the thread pool and back: with the
 * default of 16 KiB a chunk would make hundreds. A little more than the output, or the last byte of room
 * would ask for one trip more.
 */
function roomFor(bytes: number): number {
  return Math.max(1024, bytes + 64);
}

/** What a decoder gives with the option `info`, which its types do not know. */
interface Decoded {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type Decode<Options> = (
  bytes: Uint8Array,
  options: Options & { readonly info: true },
  callback: (error: Error | null, result: unknown) => void,
) => void;

/** Refuses what a decoder passes over: zeros behind a member of gzip, anything at all behind a frame of zstd. */
function decodeWhole<Options>(
  decode: Decode<Options>,
  bytes: Uint8Array,
  options: Options,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    decode(bytes, { ...options, info: true }, (error, result) => {
      if (error !== null) reject(error);
      else if (!isDecoded(result) || result.engine.bytesWritten !== bytes.length) {
        reject(new CourierError('protocol-error', 'something stands behind a body'));
      } else resolve(result.buffer);
    });
  });
}

function isDecoded(result: unknown): result is Decoded {
  return typeof result === 'object' && result !== null && 'buffer' in result && 'engine' in result;
}

function gzipCalls(): CodecCalls {
  const compress = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
  return {
    compress: (bytes, effort) =>
      compress(bytes, { level: GZIP_LEVELS[effort], chunkSize: roomFor(bytes.length) }),
    compressSync: (bytes) => zlib.gzipSync(bytes, { level: GZIP_LEVELS[0] }),
    decompress: (bytes, rawLength) =>
      decodeWhole<zlib.ZlibOptions>(zlib.gunzip, bytes, {
        maxOutputLength: Math.max(1, rawLength),
        chunkSize: roomFor(rawLength),
      }),
  };
}

function zstdCalls(): CodecCalls | undefined {
  if (typeof zlib.zstdCompress !== 'function') return undefined;
  const compress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
  const {
    ZSTD_c_compressionLevel: level,
    ZSTD_c_hashLog: hashLog,
    ZSTD_c_chainLog: chainLog,
    ZSTD_c_windowLog: windowLog,
  } = zlib.constants;
  const params: Readonly<Record<Effort, Record<number, number>>> = {
    0: { [level]: ZSTD_LEVELS[0], [windowLog]: ZSTD_FAST_WINDOW_LOG },
    1: { [level]: ZSTD_LEVELS[1] },
    2: { [level]: ZSTD_LEVELS[2], [hashLog]: ZSTD_TABLE_LOG, [chainLog]: ZSTD_TABLE_LOG },
  };
  return {
    compress: (bytes, effort) =>
      compress(bytes, { params: params[effort], chunkSize: roomFor(bytes.length) }),
    compressSync: (bytes) => zlib.zstdCompressSync(bytes, { params: params[0] }),
    decompress: (bytes, rawLength) =>
      decodeWhole<zlib.ZstdOptions>(zlib.zstdDecompress, bytes, {
        maxOutputLength: Math.max(1, rawLength),
        chunkSize: roomFor(rawLength),
        params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      }),
  };
}

/** Compression with the codecs that this Node has, or with those of them that `only` names. */
export function createCompression(only: readonly PackedCodec[] = ['zstd', 'gzip']): Compression {
  const calls = new Map<PackedCodec, CodecCalls>();
  const zstd = zstdCalls();
  if (zstd !== undefined && only.includes('zstd')) calls.set('zstd', zstd);
  if (only.includes('gzip')) calls.set('gzip', gzipCalls());
  const callsOf = (codec: PackedCodec): CodecCalls => {
    const found = calls.get(codec);
    // The peer was told which codecs we can decode.
    if (found === undefined) throw new CourierError('protocol-error', `no ${codec} here`);
    return found;
  };
  return {
    codecs: [...calls.keys()],
    // One thread is left for reading files. With two processors the codec has two, or it would wait for whoever
    // hashes and encrypts between any two chunks.
    threads: Math.min(availableParallelism(), POOL_THREADS - 1),
    compress: async (codec, bytes, effort) => callsOf(codec).compress(bytes, effort),
    measure: (codec, sample) => callsOf(codec).compressSync(sample).length,
    async decompress(codec, bytes, rawLength) {
      if (rawLength > limits.largestChunkBytes) throw new RangeError(`too long to decompress: ${rawLength}`);
      const raw = await callsOf(codec).decompress(bytes, rawLength);
      if (raw.length !== rawLength) {
        throw new CourierError('protocol-error', 'a body decompresses to the wrong length');
      }
      return raw;
    },
    release({ buffer }) {
      if (buffer.byteLength >= OWN_BYTES) giveBack(buffer);
    },
  };
}
