import type { Hashing, IncrementalHash } from '../base/hashing.ts';
import { utf8 } from '../base/bytes.ts';
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

  constructor(hashing: Hashing) {
    this.#hash = hashing.startSha256();
  }

  add(entry: Entry, digest: Uint8Array | undefined): void {
    const path = utf8(entry.path);
    const head = new Uint8Array(5);
    const view = new DataView(head.buffer);
    view.setUint8(0, entry.kind === 'folder' ? 0 : entry.isExecutable ? 2 : 1);
    view.setUint32(1, path.length);
    this.#hash.update(head);
    this.#hash.update(path);
    if (entry.kind === 'folder') return;
    if (digest?.length !== DIGEST_BYTES) throw new RangeError('a file needs its digest');
    const size = new Uint8Array(8);
    const sizeView = new DataView(size.buffer);
    sizeView.setUint32(0, Math.floor(entry.size / 2 ** 32));
    sizeView.setUint32(4, entry.size % 2 ** 32);
    this.#hash.update(size);
    this.#hash.update(digest);
  }

  finish(): Uint8Array {
    return this.#hash.digest();
  }
}
