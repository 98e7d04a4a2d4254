import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isEntryFailure } from '../../base/failure.ts';
import type { Decision } from '../../protocol/chunkLayout.ts';
import type { Entry, FileEntry } from '../../protocol/manifest.ts';
import { namesOf } from '../../protocol/wirePath.ts';
import type { SafePath } from '../../protocol/wirePath.ts';
import type { FileReference } from '../../transfer/ports.ts';
import { isErrno, writeFailure } from './errno.ts';
import { lookAt } from './publish.ts';
import type { ConflictPolicy } from './publish.ts';

/** Where a top-level folder of the offer goes. */
type RootPlan =
  /** Nothing has its name, or both are kept: it is built in staging and published by one rename. */
  | 'tree'
  /** A folder with its name is there: its files are published one by one. */
  | 'merge';

/** Where the bytes of a file are collected, and how it gets its name. */
export type Place =
  | { readonly kind: 'tree'; readonly location: string }
  | {
      readonly kind: 'part';
      readonly location: string;
      /** The folder it is published in, and its name there. */
      readonly folder: string;
      readonly name: string;
      /** Whether another name will do when this one is taken. */
      readonly isTopLevel: boolean;
    };

/**
 * Decides what becomes of each entry, and where it goes. Pages come in manifest order: a folder before
 * what is in it, so that a decision on a folder holds for all below it.
 */
export class Placement {
  // Immutable.
  readonly #folder: string;
  readonly #tree: string;
  readonly #parts: string;
  readonly #policy: ConflictPolicy;

  // Mutable.
  /** By the first name of the path; a transfer has at most `limits.roots` of them. */
  readonly #roots = new Map<string, RootPlan>();
  #barred: { readonly below: string; readonly decision: Decision } | undefined;

  constructor(folder: string, staging: string, policy: ConflictPolicy) {
    this.#folder = folder;
    this.#tree = join(staging, 'tree');
    this.#parts = join(staging, 'parts');
    this.#policy = policy;
    mkdirSync(this.#tree);
    mkdirSync(this.#parts);
  }

  decide(entry: Entry): Decision {
    if (this.#barred !== undefined && entry.path.startsWith(this.#barred.below)) return this.#barred.decision;
    const decision = this.#decideFresh(entry);
    // What lies in a folder that is not taken is not taken either; a folder that is there is gone into.
    if (entry.kind === 'folder' && (decision === 'skip' || decision === 'refuse')) {
      this.#barred = { below: `${entry.path}/`, decision };
    }
    return decision;
  }

  /** A name at which this system cannot even look is refused, and the other entries go on. */
  #decideFresh(entry: Entry): Decision {
    const names = namesOf(entry.path);
    try {
      return names.length === 1 ? this.#decideRoot(entry) : this.#decideInner(entry, names[0] ?? '');
    } catch (error) {
      const failure = writeFailure(error);
      if (isEntryFailure(failure.code)) return 'refuse';
      throw failure;
    }
  }

  placeOf(file: FileReference): Place {
    const names = namesOf(file.entry.path);
    const isTopLevel = names.length === 1;
    if (!isTopLevel && this.#roots.get(names[0] ?? '') === 'tree') {
      return { kind: 'tree', location: join(this.#tree, ...names) };
    }
    return {
      kind: 'part',
      location: join(this.#parts, `${file.page}-${file.position}`),
      folder: join(this.#folder, ...names.slice(0, -1)),
      name: names.at(-1) ?? '',
      isTopLevel,
    };
  }

  /** The folders that are built in staging: first name, location. */
  *trees(): Generator<readonly [name: string, location: string]> {
    for (const [name, plan] of this.#roots) if (plan === 'tree') yield [name, join(this.#tree, name)];
  }

  /** Where a folder of the offer is being built, or will lie if it is merged into one that is there. */
  folderLocation(path: SafePath): { readonly location: string; readonly isStaged: boolean } {
    const names = namesOf(path);
    const isStaged = this.#roots.get(names[0] ?? '') === 'tree';
    return { location: join(isStaged ? this.#tree : this.#folder, ...names), isStaged };
  }

  #decideRoot(entry: Entry): Decision {
    const there = lookAt(join(this.#folder, entry.path));
    if (entry.kind === 'file') return this.#decideFile(entry, join(this.#folder, entry.path));
    if (there === undefined || this.#policy === 'keep-both') {
      const made = makeFolder(join(this.#tree, entry.path));
      if (made === 'take') this.#roots.set(entry.path, 'tree');
      return made;
    }
    if (!there.isDirectory()) return this.#policy === 'skip' ? 'skip' : 'refuse';
    this.#roots.set(entry.path, 'merge');
    return 'same';
  }

  #decideInner(entry: Entry, root: string): Decision {
    if (this.#roots.get(root) === 'tree') {
      return entry.kind === 'folder' ? makeFolder(join(this.#tree, entry.path)) : 'take';
    }
    const location = join(this.#folder, entry.path);
    if (entry.kind === 'file') return this.#decideFile(entry, location);
    const there = lookAt(location);
    // A new folder is made when the first file in it is published, or at the end.
    if (there === undefined) return 'take';
    if (there.isDirectory()) return 'same';
    return this.#policy === 'skip' ? 'skip' : 'refuse';
  }

  #decideFile(entry: FileEntry, location: string): Decision {
    const there = lookAt(location);
    if (there === undefined || this.#policy === 'keep-both') return 'take';
    if (this.#policy === 'skip') return 'skip';
    if (!there.isFile()) return 'refuse';
    const isSame = there.size === entry.size && Math.floor(there.mtimeMs) === entry.mtimeMs;
    return isSame ? 'same' : 'take';
  }
}

/** Makes a folder in staging; a name that this file system does not take is refused. */
function makeFolder(location: string): 'take' | 'refuse' {
  try {
    mkdirSync(location);
    return 'take';
  } catch (error) {
    if (isErrno(error, 'EEXIST', 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) return 'refuse';
    throw writeFailure(error);
  }
}
