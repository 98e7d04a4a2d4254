import { createHash } from 'node:crypto';
import { sep } from 'node:path';
import { SimContent } from './simContent.ts';

/** The number of an inode. */
export type Ino = number;

export type SimNode = {
  /** The permissions only. */
  mode: number;
  mtimeMs: number;
  ctimeMs: number;
  /** Whether somebody has set `mtimeMs`, so that it says something. */
  isTimeSet: boolean;
  /** How many names it has. */
  nlink: number;
} & (
  | { readonly kind: 'file'; content: SimContent }
  | { readonly kind: 'folder'; readonly entries: Map<string, Ino> }
  | { readonly kind: 'link'; readonly target: string }
);
export type SimFolder = Extract<SimNode, { kind: 'folder' }>;

/** One change of a disk. What was checked before it was made is not checked again. */
export type Change = { readonly timeMs: number } & (
  | {
      readonly kind: 'make';
      readonly folder: Ino;
      readonly name: string;
      readonly ino: Ino;
      readonly made: Made;
    }
  | { readonly kind: 'link'; readonly folder: Ino; readonly name: string; readonly ino: Ino }
  | { readonly kind: 'unlink'; readonly folder: Ino; readonly name: string; readonly ino: Ino }
  | {
      readonly kind: 'rename';
      readonly folder: Ino;
      readonly name: string;
      readonly ino: Ino;
      readonly fromFolder: Ino;
      readonly fromName: string;
    }
  | { readonly kind: 'write'; readonly ino: Ino; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly ino: Ino; readonly size: number }
  | { readonly kind: 'chmod'; readonly ino: Ino; readonly mode: number }
  | { readonly kind: 'setTime'; readonly ino: Ino; readonly mtimeMs: number }
);

/** What an inode starts as. */
export type Made =
  | { readonly kind: 'file' | 'folder'; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string };

export const ROOT: Ino = 1;
/** What each inode takes of the capacity, bytes. */
const INODE_BYTES = 256;

/** The inodes of one disk, and the names in its folders. */
export class SimInodes {
  readonly #nodes = new Map<Ino, SimNode>();

  constructor(timeMs: number) {
    this.#nodes.set(ROOT, folderNode(0o755, timeMs));
  }

  /** A copy that can be changed by itself; contents are shared. */
  clone(): SimInodes {
    const copy = new SimInodes(0);
    for (const [ino, node] of this.#nodes) {
      copy.#nodes.set(
        ino,
        node.kind === 'folder' ? { ...node, entries: new Map(node.entries) } : { ...node },
      );
    }
    return copy;
  }

  get(ino: Ino): SimNode {
    const node = this.#nodes.get(ino);
    if (node === undefined) throw new Error(`there is no inode ${ino}`);
    return node;
  }

  folder(ino: Ino): SimFolder {
    const node = this.get(ino);
    if (node.kind !== 'folder') throw new Error(`inode ${ino} is no folder`);
    return node;
  }

  get largestIno(): Ino {
    return Math.max(...this.#nodes.keys());
  }

  get usedBytes(): number {
    let used = 0;
    for (const node of this.#nodes.values()) {
      used += INODE_BYTES + (node.kind === 'file' ? node.content.allocatedBytes : 0);
    }
    return used;
  }

  /**
   * Makes a change, whatever was made before it: of what a disk had to do, it may have done anything when the
   * power went. A name then simply holds what was put there last.
   */
  apply(change: Change): void {
    const { kind, ino, timeMs } = change;
    if (kind === 'make') this.makeNameless(change);
    if (kind === 'make' || kind === 'link') {
      this.#setName(change.folder, change.name, ino, timeMs);
      return;
    }
    const node = this.#nodes.get(ino);
    if (node === undefined) return;
    node.ctimeMs = timeMs;
    switch (kind) {
      case 'unlink':
        this.#clearName(change.folder, change.name, ino, timeMs);
        return;
      case 'rename':
        this.#clearName(change.fromFolder, change.fromName, ino, timeMs);
        this.#setName(change.folder, change.name, ino, timeMs);
        return;
      case 'write':
        if (node.kind === 'file') node.content = node.content.write(change.offset, change.bytes);
        touch(node, timeMs);
        return;
      case 'truncate':
        if (node.kind === 'file') node.content = node.content.truncate(change.size);
        touch(node, timeMs);
        return;
      case 'chmod':
        node.mode = change.mode;
        return;
      case 'setTime':
        node.mtimeMs = change.mtimeMs;
        node.isTimeSet = true;
    }
  }

  /** Makes an inode, and not the name that it should have had: another may lead to it. */
  makeNameless({ ino, made, timeMs }: Extract<Change, { kind: 'make' }>): void {
    this.#nodes.set(ino, nodeOf(made, timeMs));
  }

  /** Forgets an inode that has no name any more and is not open. */
  drop(ino: Ino): void {
    this.#nodes.delete(ino);
  }

  /** As a file system's check does after a crash: what no name leads to is gone, names are counted. */
  check(): void {
    const found = new Map<Ino, number>([[ROOT, 1]]);
    const look = (ino: Ino): void => {
      const { entries } = this.folder(ino);
      for (const [name, child] of entries) {
        const node = this.#nodes.get(child);
        const seen = found.get(child) ?? 0;
        // A folder has one place; its second name is what a lost rename left.
        if (node === undefined || (node.kind === 'folder' && seen > 0)) entries.delete(name);
        else {
          found.set(child, seen + 1);
          if (node.kind === 'folder') look(child);
        }
      }
    };
    look(ROOT);
    for (const [ino, node] of this.#nodes) {
      const count = found.get(ino);
      if (count === undefined) this.#nodes.delete(ino);
      else node.nlink = count;
    }
  }

  /** The same for disks on which the same lies: times that nobody has set, and numbers of inodes, say nothing. */
  digest(): string {
    const hash = createHash('sha256');
    const seen = new Map<Ino, number>();
    const look = (ino: Ino): void => {
      const node = this.get(ino);
      hash.update(` ${node.kind} ${node.mode} ${node.isTimeSet ? node.mtimeMs : '-'}`);
      if (node.kind === 'link') hash.update(JSON.stringify(node.target));
      if (node.kind === 'file') hash.update(node.content.key);
      if (node.kind !== 'folder') return;
      for (const [name, child] of [...node.entries].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
        const before = seen.get(child);
        if (before === undefined) seen.set(child, seen.size);
        hash.update(`\n${JSON.stringify(name)} ${before ?? 'new'}`);
        if (before === undefined) look(child);
      }
      hash.update('\n.');
    };
    look(ROOT);
    return hash.digest('hex');
  }

  #setName(folder: Ino, name: string, ino: Ino, timeMs: number): void {
    const parent = this.#nodes.get(folder);
    const node = this.#nodes.get(ino);
    if (parent?.kind !== 'folder' || node === undefined) return;
    const former = parent.entries.get(name);
    if (former !== undefined) this.#clearName(folder, name, former, timeMs);
    parent.entries.set(name, ino);
    node.nlink += 1;
    node.ctimeMs = timeMs;
    touch(parent, timeMs);
  }

  #clearName(folder: Ino, name: string, ino: Ino, timeMs: number): void {
    const parent = this.#nodes.get(folder);
    if (parent?.kind !== 'folder' || parent.entries.get(name) !== ino) return;
    parent.entries.delete(name);
    touch(parent, timeMs);
    const node = this.#nodes.get(ino);
    if (node === undefined) return;
    node.nlink -= 1;
    node.ctimeMs = timeMs;
  }
}

/** The names of an absolute location, from the root on. */
export function namesOfLocation(location: string): string[] {
  return location.split(sep === '\\' ? /[\\/]+/ : /\/+/).filter((name) => name !== '' && name !== '.');
}

function touch(node: SimNode, timeMs: number): void {
  node.mtimeMs = timeMs;
  node.ctimeMs = timeMs;
  node.isTimeSet = false;
}

function folderNode(mode: number, timeMs: number): SimFolder {
  return { kind: 'folder', entries: new Map(), mode, nlink: 1, ...timesOf(timeMs) };
}

function nodeOf(made: Made, timeMs: number): SimNode {
  const common = { nlink: 0, ...timesOf(timeMs) };
  if (made.kind === 'folder') return { ...folderNode(made.mode, timeMs), nlink: 0 };
  if (made.kind === 'link') return { ...made, ...common, mode: 0o777 };
  return { kind: 'file', content: SimContent.empty, mode: made.mode, ...common };
}

function timesOf(timeMs: number): Pick<SimNode, 'mtimeMs' | 'ctimeMs' | 'isTimeSet'> {
  return { mtimeMs: timeMs, ctimeMs: timeMs, isTimeSet: false };
}
