import { basename, dirname, join } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from './errno.ts';
import type { FileStats, FileSystem } from './fileSystem.ts';
import { freeNames } from './freeName.ts';
import { NameSync } from './nameSync.ts';
import { makePath } from './staging.ts';

/** What happens to an entry whose name is taken. */
export type ConflictPolicy = 'skip' | 'keep-both' | 'replace';

/** An older file that has a second name, and the complete one that is to take its first. */
export interface KeptFile {
  readonly part: string;
  readonly location: string;
  readonly old: FileStats;
}

/** Hears of a name before it is taken. */
export type Announce = (name: string) => Promise<void>;

/**
 * The moment in which something gets its final name. Nothing here can overwrite: a name is taken with a
 * call that fails when somebody else has it, and `rename`, which overwrites silently, is used only on a
 * name that we have just taken, or on one whose old file has been kept elsewhere.
 */
export class Publishing {
  readonly #disk: FileSystem;
  readonly #backups: NameSync;

  constructor(disk: FileSystem) {
    this.#disk = disk;
    this.#backups = new NameSync(disk);
  }

  /** The first of the names for `name` that nobody has in `folder` now. */
  findFreeName(folder: string, name: string, kind: 'file' | 'folder'): string {
    for (const candidate of freeNames(name, kind)) {
      if (this.#disk.lstat(join(folder, candidate)) === undefined) return candidate;
    }
    throw new Error('unreachable: there is always a free name');
  }

  /** Publishes a complete file in `folder` under the first free name; returns that name. */
  async publishFileFree(part: string, folder: string, name: string, announce: Announce): Promise<string> {
    for (const candidate of freeNames(name, 'file')) {
      const location = join(folder, candidate);
      if (this.#disk.lstat(location) !== undefined) continue;
      await announce(candidate);
      if (this.tryPublishFile(part, location)) return candidate;
    }
    throw new Error('unreachable: there is always a free name');
  }

  /** Publishes a complete file under exactly this name, if nobody has it; tells whether. */
  tryPublishFile(part: string, location: string): boolean {
    try {
      this.#disk.link(part, location);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return false;
      if (!isErrno(error, ...WITHOUT_LINKS, 'EISDIR')) throw error;
      return this.#tryRenameOverPlaceholder(part, location);
    }
    this.#disk.unlink(part);
    return true;
  }

  /**
   * For file systems without hard links: an exclusive placeholder takes the name, the file replaces it. Whoever is
   * killed in between leaves an empty file; see {@link isPlaceholder}.
   */
  #tryRenameOverPlaceholder(part: string, location: string): boolean {
    let placeholder;
    try {
      placeholder = this.#disk.open(location, 'create');
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return false;
      throw error;
    }
    const ours = placeholder.stat();
    placeholder.closeNow();
    try {
      this.#disk.rename(part, location);
    } catch (error) {
      const there = this.#disk.lstat(location);
      if (there?.size === 0 && isSameFile(there, ours)) this.#disk.unlink(location);
      throw error;
    }
    return true;
  }

  /**
   * The first half of publishing a complete file over an older one, which gets the second name `backup`: at every
   * moment its own name holds the old file or the new one. Only ever replaces a regular file. Returns what is left to
   * do with {@link replaceKept} when the folder of the backup is durable; nothing if the file is published already.
   */
  async keepOlder(part: string, location: string, backup: string): Promise<KeptFile | undefined> {
    const folder = dirname(backup);
    // Looks first: nearly always there is one, and an error takes longer than a look.
    if (this.#disk.lstat(location) === undefined) {
      // An interrupted session may have moved the old file there, and not have made that durable.
      if (this.#disk.lstat(folder) !== undefined) await this.#backups.sync(folder);
      if (this.tryPublishFile(part, location)) return undefined;
    }
    const old = this.#requireFile(location);
    makePath(this.#disk, folder, 0o700);
    try {
      this.#keepAs(location, folder, basename(backup));
    } catch (error) {
      if (!isErrno(error, ...WITHOUT_LINKS)) throw error;
      await this.#replaceWithoutLinks(part, location, backup);
      return undefined;
    }
    return { part, location, old };
  }

  /** The second half: the old file is safe under its other name, and the first one is taken from it. */
  replaceKept({ part, location, old }: KeptFile): void {
    const now = this.#requireFile(location);
    if (!isSameFile(old, now)) throw new CourierError('name-taken', 'it was replaced meanwhile');
    this.#disk.rename(part, location);
  }

  /** The name is empty for a moment; both files are whole all the time. */
  async #replaceWithoutLinks(part: string, location: string, backup: string): Promise<void> {
    const folder = dirname(backup);
    // The folder must last before the old file goes into it.
    await this.#backups.sync(folder);
    this.#disk.rename(location, join(folder, this.findFreeName(folder, basename(backup), 'file')));
    await this.#backups.sync(folder);
    if (!this.tryPublishFile(part, location)) {
      throw new CourierError('name-taken', 'the name was taken meanwhile');
    }
  }

  #requireFile(location: string): FileStats {
    const stats = this.#disk.lstat(location);
    if (stats?.isFile() !== true) throw new CourierError('name-taken', 'what has the name is not a file');
    return stats;
  }

  /** Gives the file at `location` another name in `folder`; an interrupted session may have done it already. */
  #keepAs(location: string, folder: string, name: string): void {
    const file = this.#requireFile(location);
    for (const candidate of freeNames(name, 'file')) {
      const kept = this.#disk.lstat(join(folder, candidate));
      if (kept !== undefined && isSameFile(kept, file)) return;
      if (kept !== undefined) continue;
      this.#disk.link(location, join(folder, candidate));
      return;
    }
  }

  /** Publishes a complete folder in `folder` under the first free name; returns that name. */
  async publishFolder(tree: string, folder: string, name: string, announce: Announce): Promise<string> {
    for (const candidate of freeNames(name, 'folder')) {
      const location = join(folder, candidate);
      if (this.#disk.lstat(location) !== undefined) continue;
      await announce(candidate);
      try {
        this.#disk.mkdir(location);
      } catch (error) {
        if (isErrno(error, 'EEXIST')) continue;
        throw error;
      }
      // Windows renames no folder onto another, even an empty one; there the name is free for a moment,
      // and its rename fails if somebody takes it.
      if (process.platform === 'win32') this.#disk.rmdir(location);
      try {
        this.#disk.rename(tree, location);
      } catch (error) {
        // Somebody put a file into the folder that we had just made: it is theirs now.
        if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) continue;
        throw error;
      }
      return candidate;
    }
    throw new Error('unreachable: there is always a free name');
  }
}

/** How a file system says that it has no hard links, or no more of them for this file. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'] as const;

/**
 * Takes their second name from the files in `parts` that {@link Publishing.tryPublishFile} published before it
 * was killed: whatever is written under that name would be written into what stands in the receive folder.
 */
export function unlinkPublished(disk: FileSystem, parts: string): void {
  for (const name of disk.readdir(parts)) {
    const location = join(parts, name);
    const stats = disk.lstat(location);
    if (stats?.isFile() === true && stats.nlink > 1) disk.unlink(location);
  }
}

/**
 * Whether what stands under a name that the journal knows, and is not the file that was to have it, was only put
 * there to take the name: it is empty, and this file system has no hard links, as `probe`, a file of ours, shows.
 */
export function isPlaceholder(disk: FileSystem, there: FileStats, probe: string): boolean {
  return there.isFile() && there.size === 0 && !hasLinks(disk, probe);
}

function hasLinks(disk: FileSystem, probe: string): boolean {
  const second = `${probe}.link`;
  try {
    disk.link(probe, second);
  } catch (error) {
    return !isErrno(error, ...WITHOUT_LINKS);
  }
  disk.unlink(second);
  return true;
}

/** Whether two looks were at one file, or folder, whatever its names. */
function isSameFile(one: FileStats, other: FileStats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
