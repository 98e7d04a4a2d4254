import { isErrno } from '../../src/node/disk/errno.ts';
import type { FileStats } from '../../src/node/disk/fileSystem.ts';
import { simError } from './simError.ts';
import { namesOfLocation, ROOT } from './simInodes.ts';
import type { Ino, SimFolder, SimInodes, SimNode } from './simInodes.ts';

const MOST_LINKS = 40;
const NAME_BYTES = 255;
const LOCATION_BYTES = 4096;

/** Where a name is, or would be. */
export interface Place {
  readonly folder: Ino;
  readonly name: string;
  /** What has it. */
  readonly ino: Ino | undefined;
}

/** Finds what locations lead to; throws as the system calls do. */
export class SimLookup {
  readonly #inodes: SimInodes;

  constructor(inodes: SimInodes) {
    this.#inodes = inodes;
  }

  /** Follows links on the way, and in the last place if asked to. */
  place(syscall: string, location: string, { follows = false } = {}): Place {
    if (Buffer.byteLength(location) >= LOCATION_BYTES) throw simError('ENAMETOOLONG', syscall, location);
    const ahead = namesOfLocation(location);
    let place: Place = { folder: ROOT, name: '', ino: ROOT };
    let links = 0;
    for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
      if (place.ino === undefined) throw simError('ENOENT', syscall, location);
      const folder = place.ino;
      const { entries } = this.folder(folder, syscall, location);
      if (Buffer.byteLength(name) > NAME_BYTES) throw simError('ENAMETOOLONG', syscall, location);
      place = { folder, name, ino: entries.get(name) };
      const node = place.ino === undefined ? undefined : this.#inodes.get(place.ino);
      if (node?.kind !== 'link' || (ahead.length === 0 && !follows)) continue;
      links += 1;
      if (links > MOST_LINKS) throw simError('ELOOP', syscall, location);
      ahead.unshift(...namesOfLocation(node.target));
      const start = node.target.startsWith('/') ? ROOT : folder;
      place = { folder: start, name: '', ino: start };
    }
    return place;
  }

  existing(
    syscall: string,
    location: string,
    options: { readonly follows?: boolean } = {},
  ): Place & { readonly ino: Ino } {
    const { ino, ...rest } = this.place(syscall, location, options);
    if (ino === undefined) throw simError('ENOENT', syscall, location);
    return { ...rest, ino };
  }

  /** `undefined` if nothing is there, nor the folder that it would be in. */
  placeIfAny(location: string): (Place & { readonly ino: Ino }) | undefined {
    try {
      const { ino, ...rest } = this.place('lstat', location);
      return ino === undefined ? undefined : { ...rest, ino };
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  folder(ino: Ino, syscall: string, location: string): SimFolder {
    const node = this.#inodes.get(ino);
    if (node.kind !== 'folder') throw simError('ENOTDIR', syscall, location);
    return node;
  }

  /** The folders on the way from the root to one, with both. */
  wayTo(folder: Ino): readonly Ino[] {
    return this.#search((ino) => ino === folder).map(({ ino }) => ino);
  }

  locationOf(ino: Ino): string {
    return `/${this.#search((other) => other === ino)
      .slice(1)
      .map(({ name }) => name)
      .join('/')}`;
  }

  /** The steps from the root to the first that is `wanted`. */
  #search(wanted: (ino: Ino) => boolean): { readonly name: string; readonly ino: Ino }[] {
    const way: { name: string; ino: Ino }[] = [];
    const look = (name: string, ino: Ino): boolean => {
      way.push({ name, ino });
      if (wanted(ino)) return true;
      const node = this.#inodes.get(ino);
      const entries = node.kind === 'folder' ? [...node.entries] : [];
      if (entries.some(([child, inner]) => look(child, inner))) return true;
      way.pop();
      return false;
    };
    look('', ROOT);
    return way;
  }
}

const TYPE_BITS = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

export class SimStats implements FileStats {
  readonly #kind: SimNode['kind'];
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev = 7;
  readonly nlink: number;
  readonly uid = process.geteuid?.() ?? 0;

  constructor(ino: Ino, node: SimNode) {
    this.#kind = node.kind;
    this.size = node.kind === 'file' ? node.content.size : 0;
    this.mode = TYPE_BITS[node.kind] + node.mode;
    this.mtimeMs = node.mtimeMs;
    this.ctimeMs = node.ctimeMs;
    this.ino = ino;
    this.nlink = node.nlink;
  }

  isFile(): boolean {
    return this.#kind === 'file';
  }

  isDirectory(): boolean {
    return this.#kind === 'folder';
  }

  isSymbolicLink(): boolean {
    return this.#kind === 'link';
  }
}
