import { availableParallelism } from 'node:os';
import type { Transform } from 'node:stream';
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

/** The room for whatever becomes of so many bytes when they are compressed (`ZSTD_COMPRESSBOUND`). */
function roomForPacked(bytes: number): number {
  return roomFor(bytes + Math.ceil(bytes / 256) + 64);
}

/** The part of an engine of `node:zlib` that is used. */
type Engine = Transform & { readonly bytesWritten: number };

/**
 * What an engine makes of `bytes` that ends with its first write, if that is no more than `most`. The calls of
 * `node:zlib` that take a callback end with a second write, of nothing: that is one more trip, and zstd, which does not
 * know at the first what is still to come, copies everything through a window of its own and does not say in the frame
 * how long it is, so that the decoder has to do the same.
 */
function runWhole(engine: Engine, bytes: Uint8Array, most = Infinity): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const refuse = (why: string): void => reject(new CourierError('protocol-error', why));
    engine.once('error', reject);
    engine.on('data', (piece: Buffer) => {
      length += piece.length;
      pieces.push(piece);
      if (length <= most) return;
      refuse('a body decompresses to more than it says');
      engine.destroy();
    });
    engine.write(bytes, (error) => {
      // It has been told already.
      if (error !== null && error !== undefined) return;
      const [first] = pieces;
      // What a decoder passes over: zeros behind a member of gzip, anything at all behind a frame of zstd.
      if (engine.bytesWritten !== bytes.length) refuse('something stands behind a body');
      else resolve(pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces));
      engine.destroy();
    });
  });
}

function gzipCalls(): CodecCalls {
  const flush = zlib.constants.Z_FINISH;
  return {
    compress: (bytes, effort) => {
      const chunkSize = roomForPacked(bytes.length);
      return runWhole(zlib.createGzip({ level: GZIP_LEVELS[effort], chunkSize, flush }), bytes);
    },
    compressSync: (bytes) => zlib.gzipSync(bytes, { level: GZIP_LEVELS[0] }),
    decompress: (bytes, rawLength) =>
      runWhole(zlib.createGunzip({ chunkSize: roomFor(rawLength), flush }), bytes, rawLength),
  };
}

function zstdCalls(): CodecCalls | undefined {
  if (typeof zlib.createZstdCompress !== 'function') return undefined;
  const {
    ZSTD_e_end: flush,
    ZSTD_c_compressionLevel: level,
    ZSTD_c_hashLog: hashLog,
    ZSTD_c_chainLog: chainLog,
    ZSTD_d_windowLogMax: windowLogMax,
  } = zlib.constants;
  const params: Readonly<Record<Effort, Record<number, number>>> = {
    0: { [level]: ZSTD_LEVELS[0] },
    1: { [level]: ZSTD_LEVELS[1] },
    2: { [level]: ZSTD_LEVELS[2], [hashLog]: ZSTD_TABLE_LOG, [chainLog]: ZSTD_TABLE_LOG },
  };
  const decoding = { [windowLogMax]: ZSTD_WINDOW_LOG };
  return {
    compress: (bytes, effort) => {
      const chunkSize = roomForPacked(bytes.length);
      return runWhole(zlib.createZstdCompress({ params: params[effort], chunkSize, flush }), bytes);
    },
    compressSync: (bytes) => zlib.zstdCompressSync(bytes, { params: params[0] }),
    decompress: (bytes, rawLength) => {
      const chunkSize = roomFor(rawLength);
      return runWhole(zlib.createZstdDecompress({ params: decoding, chunkSize, flush }), bytes, rawLength);
    },
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
