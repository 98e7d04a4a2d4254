import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { limits } from '../../protocol/limits.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import { CREATE_FLAGS } from './openFlags.ts';
import { setFileTime } from './times.ts';

const ZEROS = Buffer.alloc(limits.largestChunkBytes);

/** The mode of a new file; the umask of the process takes from it what it must. */
function modeOf({ isExecutable }: FileEntry): number {
  return isExecutable ? 0o777 : 0o666;
}

/**
 * Writes a whole small file. Synchronous calls: several times faster than the thread pool for a few
 * kilobytes, and in a process of its own they hold nobody up. Its content is not synced here.
 */
export function writeSmallFile(location: string, entry: FileEntry, bytes: Uint8Array): void {
  const descriptor = openSync(location, CREATE_FLAGS, modeOf(entry));
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    setFileTime(descriptor, entry.mtimeMs);
  } finally {
    closeSync(descriptor);
  }
}

/** A big file being received, chunk by chunk, in any order. */
export class PartialFile {
  readonly location: string;
  readonly #entry: FileEntry;
  readonly #handle: FileHandle;

  private constructor(location: string, entry: FileEntry, handle: FileHandle) {
    this.location = location;
    this.#entry = entry;
    this.#handle = handle;
  }

  static async create(location: string, entry: FileEntry): Promise<PartialFile> {
    const handle = await open(location, CREATE_FLAGS, modeOf(entry));
    try {
      // Its full length at once: what is not written stays a hole.
      ftruncateSync(handle.fd, entry.size);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new PartialFile(location, entry, handle);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    // A chunk of zeros is there already: a sparse file arrives as sparse as it was.
    if (ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0) return;
    let written = 0;
    while (written < bytes.length) {
      const result = await this.#handle.write(bytes, written, bytes.length - written, offset + written);
      written += result.bytesWritten;
    }
  }

  /** Sets its time and makes it durable. */
  async complete(): Promise<void> {
    try {
      setFileTime(this.#handle.fd, this.#entry.mtimeMs);
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  async discard(): Promise<void> {
    await this.#handle.close();
  }
}
