import { chmodSync, closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { CourierError } from '../../base/failure.ts';
import { limits } from '../../protocol/limits.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import { isErrno } from './errno.ts';
import { CREATE_FLAGS, isRunnable, runnableAs, UPDATE_FLAGS } from './openFlags.ts';
import { setFileTime, setFolderTime } from './times.ts';

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

/** Gives a whole small file of an earlier session, which is found right, the time and mode of the offer. */
export function refreshSmallFile(location: string, entry: FileEntry, there: Stats | undefined): void {
  // What is in staging is ours alone, but not out of reach: somebody may have cleaned up.
  if (there?.size !== entry.size) throw missingFailure();
  if (isRunnable(there.mode) !== entry.isExecutable) {
    chmodSync(location, runnableAs(there.mode, entry.isExecutable));
  }
  if (Math.floor(there.mtimeMs) !== entry.mtimeMs) setFolderTime(location, entry.mtimeMs);
}

function missingFailure(): CourierError {
  return new CourierError('disk-error', 'a part of a file went missing');
}

/**
 * A big file being received, chunk by chunk, in any order. It is as long as the last chunk that was written
 * reaches: because chunks are asked for in order, its length tells a later session nearly exactly what is
 * worth looking at, with no record besides that could be wrong.
 */
export class PartialFile {
  // Immutable.
  readonly #entry: FileEntry;
  readonly #handle: FileHandle;
  /** How far an earlier session had come. */
  readonly #inherited: number;

  // Mutable.
  /** Where the furthest write ends, under way or done. */
  #end: number;

  private constructor(entry: FileEntry, handle: FileHandle, inherited: number) {
    this.#entry = entry;
    this.#handle = handle;
    this.#inherited = inherited;
    this.#end = inherited;
  }

  static async create(location: string, entry: FileEntry): Promise<PartialFile> {
    return new PartialFile(entry, await open(location, CREATE_FLAGS, modeOf(entry)), 0);
  }

  /** Goes on with the file that an earlier session left, whichever size was offered then. */
  static async reopen(location: string, entry: FileEntry): Promise<PartialFile> {
    const handle = await open(location, UPDATE_FLAGS);
    try {
      const { size, mode } = fstatSync(handle.fd);
      if (size > entry.size) ftruncateSync(handle.fd, entry.size);
      if (isRunnable(mode) !== entry.isExecutable) {
        fchmodSync(handle.fd, runnableAs(mode, entry.isExecutable));
      }
      return new PartialFile(entry, handle, Math.min(size, entry.size));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async reopenOrCreate(location: string, entry: FileEntry): Promise<PartialFile> {
    try {
      return await PartialFile.reopen(location, entry);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      return PartialFile.create(location, entry);
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    const isFurthest = end > this.#end;
    this.#end = Math.max(this.#end, end);
    // A chunk of zeros becomes a hole: a sparse file arrives as sparse as it was. Where an earlier session may
    // have left something else, it is written.
    const isHole = ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
    if (isHole && offset >= this.#inherited) {
      // Cuts nothing off: no write that is under way reaches so far.
      if (isFurthest) ftruncateSync(this.#handle.fd, end);
      return;
    }
    let written = 0;
    while (written < bytes.length) {
      const result = await this.#handle.write(bytes, written, bytes.length - written, offset + written);
      written += result.bytesWritten;
    }
  }

  /** Sets its time and makes it durable. */
  async complete(): Promise<void> {
    try {
      if (this.#end !== this.#entry.size) throw missingFailure();
      setFileTime(this.#handle.fd, this.#entry.mtimeMs);
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  /** Lets go of it as it is, as durable as may be. */
  async suspend(): Promise<void> {
    try {
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  async discard(): Promise<void> {
    await this.#handle.close();
  }
}
