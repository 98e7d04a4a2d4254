/**
 * The files below one folder, on Linux, reached through folders that are held open.
 *
 * A look at a folder says nothing about the next call that goes through its name: another process may have put a link
 * in its place by then. What helps is `openat(2)`, which Node does not have. But `/proc/self/fd/7/name` means the same
 * (proc(5)): the system goes to the folder that is open as 7, whatever its name leads to by now, and looks for `name`
 * in it. So every call here names one folder that is held and one name in it, and folders are held by going down from
 * the root, one name at a time, never through a link. No call follows a link in the last place. Between the two
 * nothing is left that could be swapped.
 *
 * A descriptor follows its folder. One that is moved away while it is held takes with it what is then put into it.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoError, isErrno } from './errno.ts';
import type { FileStats, FileSystem, FolderIdentity, OpenFile, OpenHow, RootedFiles } from './fileSystem.ts';
import { RootLocation } from './rootedLocation.ts';
import { syncWholeOf } from './wholeSync.ts';
import { removeHeld } from './heldRemoval.ts';

/** Folders that stay open besides the root: those around the entry at hand, in manifest order, and the last few. */
const MOST_HELD = 32;
/** What the system takes for a location, in UTF-8 and with its end; what is longer nobody could open again. */
const LOCATION_BYTES = 4096;
/** Of `open(2)`, and the same on all machines that Node runs on; Node does not name it. A folder needs not be readable. */
const O_PATH = 0o10000000;
// oxlint-disable-next-line no-bitwise -- a set of flags
const HOLD = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

interface HeldFolder {
  readonly location: string;
  readonly descriptor: number;
  /** What leads into it, with a `/` at its end. */
  readonly way: string;
  readonly identity: FolderIdentity;
}

export class HeldFolders implements RootedFiles {
  // Immutable.
  readonly #root: RootLocation;
  readonly #identity: FolderIdentity;
  /** Called with locations in `/proc/self/fd`. */
  readonly #files: FileSystem;

  // Mutable.
  #rootFolder: HeldFolder | undefined;
  /** By location; the least recently used first. */
  readonly #held = new Map<string, HeldFolder>();
  /** The one that was used last: nearly always the next one, too. */
  #latest: HeldFolder | undefined;

  private constructor(root: RootLocation, files: FileSystem, held: HeldFolder) {
    this.#root = root;
    this.#files = files;
    this.#identity = held.identity;
    this.#rootFolder = held;
  }

  /** See {@link WholeFileSystem.below}. */
  static below(root: string, files: FileSystem, identity?: FolderIdentity): HeldFolders {
    return new HeldFolders(new RootLocation(root), files, holdRoot(root, identity));
  }

  isInPlace(): boolean {
    try {
      return isSame(this.#files.lstat(this.#root.path), this.#identity);
    } catch {
      return false;
    }
  }

  letGo(): void {
    const all = [...this.#held.values(), ...(this.#rootFolder === undefined ? [] : [this.#rootFolder])];
    this.#held.clear();
    this.#latest = undefined;
    this.#rootFolder = undefined;
    for (const { descriptor } of all) closeSync(descriptor);
  }

  lstat(location: string): FileStats | undefined {
    let stats: FileStats | undefined;
    try {
      stats = this.#at(location, (there) => this.#files.lstat(there));
    } catch (error) {
      // As if it were asked for by its location: the folder that it would be in is not there either.
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    const held = this.#held.get(location);
    // Somebody has put something else in its place: that is what the name means now.
    if (held !== undefined && !isSame(stats, held.identity)) this.#forget(location);
    return stats;
  }

  mkdir(location: string, mode?: number): void {
    this.#at(location, (there) => this.#files.mkdir(there, mode));
    this.#forget(location);
  }

  rmdir(location: string): void {
    this.#at(location, (there) => this.#files.rmdir(there));
    this.#forget(location);
  }

  readdir(location: string): readonly string[] {
    this.#root.require(location);
    return this.#run(() => this.#files.readdir(this.#reach(location).way));
  }

  link(existing: string, location: string): void {
    this.#at(existing, (there) => this.#at(location, (name) => this.#files.link(there, name)));
  }

  rename(from: string, to: string): void {
    this.#at(from, (there) => this.#at(to, (name) => this.#files.rename(there, name)));
    this.#forget(from);
    this.#forget(to);
  }

  unlink(location: string): void {
    this.#at(location, (there) => this.#files.unlink(there));
  }

  removeTree(location: string): void {
    this.#root.requireInside(location);
    this.#run(() => {
      let folder: HeldFolder;
      try {
        folder = this.#reach(dirname(location));
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return;
        throw error;
      }
      removeHeld(folder.descriptor, basename(location));
    });
    this.#forget(location);
  }

  setTime(location: string, mtimeMs: number): void {
    this.#at(location, (there) => this.#files.setTime(there, mtimeMs));
  }

  open(location: string, how: OpenHow, mode?: number): OpenFile {
    // Nothing is read or made there; what is synced by mistake does no harm.
    if (how === 'read' && this.#root.isBelow(location)) return this.#files.open(location, how);
    return this.#at(location, (there) => this.#files.open(there, how, mode));
  }

  async freeBytes(location: string): Promise<number> {
    // Held by itself: it may be let go of meanwhile, and its number be another one's.
    const { descriptor, way } = this.#at(location, (there) => hold(there, location));
    try {
      return await this.#files.freeBytes(way);
    } finally {
      closeSync(descriptor);
    }
  }

  async syncAll(location: string): Promise<boolean> {
    this.#root.require(location);
    // The other process gets the folder before this returns.
    return await syncWholeOf(location, this.#run(() => this.#reach(location)).descriptor);
  }

  /** Calls with a location that leads through the folder that is held, and through nothing else. */
  #at<Result>(location: string, call: (there: string) => Result): Result {
    if (location.length * 3 >= LOCATION_BYTES && Buffer.byteLength(location) >= LOCATION_BYTES) {
      throw errnoError('ENAMETOOLONG', location);
    }
    return this.#run(() => call(this.#wayTo(location)));
  }

  #wayTo(location: string): string {
    const end = location.lastIndexOf('/') + 1;
    const latest = this.#latest;
    // With the same folder as before, all but the name has been looked at.
    if (
      latest?.location.length === end - 1 &&
      location.startsWith(latest.location) &&
      isName(location, end)
    ) {
      return latest.way + location.slice(end);
    }
    this.#root.require(location);
    if (location === this.#root.path) return `${this.#reach(location).way}.`;
    this.#latest = this.#reach(dirname(location));
    return this.#latest.way + basename(location);
  }

  /** Does something with folders that are held; afterwards there are not too many of them. */
  #run<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw this.#worded(error);
    } finally {
      if (this.#held.size > MOST_HELD) this.#closeOldest();
    }
  }

  #closeOldest(): void {
    for (const [location, folder] of this.#held) {
      if (this.#held.size <= MOST_HELD) return;
      this.#held.delete(location);
      if (this.#latest === folder) this.#latest = undefined;
      closeSync(folder.descriptor);
    }
  }

  /** Holds the folder at a location that is the root's, or lies below it. */
  #reach(location: string): HeldFolder {
    if (location === this.#root.path) return (this.#rootFolder ??= holdRoot(location, this.#identity));
    const known = this.#held.get(location);
    if (known !== undefined) {
      this.#held.delete(location);
      this.#held.set(location, known);
      return known;
    }
    const missing = [location];
    let around = dirname(location);
    while (around !== this.#root.path && !this.#held.has(around)) {
      missing.push(around);
      around = dirname(around);
    }
    let folder = this.#reach(around);
    for (const inner of missing.toReversed()) {
      folder = hold(folder.way + basename(inner), inner);
      this.#held.set(inner, folder);
    }
    return folder;
  }

  /** No longer takes a folder, and those in it, for what their names mean. */
  #forget(location: string): void {
    if (this.#held.size > 0) this.#latest = undefined;
    for (const [held, { descriptor }] of this.#held) {
      if (held !== location && !held.startsWith(`${location}/`)) continue;
      this.#held.delete(held);
      closeSync(descriptor);
    }
  }

  /** The error of a call, with locations that say something to people. */
  #worded(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    error.message = error.message.replaceAll(DESCRIPTOR, (_, number) => this.#locationOf(Number(number)));
    return error;
  }

  #locationOf(descriptor: number): string {
    for (const [location, held] of this.#held) if (held.descriptor === descriptor) return location;
    return this.#root.path;
  }
}

const DESCRIPTOR = /\/proc\/(?:self|\d+)\/fd\/(\d+)/gu;

let shownAt: string | undefined;

/** Where the system shows what this process has open. By its number: to resolve `self` each time takes a while. */
function descriptors(): string {
  shownAt ??= `/proc/${readlinkSync('/proc/self')}/fd`;
  return shownAt;
}

/** Whether what begins there is a name, and no step. */
function isName(location: string, start: number): boolean {
  return location.charCodeAt(start) !== DOT ? location.length > start : !STEP.test(location.slice(start));
}

const DOT = 46;
const STEP = /^\.{1,2}$/u;

/** Opens a folder by a path to it, never through a link in the last place. */
function hold(path: string, location: string): HeldFolder {
  const descriptor = openSync(path, HOLD);
  try {
    const { dev, ino } = fstatSync(descriptor);
    return { location, descriptor, way: `${descriptors()}/${descriptor}/`, identity: { dev, ino } };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function holdRoot(root: string, identity: FolderIdentity | undefined): HeldFolder {
  const held = hold(root, root);
  if (identity === undefined || isSame(held.identity, identity)) return held;
  closeSync(held.descriptor);
  throw errnoError('ESTALE', `another folder stands there than before, ${root}`);
}

function isSame(one: FolderIdentity | undefined, { dev, ino }: FolderIdentity): boolean {
  return one?.dev === dev && one.ino === ino;
}

let isPossible: boolean | undefined;

/** Whether this system lets folders be held, and names in them be reached so; asked once. */
export function canHoldFolders(): boolean {
  isPossible ??= process.platform === 'linux' && tryToHold();
  return isPossible;
}

function tryToHold(): boolean {
  try {
    const { descriptor, way } = hold('/proc', '/proc');
    try {
      return readlinkSync(`${way}self`) === basename(dirname(descriptors()));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    // Says nothing about the system: there is no room just now.
    if (isErrno(error, 'EMFILE', 'ENFILE', 'ENOMEM')) throw error;
    return false;
  }
}
