import { CourierError } from '../../base/failure.ts';
import { limits } from '../../protocol/limits.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import type { BackgroundSync } from './backgroundSync.ts';
import type { Durability } from './durability.ts';
import { isErrno } from './errno.ts';
import type { FileStats, FileSystem, OpenFile } from './fileSystem.ts';
import { correctedMode } from './modes.ts';
import { writeNow } from './wholeFile.ts';

const ZEROS = Buffer.alloc(limits.largestChunkBytes);

/** The mode of a new file; the umask of the process takes from it what it must. */
function modeOf({ isExecutable }: FileEntry): number {
  return isExecutable ? 0o777 : 0o666;
}

/** Writes a whole small file. Its content is not synced here. */
export function writeSmallFile(
  disk: FileSystem,
  location: string,
  entry: FileEntry,
  bytes: Uint8Array,
): void {
  const file = disk.open(location, 'create', modeOf(entry));
  try {
    writeNow(file, bytes, 0);
    file.setTime(entry.mtimeMs);
  } finally {
    file.closeNow();
  }
}

/** Gives a whole small file of an earlier session, which is found right, the time and mode of the offer. */
export function refreshSmallFile(
  disk: FileSystem,
  location: string,
  entry: FileEntry,
  there: FileStats | undefined,
): void {
  // What is in staging is ours alone, but not out of reach: somebody may have cleaned up.
  if (there?.size !== entry.size) throw missingFailure();
  if (correctedMode(there.mode, entry.isExecutable) !== undefined) {
    const file = disk.open(location, 'read');
    try {
      correctMode(file, entry);
    } finally {
      file.closeNow();
    }
  }
  if (Math.floor(there.mtimeMs) !== entry.mtimeMs) disk.setTime(location, entry.mtimeMs);
}

/** Gives a file that an earlier session left the mode of the offer. */
function correctMode(file: OpenFile, { isExecutable }: FileEntry): void {
  const mode = correctedMode(file.stat().mode, isExecutable);
  if (mode !== undefined) file.chmod(mode);
}

function missingFailure(): CourierError {
  return new CourierError('disk-error', 'a part of a file went missing');
}

/** Where a big file is built. */
export interface PartialPlace {
  readonly disk: FileSystem;
  readonly location: string;
  readonly durability: Durability;
}

/**
 * A big file being received, chunk by chunk, in any order. It is as long as the last chunk that was written
 * reaches: because chunks are asked for in order, its length tells a later session nearly exactly what is
 * worth looking at, with no record besides that could be wrong.
 */
export class PartialFile {
  // Immutable.
  readonly #entry: FileEntry;
  readonly #place: PartialPlace;
  readonly #file: OpenFile;
  /** How far an earlier session had come. */
  readonly #inherited: number;
  readonly #background: BackgroundSync;

  // Mutable.
  /** Where the furthest write ends, under way or done. */
  #end: number;

  private constructor(entry: FileEntry, place: PartialPlace, file: OpenFile, inherited: number) {
    this.#entry = entry;
    this.#place = place;
    this.#file = file;
    this.#inherited = inherited;
    this.#background = place.durability.backgroundFor(place.location, () => file.datasync());
    this.#end = inherited;
  }

  static create(place: PartialPlace, entry: FileEntry): PartialFile {
    return new PartialFile(entry, place, place.disk.open(place.location, 'create', modeOf(entry)), 0);
  }

  /** Goes on with the file that an earlier session left, whichever size was offered then. */
  static reopen(place: PartialPlace, entry: FileEntry): PartialFile {
    const file = place.disk.open(place.location, 'update');
    try {
      const { size } = file.stat();
      if (size > entry.size) file.truncate(entry.size);
      correctMode(file, entry);
      return new PartialFile(entry, place, file, Math.min(size, entry.size));
    } catch (error) {
      file.closeNow();
      throw error;
    }
  }

  static reopenOrCreate(place: PartialPlace, entry: FileEntry): PartialFile {
    try {
      return PartialFile.reopen(place, entry);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      return PartialFile.create(place, entry);
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
      if (isFurthest) this.#file.truncate(end);
    } else {
      let written = 0;
      while (written < bytes.length) {
        written += await this.#file.write(written === 0 ? bytes : bytes.subarray(written), offset + written);
      }
    }
    this.#background.wrote(bytes.length);
  }

  /** Sets its time and makes it durable. */
  async complete(): Promise<void> {
    const { location, durability } = this.#place;
    try {
      await this.#background.settle();
      durability.requireTrust();
      if (this.#end !== this.#entry.size) throw missingFailure();
      this.#file.setTime(this.#entry.mtimeMs);
      await durability.syncFile(location, () => this.#file.sync());
    } finally {
      await this.#file.close();
    }
    durability.completedBig(location, this.#entry.size);
  }

  /** Lets go of it as it is, and durable. */
  async suspend(): Promise<void> {
    const { location, durability } = this.#place;
    try {
      await this.#background.settle();
      durability.requireTrust();
      await durability.syncFile(location, () => this.#file.sync());
      await durability.syncName(location);
    } finally {
      await this.#file.close();
    }
  }

  async discard(): Promise<void> {
    await this.#background.settle();
    await this.#file.close();
  }
}
