/**
 * A disk in memory that behaves as POSIX says and no better, for tests of crashes, full disks and failing calls.
 *
 * Every change is an *operation* in a list. It is seen at once by whoever looks, and it lasts over a power loss only
 * when a sync has covered it: a file's sync covers its content, a folder's the names in it, and nothing else does.
 * {@link SimDisk.imageAfter} is the disk that is found when the power goes after any of them: with what is durable,
 * and as much of the rest as the test chooses. A disk may write in any order; what it has written when the power goes
 * is then any subset, and subsets are what a choice can ask for. Each single operation is done whole or not at all,
 * but for writes, which may be torn.
 *
 *     simDisk      the disk: operations, images, how it looks
 *     simMount     one process's view of it: the calls of `FileSystem`, with faults, delays and a sudden end
 *     simFile      what a process has open
 *     simLookup    what locations lead to
 *     simInodes    inodes and names, and what a change does to them
 *     simContent   what is in a file
 *     simCrash     which operations last
 */
import { basename, dirname } from 'node:path';
import { SimContent } from './simContent.ts';
import { replay } from './simCrash.ts';
import type { CrashChoice, Operation } from './simCrash.ts';
import { namesOfLocation, ROOT, SimInodes } from './simInodes.ts';
import type { Change, Ino, Made, SimNode } from './simInodes.ts';
import { SimMount } from './simMount.ts';
import type { MountOptions } from './simMount.ts';

export interface SimDiskOptions {
  /** How much fits, in bytes; holes take no room. */
  readonly capacityBytes?: number;
  /** Without them `link` fails with `EPERM`. */
  readonly hasHardLinks?: boolean;
  /** Without it everything has to be synced one by one. */
  readonly hasSyncAll?: boolean;
  /** Milliseconds since 1970; by default each call is one later. */
  readonly now?: () => number;
}

/** What lies under a name, for a test to look at. */
export interface SimPicture {
  readonly kind: SimNode['kind'];
  /** Of a file; empty for what is none. */
  readonly content: SimContent;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly nlink: number;
}

const FIRST_TIME_MS = 1_800_000_000_000;

export class SimDisk {
  // Immutable.
  readonly options: SimDiskOptions;
  /** What the disk was when its list of operations began. */
  readonly #base: SimInodes;
  readonly #operations: Operation[] = [];

  // Mutable.
  readonly #inodes: SimInodes;
  readonly #openings = new Map<Ino, number>();
  #lastIno: Ino;
  #timeMs = FIRST_TIME_MS;

  constructor(options: SimDiskOptions = {}, base: SimInodes = new SimInodes(FIRST_TIME_MS)) {
    this.options = options;
    this.#base = base;
    this.#inodes = base.clone();
    this.#lastIno = base.largestIno;
  }

  /** What was done since this disk was made. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** The disk as one process sees it. */
  mount(options: MountOptions = {}): SimMount {
    return new SimMount(this, options);
  }

  /** The disk that is found when the power goes after the first `prefix` operations. It starts with no operations. */
  imageAfter(prefix: number, choice: CrashChoice): SimDisk {
    const image = this.#base.clone();
    replay(image, this.#operations, prefix, choice);
    return new SimDisk(this.options, image);
  }

  /**
   * The disk that is found when its processes end after the first `prefix` operations, and the system goes on: all
   * that they did is there, and what was not synced is not durable yet.
   */
  killedAfter(prefix: number): SimDisk {
    const disk = new SimDisk(this.options, this.#base);
    for (const operation of this.#operations.slice(0, prefix)) disk.#redo(operation);
    disk.#inodes.check();
    return disk;
  }

  /** The disk as it is now, with all of it durable and no operations. */
  settled(): SimDisk {
    return this.imageAfter(this.#operations.length, { keeps: () => true });
  }

  /** Equal for disks on which the same lies. */
  digest(): string {
    return this.#inodes.digest();
  }

  /** Everything below a folder, links not followed: paths with `/` from there; nothing if it is not there. */
  picture(location: string): ReadonlyMap<string, SimPicture> {
    const picture = new Map<string, SimPicture>();
    const look = (ino: Ino, path: string): void => {
      const node = this.#inodes.get(ino);
      const { kind, mode, mtimeMs, nlink } = node;
      const content = node.kind === 'file' ? node.content : SimContent.empty;
      if (path !== '') picture.set(path, { kind, content, mode, mtimeMs, ino, nlink });
      if (node.kind !== 'folder') return;
      for (const [name, child] of node.entries) look(child, path === '' ? name : `${path}/${name}`);
    };
    const start = this.#find(location);
    if (start !== undefined) look(start, '');
    return picture;
  }

  /** Puts a file, a folder or a link there, with the folders that it takes, as somebody else would. */
  plant(location: string, what: Uint8Array | 'folder' | { readonly target: string }): void {
    const parent = dirname(location);
    if (this.#find(parent) === undefined) this.plant(parent, 'folder');
    const ino = this.nextIno();
    const name = { folder: this.#find(parent) ?? ROOT, name: basename(location), ino };
    this.change({ kind: 'make', ...name, made: plantedOf(what) });
    if (!(what instanceof Uint8Array)) return;
    this.change({ kind: 'write', ino, offset: 0, bytes: Uint8Array.from(what) });
  }

  // What follows is for the mounts.

  get inodes(): SimInodes {
    return this.#inodes;
  }

  get freeBytes(): number {
    const { capacityBytes } = this.options;
    // Nobody asks how much is used where everything fits.
    if (capacityBytes === undefined) return 2 ** 40;
    return Math.max(0, capacityBytes - this.#inodes.usedBytes);
  }

  nextIno(): Ino {
    this.#lastIno += 1;
    return this.#lastIno;
  }

  nowMs(): number {
    this.#timeMs += 1;
    return this.options.now?.() ?? this.#timeMs;
  }

  change(change: DistributiveOmit<Change, 'timeMs'>): void {
    const timed: Change = { ...change, timeMs: this.nowMs() };
    const replaced = timed.kind === 'rename' ? this.#nameIn(timed.folder, timed.name) : undefined;
    this.#operations.push(timed);
    this.#inodes.apply(timed);
    for (const ino of [timed.ino, replaced]) if (ino !== undefined) this.#dropUnused(ino);
  }

  sync(sync: { of: Ino | 'everything'; covers: number; isDataOnly: boolean; hasFailed: boolean }): void {
    this.#operations.push({ kind: 'sync', ...sync, timeMs: this.nowMs() });
  }

  hold(ino: Ino): void {
    this.#openings.set(ino, (this.#openings.get(ino) ?? 0) + 1);
  }

  letGo(ino: Ino): void {
    const left = (this.#openings.get(ino) ?? 1) - 1;
    if (left > 0) this.#openings.set(ino, left);
    else this.#openings.delete(ino);
    this.#dropUnused(ino);
  }

  #redo(operation: Operation): void {
    this.#operations.push(operation);
    this.#timeMs = operation.timeMs;
    if (operation.kind === 'sync') return;
    this.#inodes.apply(operation);
    if (operation.kind === 'make') this.#lastIno = operation.ino;
  }

  #dropUnused(ino: Ino): void {
    if (ino !== ROOT && !this.#openings.has(ino) && this.#inodes.get(ino).nlink === 0) this.#inodes.drop(ino);
  }

  #nameIn(folder: Ino, name: string): Ino | undefined {
    return this.#inodes.folder(folder).entries.get(name);
  }

  #find(location: string): Ino | undefined {
    let ino: Ino | undefined = ROOT;
    for (const name of namesOfLocation(location)) {
      if (ino === undefined || this.#inodes.get(ino).kind !== 'folder') return undefined;
      ino = this.#nameIn(ino, name);
    }
    return ino;
  }
}

function plantedOf(what: Parameters<SimDisk['plant']>[1]): Made {
  if (what === 'folder') return { kind: 'folder', mode: 0o755 };
  return 'target' in what ? { kind: 'link', ...what } : { kind: 'file', mode: 0o644 };
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
