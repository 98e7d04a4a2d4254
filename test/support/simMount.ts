import { isErrno } from '../../src/node/disk/errno.ts';
import type {
  FileStats,
  FolderIdentity,
  OpenFile,
  OpenHow,
  RootedFiles,
  WholeFileSystem,
} from '../../src/node/disk/fileSystem.ts';
import type { SimDisk } from './simDisk.ts';
import { SimDeadError, simError } from './simError.ts';
import { SimFile } from './simFile.ts';
import { ROOT } from './simInodes.ts';
import type { Ino } from './simInodes.ts';
import { SimLookup, SimStats } from './simLookup.ts';

/** A call that a process makes. */
export interface SimCall {
  readonly name: keyof WholeFileSystem | Exclude<keyof OpenFile, keyof WholeFileSystem>;
  /** Of a file, where it was opened. */
  readonly location: string;
  /** How much is to be read or written. */
  readonly length?: number;
}

/** The name of an errno to fail with, or for a read or a write how many bytes it does at most. */
export type SimFault = string | number;

export interface MountOptions {
  /** Runs what an asynchronous call does when its time has come; by default in a microtask. */
  readonly schedule?: (work: () => void, call: SimCall) => void;
  /** Asked before each call, numbered from 0; may also {@link SimMount.kill} the process. */
  readonly before?: (call: SimCall, index: number) => SimFault | undefined;
}

const UMASK = 0o022;

/** A {@link SimDisk} as one process sees it, until it is killed. */
export class SimMount implements WholeFileSystem, RootedFiles {
  // Immutable.
  readonly disk: SimDisk;
  readonly #options: MountOptions;
  readonly #lookup: SimLookup;

  // Mutable.
  #calls = 0;
  #isDead = false;

  constructor(disk: SimDisk, options: MountOptions) {
    this.disk = disk;
    this.#options = options;
    this.#lookup = new SimLookup(disk.inodes);
  }

  /** Ends the process: from now on calls throw, and what is under way neither happens nor comes back. */
  kill(): void {
    this.#isDead = true;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** How many calls it has made. */
  get calls(): number {
    return this.#calls;
  }

  lstat(location: string): FileStats | undefined {
    this.begin({ name: 'lstat', location });
    const place = this.#lookup.placeIfAny(location);
    return place === undefined ? undefined : this.statsOf(place.ino);
  }

  realpath(location: string): string {
    this.begin({ name: 'realpath', location });
    const { ino } = this.#lookup.existing('realpath', location, { follows: true });
    return this.#lookup.locationOf(ino);
  }

  mkdir(location: string, mode = 0o777): void {
    this.begin({ name: 'mkdir', location });
    const { folder, name, ino } = this.#lookup.place('mkdir', location);
    if (ino !== undefined) throw simError('EEXIST', 'mkdir', location);
    this.#requireRoom('mkdir', location);
    const made = { kind: 'folder', mode: withoutUmask(mode) } as const;
    this.disk.change({ kind: 'make', folder, name, ino: this.disk.nextIno(), made });
  }

  rmdir(location: string): void {
    this.begin({ name: 'rmdir', location });
    this.#rmdir(location);
  }

  readdir(location: string): readonly string[] {
    this.begin({ name: 'readdir', location });
    const { ino } = this.#lookup.existing('scandir', location, { follows: true });
    return [...this.#lookup.folder(ino, 'scandir', location).entries.keys()];
  }

  link(existing: string, location: string): void {
    this.begin({ name: 'link', location });
    const { ino } = this.#lookup.existing('link', existing);
    const { folder, name, ino: former } = this.#lookup.place('link', location);
    if (former !== undefined) throw simError('EEXIST', 'link', location);
    if (this.disk.inodes.get(ino).kind === 'folder' || this.disk.options.hasHardLinks === false) {
      throw simError('EPERM', 'link', location);
    }
    this.disk.change({ kind: 'link', folder, name, ino });
  }

  rename(from: string, to: string): void {
    this.begin({ name: 'rename', location: to });
    const source = this.#lookup.existing('rename', from);
    const target = this.#lookup.place('rename', to);
    if (source.ino === target.ino) return;
    const isFolder = this.disk.inodes.get(source.ino).kind === 'folder';
    const isInside = isFolder && this.#lookup.wayTo(target.folder).includes(source.ino);
    if (isInside) throw simError('EINVAL', 'rename', to);
    if (target.ino !== undefined) {
      const former = this.disk.inodes.get(target.ino);
      if (isFolder && former.kind !== 'folder') throw simError('ENOTDIR', 'rename', to);
      if (!isFolder && former.kind === 'folder') throw simError('EISDIR', 'rename', to);
      if (former.kind === 'folder' && former.entries.size > 0) throw simError('ENOTEMPTY', 'rename', to);
    }
    const { folder, name } = target;
    const { ino, folder: fromFolder, name: fromName } = source;
    this.disk.change({ kind: 'rename', folder, name, ino, fromFolder, fromName });
  }

  unlink(location: string): void {
    this.begin({ name: 'unlink', location });
    this.#unlink(location);
  }

  removeTree(location: string): void {
    // Each step of it is a call that can fail, and after which the power can go.
    this.begin({ name: 'removeTree', location });
    const place = this.#lookup.placeIfAny(location);
    if (place === undefined) return;
    const node = this.disk.inodes.get(place.ino);
    if (node.kind !== 'folder') {
      this.#unlink(location);
      return;
    }
    for (const name of node.entries.keys()) this.removeTree(`${location}/${name}`);
    this.#rmdir(location);
  }

  setTime(location: string, mtimeMs: number): void {
    this.begin({ name: 'setTime', location });
    this.disk.change({ kind: 'setTime', ino: this.#lookup.existing('lutime', location).ino, mtimeMs });
  }

  open(location: string, how: OpenHow, mode = 0o666): OpenFile {
    this.begin({ name: 'open', location });
    const place = this.#lookup.place('open', location);
    if (place.ino === undefined) {
      if (how === 'read' || how === 'update') throw simError('ENOENT', 'open', location);
      this.#requireRoom('open', location);
      const { folder, name } = place;
      const ino = this.disk.nextIno();
      this.disk.change({ kind: 'make', folder, name, ino, made: { kind: 'file', mode: withoutUmask(mode) } });
      return new SimFile(this, { ino, location, how });
    }
    if (how === 'create') throw simError('EEXIST', 'open', location);
    const { kind } = this.disk.inodes.get(place.ino);
    if (kind === 'link') throw simError('ELOOP', 'open', location);
    if (kind === 'folder' && how !== 'read') throw simError('EISDIR', 'open', location);
    return new SimFile(this, { ino: place.ino, location, how });
  }

  requireWritable(location: string): void {
    this.begin({ name: 'requireWritable', location });
    const { ino } = this.#lookup.existing('access', location, { follows: true });
    if ((this.disk.inodes.get(ino).mode & 0o300) !== 0o300) throw simError('EACCES', 'access', location);
  }

  freeBytes(location: string): Promise<number> {
    return this.later({ name: 'freeBytes', location }, () => {
      this.#lookup.existing('statfs', location, { follows: true });
      return this.disk.freeBytes;
    });
  }

  async syncAll(location: string): Promise<boolean> {
    const covers = this.disk.operations.length;
    if (this.disk.options.hasSyncAll === false) return false;
    const sync = { of: 'everything', covers, isDataOnly: false } as const;
    try {
      await this.later({ name: 'syncAll', location }, () => this.disk.sync({ ...sync, hasFailed: false }));
      return true;
    } catch (error) {
      if (isErrno(error, 'EIO')) this.disk.sync({ ...sync, hasFailed: true });
      throw error;
    }
  }

  // Nobody plants links on the way of a process in here: below a root is what its location says.

  below(root: string, identity?: FolderIdentity): RootedFiles {
    const { ino } = this.#lookup.existing('open', root);
    const { dev } = this.statsOf(ino);
    if (identity !== undefined && (ino !== identity.ino || dev !== identity.dev)) {
      throw simError('ESTALE', 'open', root);
    }
    return this;
  }

  isInPlace(): boolean {
    return true;
  }

  letGo(): void {
    // Nothing is held.
  }

  // What follows is for the files.

  /** Counts a call; throws what it is to fail with, or returns how many bytes it does at most. */
  begin(call: SimCall): number | undefined {
    if (this.#isDead) throw new SimDeadError();
    const fault = this.#options.before?.(call, this.#calls);
    this.#calls += 1;
    // The one who was asked may have answered by ending it all.
    this.#requireAlive();
    if (typeof fault === 'string') throw simError(fault, call.name, call.location);
    return fault;
  }

  /** Does work when its time has come; never comes back to a process that is dead by then. */
  later<Result>(call: SimCall, work: (most: number | undefined) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#isDead) return;
      let most: number | undefined;
      let failure: Error | undefined;
      try {
        most = this.begin(call);
      } catch (error) {
        if (error instanceof SimDeadError) return;
        failure = errorOf(error);
      }
      const schedule = this.#options.schedule ?? queueMicrotask;
      schedule(() => {
        if (this.#isDead) return;
        try {
          if (failure === undefined) resolve(work(most));
          else reject(failure);
        } catch (error) {
          reject(errorOf(error));
        }
      }, call);
    });
  }

  statsOf(ino: Ino): FileStats {
    return new SimStats(ino, this.disk.inodes.get(ino));
  }

  #requireAlive(): void {
    if (this.#isDead) throw new SimDeadError();
  }

  #requireRoom(syscall: string, location: string): void {
    if (this.disk.freeBytes < 256) throw simError('ENOSPC', syscall, location);
  }

  #unlink(location: string): void {
    const { folder, name, ino } = this.#lookup.existing('unlink', location);
    if (this.disk.inodes.get(ino).kind === 'folder') throw simError('EISDIR', 'unlink', location);
    this.disk.change({ kind: 'unlink', folder, name, ino });
  }

  #rmdir(location: string): void {
    const { folder, name, ino } = this.#lookup.existing('rmdir', location);
    const { size } = this.#lookup.folder(ino, 'rmdir', location).entries;
    if (size > 0) throw simError('ENOTEMPTY', 'rmdir', location);
    if (ino === ROOT) throw simError('EBUSY', 'rmdir', location);
    this.disk.change({ kind: 'unlink', folder, name, ino });
  }
}

function withoutUmask(mode: number): number {
  return mode & 0o7777 & ~UMASK;
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
