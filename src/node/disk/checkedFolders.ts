import { dirname } from 'node:path';
import { errnoError } from './errno.ts';
import type { FileStats, FileSystem, FolderIdentity, OpenFile, OpenHow, RootedFiles } from './fileSystem.ts';
import { RootLocation } from './rootedLocation.ts';

/** For so long a folder that was looked at is taken for what it was. */
const CHECKED_FOR_MS = 50;
const MOST_CHECKED = 256;

/**
 * The files below one folder, where folders cannot be held (see `heldFolders.ts`): before each call the folders from
 * the root down are looked at, and none may be a link, or the root another folder. Who swaps one between the look and
 * the call, or soon after a look, leads the call elsewhere: only a process on this machine that may write there can.
 */
export class CheckedFolders implements RootedFiles {
  // Immutable.
  readonly #root: RootLocation;
  readonly #identity: FolderIdentity;
  readonly #files: FileSystem;
  readonly #now: () => number;

  // Mutable.
  /** Until when a folder needs no other look. */
  readonly #checked = new Map<string, number>();

  private constructor(root: string, files: FileSystem, identity: FolderIdentity, now: () => number) {
    this.#root = new RootLocation(root);
    this.#files = files;
    this.#identity = identity;
    this.#now = now;
  }

  /** See {@link WholeFileSystem.below}; `now` is milliseconds of a clock that never jumps. */
  static below(
    root: string,
    files: FileSystem,
    identity?: FolderIdentity,
    now: () => number = () => performance.now(),
  ): CheckedFolders {
    const stats = files.lstat(root);
    if (stats === undefined) throw errnoError('ENOENT', root);
    const { dev, ino } = identity ?? stats;
    const rooted = new CheckedFolders(root, files, { dev, ino }, now);
    rooted.#check(root);
    return rooted;
  }

  isInPlace(): boolean {
    try {
      return this.#isRoot(this.#files.lstat(this.#root.path));
    } catch {
      return false;
    }
  }

  letGo(): void {
    this.#checked.clear();
  }

  lstat(location: string): FileStats | undefined {
    return this.#files.lstat(this.#inChecked(location));
  }

  mkdir(location: string, mode?: number): void {
    this.#files.mkdir(this.#inChecked(location), mode);
  }

  rmdir(location: string): void {
    this.#files.rmdir(this.#inChecked(location));
    this.letGo();
  }

  readdir(location: string): readonly string[] {
    this.#root.require(location);
    this.#check(location);
    return this.#files.readdir(location);
  }

  link(existing: string, location: string): void {
    this.#files.link(this.#inChecked(existing), this.#inChecked(location));
  }

  rename(from: string, to: string): void {
    this.#files.rename(this.#inChecked(from), this.#inChecked(to));
    this.letGo();
  }

  unlink(location: string): void {
    this.#files.unlink(this.#inChecked(location));
  }

  removeTree(location: string): void {
    this.#root.requireInside(location);
    this.#files.removeTree(this.#inChecked(location));
    this.letGo();
  }

  setTime(location: string, mtimeMs: number): void {
    this.#files.setTime(this.#inChecked(location), mtimeMs);
  }

  open(location: string, how: OpenHow, mode?: number): OpenFile {
    const isAround = how === 'read' && this.#root.isBelow(location);
    return this.#files.open(isAround ? location : this.#inChecked(location), how, mode);
  }

  async freeBytes(location: string): Promise<number> {
    return await this.#files.freeBytes(this.#inChecked(location));
  }

  async syncAll(location: string): Promise<boolean> {
    return await this.#files.syncAll(this.#inChecked(location));
  }

  /** The location, once the folders that lead to it are folders. */
  #inChecked(location: string): string {
    this.#root.require(location);
    this.#check(location === this.#root.path ? location : dirname(location));
    return location;
  }

  #check(folder: string): void {
    const now = this.#now();
    if (now < (this.#checked.get(folder) ?? -Infinity)) return;
    const isRoot = folder === this.#root.path;
    if (!isRoot) this.#check(dirname(folder));
    const stats = this.#files.lstat(folder);
    if (isRoot && !this.#isRoot(stats)) {
      throw errnoError('ESTALE', `another folder stands there than before, ${folder}`);
    }
    // With nothing there, the call itself says so.
    if (stats === undefined) return;
    if (!stats.isDirectory()) throw errnoError('ENOTDIR', `not a folder, ${folder}`);
    if (this.#checked.size >= MOST_CHECKED) this.#checked.clear();
    this.#checked.set(folder, now + CHECKED_FOR_MS);
  }

  #isRoot(stats: FileStats | undefined): boolean {
    return stats?.dev === this.#identity.dev && stats.ino === this.#identity.ino;
  }
}
