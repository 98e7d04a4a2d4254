import type { Hashing, IncrementalHash } from '../base/hashing.ts';
import { writeUtf8 } from '../base/bytes.ts';
import { limits } from './limits.ts';
import type { Entry } from './manifest.ts';

/** Bytes of every digest here: SHA-256. */
export const DIGEST_BYTES = 32;

/**
 * The digest of a file is SHA-256 over the digests of its chunks, in order. A file inside a pack has one
 * chunk, its content.
 */
export function fileDigest(hashing: Hashing, chunkDigests: Uint8Array): Uint8Array {
  return hashing.sha256(chunkDigests);
}

const HEAD_BYTES = 5;
const SIZE_BYTES = 8;
const LONGEST_RECORD_BYTES = HEAD_BYTES + limits.pathBytes + SIZE_BYTES + DIGEST_BYTES;

/**
 * The root digest of a transfer: SHA-256 over one record for each entry that arrived and was verified,
 * in manifest order. A record is
 *
 *     kind (1 byte: 0 folder, 1 file, 2 executable file) | length of path (4) | path in UTF-8 |
 *     size (8) | file digest (32)
 *
 * all numbers big-endian; a folder has neither size nor digest. Times are not part of it: a file
 * with another time holds the same bytes.
 */
export class RootDigest {
  readonly #hash: IncrementalHash;
  /** Records that have not been hashed: many at once, because a call takes longer than a record. */
  readonly #records = new Uint8Array(16 * LONGEST_RECORD_BYTES);
  readonly #view = new DataView(this.#records.buffer);
  #filled = 0;

  constructor(hashing: Hashing) {
    this.#hash = hashing.startSha256();
  }

  add(entry: Entry, digest: Uint8Array | undefined): void {
    if (this.#filled + LONGEST_RECORD_BYTES > this.#records.length) this.#flush();
    const start = this.#filled;
    const pathBytes = writeUtf8(entry.path, this.#records.subarray(start + HEAD_BYTES));
    this.#view.setUint8(start, entry.kind === 'folder' ? 0 : entry.isExecutable ? 2 : 1);
    this.#view.setUint32(start + 1, pathBytes);
    const end = start + HEAD_BYTES + pathBytes;
    this.#filled = end;
    if (entry.kind === 'folder') return;
    if (digest?.length !== DIGEST_BYTES) throw new RangeError('a file needs its digest');
    this.#view.setUint32(end, Math.floor(entry.size / 2 ** 32));
    this.#view.setUint32(end + 4, entry.size % 2 ** 32);
    this.#records.set(digest, end + SIZE_BYTES);
    this.#filled = end + SIZE_BYTES + DIGEST_BYTES;
  }

  finish(): Uint8Array {
    this.#flush();
    return this.#hash.digest();
  }

  #flush(): void {
    this.#hash.update(this.#records.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
