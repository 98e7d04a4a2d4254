import { hash } from 'node:crypto';
import { join } from 'node:path';
import { RangeSet } from '../../base/rangeSet.ts';
import { isEntryFailure } from '../../base/failure.ts';
import type { Decision } from '../../protocol/chunkLayout.ts';
import { limits } from '../../protocol/limits.ts';
import type { Entry, FileEntry } from '../../protocol/manifest.ts';
import { namesOf } from '../../protocol/wirePath.ts';
import type { SafePath } from '../../protocol/wirePath.ts';
import type { EntryReference, FileReference } from '../../transfer/ports.ts';
import { isErrno, writeFailure } from './errno.ts';
import { locate } from './locate.ts';
import type { FileStats, FileSystem } from './fileSystem.ts';
import { isPlaceholder, unlinkPublished } from './publish.ts';
import type { ConflictPolicy } from './publish.ts';
import { JOURNAL } from './publishedJournal.ts';

/** Where a top-level folder of the offer goes. */
type RootPlan =
  /** Nothing has its name, or both are kept: it is built in staging and published by one rename. */
  | { readonly kind: 'tree' }
  /** A folder is there: files are published in it one by one. */
  | {
      readonly kind: 'merge';
      /** Its name in the receive folder. */
      readonly name: string;
      /** Whether an earlier session of this transfer published it. */
      readonly isOurs: boolean;
    };

/** Where the bytes of a file are collected, and how it gets its name. */
export type Place =
  | { readonly kind: 'tree'; readonly location: string }
  /** An earlier session of this transfer published it, and it stands there as it was offered. */
  | ({ readonly kind: 'published' } & PublishedPlace)
  | ({ readonly kind: 'part' } & PublishedPlace);

interface PublishedPlace {
  readonly location: string;
  /** The names of the folders that it is published in, from the receive folder on. */
  readonly parents: readonly string[];
  readonly name: string;
  readonly isTopLevel: boolean;
  /** Whether another name will do when this one is taken. */
  readonly mayBeRenamed: boolean;
}

export interface PlacementInit {
  readonly disk: FileSystem;
  /** The receive folder. */
  readonly folder: string;
  readonly staging: string;
  readonly policy: ConflictPolicy;
  /** Whether an earlier session has left something in staging. */
  readonly isResumed: boolean;
  /** Which names that one may have taken in the receive folder, by path; see `publishedJournal.ts`. */
  readonly published: ReadonlyMap<string, string>;
}

/**
 * Decides what becomes of each entry, and where it goes. Pages come in manifest order: a folder before
 * what is in it, so that a decision on a folder holds for all below it.
 *
 * Places depend on paths alone, never on pages: the next session of the transfer may list other things.
 */
export class Placement {
  // Immutable.
  readonly #disk: FileSystem;
  readonly #folder: string;
  readonly #tree: string;
  readonly #parts: string;
  readonly #journal: string;
  readonly #policy: ConflictPolicy;
  readonly #isResumed: boolean;
  readonly #published: ReadonlyMap<string, string>;

  // Mutable.
  /** By the first name of the path; a transfer has at most `limits.roots` of them. */
  readonly #roots = new Map<string, RootPlan>();
  #barred: { readonly below: string; readonly decision: Decision } | undefined;
  /** The files that stand published already; ranges, because they come in a row. */
  readonly #standing = new RangeSet();

  constructor({ disk, folder, staging, policy, isResumed, published }: PlacementInit) {
    this.#disk = disk;
    this.#folder = folder;
    this.#tree = join(staging, 'tree');
    this.#parts = join(staging, 'parts');
    this.#journal = join(staging, JOURNAL);
    this.#policy = policy;
    this.#isResumed = isResumed;
    this.#published = published;
    for (const made of [this.#tree, this.#parts]) {
      if (!isResumed || disk.lstat(made)?.isDirectory() !== true) disk.mkdir(made);
    }
    if (isResumed) unlinkPublished(disk, this.#parts);
  }

  decide(reference: EntryReference): Decision {
    const { entry } = reference;
    if (this.#barred !== undefined && entry.path.startsWith(this.#barred.below)) return this.#barred.decision;
    const decision = this.#decideFresh(reference);
    // What lies in a folder that is not taken is not taken either; a folder that is there is gone into.
    if (entry.kind === 'folder' && (decision === 'skip' || decision === 'refuse')) {
      this.#barred = { below: `${entry.path}/`, decision };
    }
    return decision;
  }

  /**
   * A name at which this system cannot even look is refused, and the other entries go on. A disk that fails says
   * nothing of the name: the transfer is interrupted.
   */
  #decideFresh(reference: EntryReference): Decision {
    const { entry } = reference;
    const plan = this.#planOf(entry.path);
    try {
      if (entry.kind === 'file' && this.#isStanding(entry)) {
        this.#standing.add(numberOf(reference));
        return 'take';
      }
      return plan === undefined ? this.#decideRoot(entry) : this.#decideInner(entry, plan);
    } catch (error) {
      const failure = writeFailure(error);
      const isOfName = failure.code !== 'disk-error' || isErrno(error, 'EACCES', 'EPERM');
      if (isEntryFailure(failure.code) && isOfName) return 'refuse';
      throw failure;
    }
  }

  placeOf(file: FileReference): Place {
    const { path } = file.entry;
    const plan = this.#planOf(path);
    if (plan?.kind === 'tree') return { kind: 'tree', location: locate(this.#tree, path) };
    const names = namesOf(path);
    const isTopLevel = names.length === 1;
    const parents = this.#finalNames(path).slice(0, -1);
    const mayBeRenamed = isTopLevel || plan?.isOurs === true;
    if (this.#standing.has(numberOf(file))) {
      const name = this.#published.get(path) ?? names.at(-1) ?? '';
      const location = join(this.#folder, ...parents, name);
      return { kind: 'published', location, parents, name, isTopLevel, mayBeRenamed };
    }
    // Flat, under names that any file system takes.
    const location = join(this.#parts, hash('sha256', path, 'hex'));
    return { kind: 'part', location, parents, name: names.at(-1) ?? '', isTopLevel, mayBeRenamed };
  }

  /** What lies in staging, from an earlier session, where this file is to be built. */
  leftOf(file: FileReference): FileStats | undefined {
    if (!this.#isResumed) return undefined;
    const { kind, location } = this.placeOf(file);
    if (kind === 'published') return undefined;
    try {
      const left = this.#disk.lstat(location);
      return left?.isFile() === true ? left : undefined;
    } catch (error) {
      // At a name that this system does not take there is nothing.
      if (isErrno(error, 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) return undefined;
      throw error;
    }
  }

  /** The folders that are built in staging: first name, location. */
  *trees(): Generator<readonly [name: string, location: string]> {
    for (const [name, plan] of this.#roots) if (plan.kind === 'tree') yield [name, join(this.#tree, name)];
  }

  /** The names of the trees that an earlier session published. */
  *standingTrees(): Generator<string> {
    for (const plan of this.#roots.values()) if (plan.kind === 'merge' && plan.isOurs) yield plan.name;
  }

  /** Where trees are built. */
  get treeFolder(): string {
    return this.#tree;
  }

  /** Where a folder of the offer is being built, or will lie if it is merged into one that is there. */
  folderPlace(path: SafePath): {
    readonly location: string;
    readonly isStaged: boolean;
    readonly names: readonly string[];
  } {
    const plan = this.#roots.get(namesOf(path)[0] ?? '');
    const names = plan?.kind === 'tree' ? namesOf(path) : this.#finalNames(path);
    const isStaged = plan?.kind === 'tree';
    return { location: join(isStaged ? this.#tree : this.#folder, ...names), isStaged, names };
  }

  /** The plan for the folder at the top that a path lies in. */
  #planOf(path: SafePath): RootPlan | undefined {
    const end = path.indexOf('/');
    return end < 0 ? undefined : this.#roots.get(path.slice(0, end));
  }

  /** The path as names in the receive folder: the root may be published under another one. */
  #finalNames(path: SafePath): readonly string[] {
    const [first = '', ...rest] = namesOf(path);
    const plan = this.#roots.get(first);
    return [plan?.kind === 'merge' ? plan.name : first, ...rest];
  }

  /**
   * Whether an earlier session has published this file and it stands there still, by size and time. That only
   * makes it worth reading: the sender compares its digest like that of anything else which is held.
   */
  #isStanding(entry: FileEntry): boolean {
    const plan = this.#planOf(entry.path);
    if (plan?.kind === 'tree') return false;
    const announced = this.#published.get(entry.path);
    if (announced === undefined && plan?.isOurs !== true) return false;
    const names = this.#finalNames(entry.path);
    const location = join(this.#folder, ...names.slice(0, -1), announced ?? names.at(-1) ?? '');
    const there = this.#disk.lstat(location);
    if (there === undefined) return false;
    if (isUnchanged(there, entry)) return true;
    if (announced !== undefined && isPlaceholder(this.#disk, there, this.#journal)) {
      this.#disk.unlink(location);
    }
    return false;
  }

  /** Whether an earlier session has published this tree; `undefined` if not, or its name if it has. */
  #standingTree(path: SafePath): string | undefined {
    const name = this.#published.get(path);
    if (name === undefined) return undefined;
    const location = join(this.#folder, name);
    if (this.#disk.lstat(join(this.#tree, path)) === undefined) {
      return this.#disk.lstat(location)?.isDirectory() === true ? name : undefined;
    }
    // It stopped between making the folder that takes the name and renaming the tree over it.
    try {
      this.#disk.rmdir(location);
    } catch {
      // Not there, or it holds something and so is somebody else's.
    }
    return undefined;
  }

  #decideRoot(entry: Entry): Decision {
    const location = join(this.#folder, entry.path);
    if (entry.kind === 'file') return this.#decideFile(entry, location);
    const standing = this.#standingTree(entry.path);
    if (standing !== undefined) {
      this.#roots.set(entry.path, { kind: 'merge', name: standing, isOurs: true });
      return 'take';
    }
    const there = this.#disk.lstat(location);
    if (there === undefined || this.#policy === 'keep-both') {
      const made = this.#makeFolder(entry);
      if (made === 'take') this.#roots.set(entry.path, { kind: 'tree' });
      return made;
    }
    if (!there.isDirectory()) return this.#policy === 'skip' ? 'skip' : 'refuse';
    this.#roots.set(entry.path, { kind: 'merge', name: entry.path, isOurs: false });
    return 'same';
  }

  #decideInner(entry: Entry, plan: RootPlan): Decision {
    if (plan.kind === 'tree') return entry.kind === 'folder' ? this.#makeFolder(entry) : 'take';
    const [first] = namesOf(entry.path);
    const location =
      first === plan.name
        ? locate(this.#folder, entry.path)
        : join(this.#folder, ...this.#finalNames(entry.path));
    if (entry.kind === 'file') return this.#decideFile(entry, location);
    const there = this.#disk.lstat(location);
    // A new folder is made when the first file in it is published, or at the end.
    if (there === undefined) return 'take';
    if (there.isDirectory()) {
      // One that an earlier session made is finished by this one.
      return plan.isOurs || this.#published.has(entry.path) ? 'take' : 'same';
    }
    return this.#policy === 'skip' ? 'skip' : 'refuse';
  }

  /** Makes a folder in staging, unless an earlier session did. */
  #makeFolder(entry: Entry): 'take' | 'refuse' {
    const location = locate(this.#tree, entry.path);
    if (this.#isResumed) {
      if (this.#disk.lstat(location)?.isDirectory() === true) return 'take';
      this.#disk.removeTree(location);
    }
    return makeFolder(this.#disk, location);
  }

  #decideFile(entry: FileEntry, location: string): Decision {
    const there = this.#disk.lstat(location);
    if (there === undefined || this.#policy === 'keep-both') return 'take';
    if (this.#policy === 'skip') return 'skip';
    if (!there.isFile()) return 'refuse';
    return isUnchanged(there, entry) ? 'same' : 'take';
  }
}

/** Whether what stands there looks like the file that is offered. */
function isUnchanged(there: FileStats, { size, mtimeMs }: FileEntry): boolean {
  return there.isFile() && there.size === size && Math.floor(there.mtimeMs) === mtimeMs;
}

function numberOf({ page, position }: EntryReference): number {
  return page * limits.pageEntries + position;
}

/** Makes a folder in staging; a name that this file system does not take is refused. */
function makeFolder(disk: FileSystem, location: string): 'take' | 'refuse' {
  try {
    disk.mkdir(location);
    return 'take';
  } catch (error) {
    if (isErrno(error, 'EEXIST', 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) return 'refuse';
    throw writeFailure(error);
  }
}
