import { concatBytes } from '../../src/base/bytes.ts';
import type { FileSystem } from '../../src/node/disk/fileSystem.ts';
import type { SimRandom } from '../support/simRandom.ts';
import { contentOf, stamp } from './book.ts';
import type { Book } from './book.ts';

/** A file that is sent, as it is now. */
export interface SourceFile {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** What happens to a file that is being sent. */
export const SOURCE_CHANGES = [
  'append',
  'cut',
  'rewrite in part',
  'rewrite, time restored',
  'replace',
  'touch',
  'delete',
  'delete',
  'new file',
  'folder instead',
] as const;
export type SourceChange = (typeof SOURCE_CHANGES)[number];

const FOLDER_NAMES = ['src', 'фото', '資料', 'naïve', 'a b', 'docs'];
const STEMS = ['readme', 'отчёт', '写真', 'café', 'data', 'x', 'ملف', 'notes-2024', 'Straße', '🗂'];
const EXTENSIONS = ['', '.txt', '.md', '.bin', '.tar.gz'];

/** Files below some roots on the sender's disk, every version of each in the book. */
export class SourceTree {
  // Immutable.
  readonly #random: SimRandom;
  readonly #book: Book;
  /** Where the roots lie. */
  readonly folder: string;
  readonly roots: readonly string[];

  // Mutable.
  readonly #files = new Map<string, SourceFile>();
  readonly #folders = new Set<string>();
  /** Since when each path is as it is, on the virtual clock. */
  readonly changedAt = new Map<string, number>();
  #versions = 0;

  constructor(random: SimRandom, book: Book, folder: string) {
    this.#random = random;
    this.#book = book;
    this.folder = folder;
    const names = random.pick([
      ['things'],
      ['things'],
      ['things', 'one.bin'],
      ['alone.dat'],
      ['a', 'b', 'c.txt'],
    ]);
    this.roots = names;
  }

  /** Makes everything; `mostBytes` is what it comes to, roughly. */
  build(disk: FileSystem, mostBytes: number): void {
    const random = this.#random;
    for (const root of this.roots) {
      if (root.includes('.')) this.#create(disk, root, this.#size(mostBytes));
      else this.#makeFolder(disk, root);
    }
    const roots = [...this.#folders];
    if (roots.length === 0) return;
    for (let count = random.below(5); count > 0; count -= 1) {
      const parent = random.pick([...this.#folders]);
      const path = `${parent}/${random.pick(FOLDER_NAMES)}`;
      if (!this.#folders.has(path)) this.#makeFolder(disk, path);
    }
    let left = mostBytes;
    for (let count = random.between(1, 14); count > 0 && left > 0; count -= 1) {
      const size = Math.min(left, this.#size(mostBytes));
      const path = this.#freshPath();
      if (path === undefined) continue;
      this.#create(disk, path, size);
      left -= size;
    }
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  find(path: string): SourceFile | undefined {
    return this.#files.get(path);
  }

  /** Does something to one of the files; tells to which, or nothing if there was none to do it to. */
  change(
    disk: FileSystem,
    change: SourceChange,
    { now, path: wanted = '' }: { readonly now: number; readonly path?: string },
  ): string | undefined {
    const paths = this.paths;
    if (change === 'new file') return this.#createNew(disk, now);
    if (paths.length === 0) return undefined;
    const path = this.#files.has(wanted) ? wanted : this.#random.pick(paths);
    // A transfer of nothing is another story.
    if ((change === 'delete' || change === 'folder instead') && (paths.length < 2 || !path.includes('/'))) {
      return undefined;
    }
    this.changedAt.set(path, now);
    this.#apply(disk, change, path);
    return path;
  }

  #apply(disk: FileSystem, change: Exclude<SourceChange, 'new file'>, path: string): void {
    const location = this.#locate(path);
    const old = this.#files.get(path)?.bytes ?? new Uint8Array(0);
    switch (change) {
      case 'append':
        this.#write(disk, path, concatBytes([old, this.#fresh(path, this.#random.between(1, 300_000))]));
        return;
      case 'cut':
        this.#write(disk, path, old.slice(0, this.#random.below(old.length + 1)));
        return;
      case 'rewrite in part':
        this.#write(disk, path, this.#rewritten(path, old));
        return;
      case 'rewrite, time restored': {
        const mtimeMs = disk.lstat(location)?.mtimeMs ?? 0;
        this.#write(disk, path, this.#rewritten(path, old));
        disk.setTime(location, mtimeMs);
        return;
      }
      case 'replace': {
        // As editors save: a new file beside it, then a rename.
        disk.unlink(location);
        this.#write(disk, path, this.#fresh(path, this.#random.chance(0.5) ? old.length : this.#size(1e6)));
        return;
      }
      case 'touch':
        disk.setTime(location, Math.floor(disk.lstat(location)?.mtimeMs ?? 0) + 1000);
        this.#keep(path, old);
        return;
      case 'delete':
        disk.unlink(location);
        this.#files.delete(path);
        return;
      case 'folder instead':
        disk.unlink(location);
        this.#files.delete(path);
        this.#makeFolder(disk, path);
        this.#create(disk, `${path}/inside`, this.#random.below(2000));
    }
  }

  #createNew(disk: FileSystem, now: number): string | undefined {
    const path = this.#freshPath();
    if (path === undefined) return undefined;
    this.#create(disk, path, this.#size(300_000));
    this.changedAt.set(path, now);
    return path;
  }

  #makeFolder(disk: FileSystem, path: string): void {
    disk.mkdir(this.#locate(path));
    this.#folders.add(path);
  }

  #create(disk: FileSystem, path: string, size: number): void {
    const bytes = this.#fresh(path, size);
    // A chunk of zeros in the middle, as in a disk image.
    const chunk = 256 * 1024;
    if (size > 3 * chunk && this.#random.chance(0.3)) bytes.fill(0, chunk, 2 * chunk);
    this.#write(disk, path, bytes);
  }

  #write(disk: FileSystem, path: string, bytes: Uint8Array): void {
    const location = this.#locate(path);
    const isThere = disk.lstat(location) !== undefined;
    const file = disk.open(location, isThere ? 'update' : 'create', this.#random.chance(0.2) ? 0o755 : 0o644);
    file.truncate(0);
    for (let at = 0; at < bytes.length;) at += file.writeNow(bytes.subarray(at), at);
    file.closeNow();
    this.#keep(path, bytes);
  }

  /** Writes a new version down. */
  #keep(path: string, bytes: Uint8Array): void {
    this.#versions += 1;
    this.#files.set(path, { version: this.#versions, bytes });
    this.#book.add({ kind: 'source', path, version: this.#versions }, bytes);
  }

  #fresh(path: string, size: number): Uint8Array {
    return contentOf(`${path} v${this.#versions + 1}`, size);
  }

  /** The same size, other bytes in some places. */
  #rewritten(path: string, old: Uint8Array): Uint8Array {
    const bytes = old.slice();
    for (let count = this.#random.between(1, 4); count > 0 && bytes.length > 0; count -= 1) {
      const from = this.#random.below(bytes.length);
      stamp(bytes, `${path} v${this.#versions + 1}`, from, Math.min(bytes.length, from + 5000));
    }
    return bytes;
  }

  #freshPath(): string | undefined {
    const folders = [...this.#folders];
    if (folders.length === 0) return undefined;
    const name = `${this.#random.pick(STEMS)}${this.#random.pick(EXTENSIONS)}`;
    const path = `${this.#random.pick(folders)}/${name}`;
    return this.#files.has(path) || this.#folders.has(path) ? undefined : path;
  }

  #size(most: number): number {
    const kind = this.#random.weighted({ empty: 1, small: 5, packed: 3, big: 6 });
    switch (kind) {
      case 'empty':
        return 0;
      case 'small':
        return this.#random.between(1, 3000);
      case 'packed':
        return this.#random.between(3000, 262_143);
      case 'big':
        return Math.floor(this.#random.spread(262_144, Math.max(300_000, most)));
    }
  }

  #locate(path: string): string {
    return `${this.folder}/${path}`;
  }
}
