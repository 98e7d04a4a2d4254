import {
  accessSync,
  close,
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  read,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfs,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { deferred } from '../../base/deferred.ts';
import type { Deferred } from '../../base/deferred.ts';
import { CheckedFolders } from './checkedFolders.ts';
import { errnoError } from './errno.ts';
import type { FileStats, OpenFile, OpenHow, WholeFileSystem } from './fileSystem.ts';
import { canHoldFolders, HeldFolders } from './heldFolders.ts';
import { syncWholeOf } from './wholeSync.ts';

const calls = {
  close: promisify(close),
  datasync: promisify(fdatasync),
  read: promisify(read),
  statfs: promisify(statfs),
  sync: promisify(fsync),
  write: promisify(write),
};

/* oxlint-disable no-bitwise -- sets of flags, never sizes or indices */
const FLAGS: Readonly<Record<OpenHow, number>> = {
  // Never waiting for the other end of a pipe that took a file's place.
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  create: constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_CREAT | constants.O_EXCL,
  update: constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  append: constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_CREAT | constants.O_APPEND,
};
const USE_FOLDER = constants.W_OK | constants.X_OK;
/* oxlint-enable no-bitwise */

/** The system's own file system. */
export const systemFiles: WholeFileSystem = {
  lstat: (location) => lstatSync(location, { throwIfNoEntry: false }),
  realpath: (location) => realpathSync(location),
  mkdir(location, mode = 0o777) {
    mkdirSync(location, { mode });
  },
  rmdir: (location) => rmdirSync(location),
  readdir: namesIn,
  link: (existing, location) => linkSync(existing, location),
  rename: (from, to) => renameSync(from, to),
  unlink: (location) => unlinkSync(location),
  removeTree(location) {
    // Looks first: `rmSync` fails without an error code at a name that is too long.
    if (lstatSync(location, { throwIfNoEntry: false }) === undefined) return;
    rmSync(location, { recursive: true, force: true, maxRetries: 3 });
  },
  setTime: (location, mtimeMs) => lutimesSync(location, seconds(mtimeMs), seconds(mtimeMs)),
  open: (location, how, mode = 0o666) => new SystemFile(openSync(location, FLAGS[how], mode), how),
  requireWritable: (location) => accessSync(location, USE_FOLDER),
  async freeBytes(location) {
    const { bavail, bsize } = await calls.statfs(location);
    return bavail * bsize;
  },
  async syncAll(location) {
    return process.platform === 'linux' && (await syncWholeOf(location));
  },
  below(root, identity) {
    const way = canHoldFolders() ? HeldFolders : CheckedFolders;
    return way.below(root, systemFiles, identity);
  },
};

/** So many names are asked for at once. */
const NAMES_AT_ONCE = 256;
/** A folder of this size has some ten thousand names at most, unless its file system says the same of every folder. */
const SMALL_FOLDER_BYTES = 64 * 1024;

/**
 * `readdirSync` takes 60 MB more of a folder of a million: first it has all of it in a form of the system's. To open a
 * `Dir` takes five times as long as all of that for a folder of ten. Where a file system does not tell what is a folder,
 * it looks at each name, and fails at one that is gone or not Unicode.
 */
function namesIn(location: string): string[] {
  if (isSmallFolder(location)) return readdirSync(location);
  try {
    const folder = opendirSync(location, { bufferSize: NAMES_AT_ONCE });
    try {
      const names: string[] = [];
      for (let next = folder.readSync(); next !== null; next = folder.readSync()) names.push(next.name);
      return names;
    } finally {
      folder.closeSync();
    }
  } catch {
    return readdirSync(location);
  }
}

/** Some systems say 0 of every folder. */
function isSmallFolder(location: string): boolean {
  const size = statSync(location, { throwIfNoEntry: false })?.size ?? 0;
  return size > 0 && size <= SMALL_FOLDER_BYTES;
}

class SystemFile implements OpenFile {
  // Immutable.
  readonly #descriptor: number;
  readonly #appends: boolean;

  // Mutable.
  #isClosed = false;
  #underWay = 0;
  /** There while somebody waits for what is under way. */
  #idle: Deferred<void> | undefined;

  constructor(descriptor: number, how: OpenHow) {
    this.#descriptor = descriptor;
    this.#appends = how === 'append';
  }

  stat(): FileStats {
    return fstatSync(this.#opened());
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#track(calls.read(this.#opened(), into, 0, into.length, position))).bytesRead;
  }

  readNow(into: Uint8Array, position: number): number {
    return readSync(this.#opened(), into, 0, into.length, position);
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    const place = this.#placeFor(position);
    return (await this.#track(calls.write(this.#opened(), bytes, 0, bytes.length, place))).bytesWritten;
  }

  writeNow(bytes: Uint8Array, position: number): number {
    return writeSync(this.#opened(), bytes, 0, bytes.length, this.#placeFor(position));
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#opened(), sizeBytes);
  }

  chmod(mode: number): void {
    fchmodSync(this.#opened(), mode);
  }

  setTime(mtimeMs: number): void {
    const time = seconds(mtimeMs);
    futimesSync(this.#opened(), time, time);
  }

  async sync(): Promise<void> {
    await this.#track(calls.sync(this.#opened()));
  }

  syncNow(): void {
    fsyncSync(this.#opened());
  }

  async datasync(): Promise<void> {
    await this.#track(calls.datasync(this.#opened()));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#underWay > 0) {
      this.#idle = deferred();
      await this.#idle.promise;
    }
    await calls.close(this.#descriptor);
  }

  closeNow(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }

  /** The system gives the number of a closed file to the next one: whoever used it then would write into that. */
  #opened(): number {
    if (this.#isClosed) throw errnoError('EBADF', 'it is closed');
    return this.#descriptor;
  }

  /** Systems differ on what a position means to a file that is opened to append; without one all agree. */
  #placeFor(position: number): number | null {
    return this.#appends ? null : position;
  }

  async #track<Result>(call: Promise<Result>): Promise<Result> {
    this.#underWay += 1;
    try {
      return await call;
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.resolve();
    }
  }
}

/**
 * Seconds as the system calls take them. Half a microsecond more than asked: 0.123 has no exact double,
 * and the system cuts off, so that without it a file from .123 would come back as .122. As text, because
 * `lib/internal/fs/utils.js` of Node takes a number below zero for "now".
 */
function seconds(mtimeMs: number): string {
  return String((mtimeMs + 0.0005) / 1000);
}
