import { RemoteProtocolError } from '../base/failure.ts';
import { limits } from './limits.ts';
import { collisionKey } from './wirePath.ts';
import type { SafePath } from './wirePath.ts';

/**
 * The manifest lists what is offered, depth first, a folder before what is in it, siblings strictly
 * ascending by {@link collisionKey}. It travels and is kept in pages; a page is the unit of the answer
 * and of the chunk layout, so neither side ever holds the whole.
 */

export interface FolderEntry {
  readonly kind: 'folder';
  readonly path: SafePath;
  /** Whole milliseconds since 1970; negative before. */
  readonly mtimeMs: number;
}

export interface FileEntry {
  readonly kind: 'file';
  readonly path: SafePath;
  /** Bytes. */
  readonly size: number;
  /** Whole milliseconds since 1970; negative before. */
  readonly mtimeMs: number;
  /** Whether its owner may run it. No other mode bit travels. */
  readonly isExecutable: boolean;
}

export type Entry = FolderEntry | FileEntry;

/** Orders two sibling names as a manifest must. Equal keys collide; the caller refuses the second. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/**
 * Checks the order of a manifest as it streams by. The one rule also proves that every parent is a
 * folder that was listed, that nothing is listed twice, and that no two names collide on a file system
 * that folds case or normal forms. Costs memory for the depth of the tree, not for its size.
 */
export class ManifestOrder {
  /** The paths of the folders that the next entry may lie in, outermost first. */
  readonly #open: string[] = [];
  /** The last sibling's key at each depth. */
  readonly #lastKeys: string[] = [];
  #roots = 0;
  /** The folder that the last entry lies in, and how deep: nearly always the next one, too. */
  #folder = '';
  #depth = 0;

  /** Throws unless `entry` may follow what came before. */
  add(entry: Entry): void {
    const { path } = entry;
    const end = path.lastIndexOf('/');
    const folder = end < 0 ? '' : path.slice(0, end);
    if (folder !== this.#folder) this.#enter(folder);
    const depth = this.#depth;
    if (depth === 0) this.#addRoot();
    const key = collisionKey(path.slice(end + 1));
    // Only at the same depth in the same folder: a deeper last key belongs to a folder that is now closed.
    this.#lastKeys.length = Math.min(this.#lastKeys.length, depth + 1);
    const last = this.#lastKeys[depth];
    if (last !== undefined && compareKeys(last, key) >= 0) {
      throw new RemoteProtocolError('protocol-error', 'entries collide or are out of order');
    }
    this.#lastKeys[depth] = key;
    this.#open.length = depth;
    if (entry.kind === 'folder') this.#open.push(path);
  }

  #enter(folder: string): void {
    const depth = folder === '' ? 0 : folder.split('/').length;
    if (depth > 0 && this.#open[depth - 1] !== folder) {
      throw new RemoteProtocolError(
        'protocol-error',
        'an entry lies in a folder that was not listed before it',
      );
    }
    this.#folder = folder;
    this.#depth = depth;
  }

  #addRoot(): void {
    this.#roots += 1;
    if (this.#roots > limits.roots) {
      throw new RemoteProtocolError('limit-exceeded', 'too many top-level entries');
    }
  }
}

/** Totals of a manifest, or of a part of it. */
export interface ManifestTotals {
  readonly entries: number;
  readonly files: number;
  /** Bytes of all files. */
  readonly bytes: number;
}

export const emptyTotals: ManifestTotals = { entries: 0, files: 0, bytes: 0 };

/** `totals` and the entries of one more page; refuses what no limit allows. */
export function addTotals(totals: ManifestTotals, entries: readonly Entry[]): ManifestTotals {
  let { files, bytes } = totals;
  for (const entry of entries) {
    if (entry.kind !== 'file') continue;
    files += 1;
    bytes += entry.size;
    // Checked at each step: two safe integers can add up to one that is not.
    if (bytes > limits.transferBytes) {
      throw new RemoteProtocolError('limit-exceeded', 'too many bytes offered');
    }
  }
  const count = totals.entries + entries.length;
  if (count > limits.entries) throw new RemoteProtocolError('limit-exceeded', 'too many entries offered');
  return { entries: count, files, bytes };
}

/** Where a pager aims: small enough that the first page leaves soon. Well inside the limits. */
const PAGE_TARGET_ENTRIES = 2048;
/** The first pages are shorter, each twice as long as the last, so that data flows while the rest is being listed. */
const FIRST_PAGE_ENTRIES = 128;
const PAGE_TARGET_BYTES = 512 * 1024;

/** What one entry adds to a page besides its path, at most: brackets, kind, numbers, commas. */
const ENTRY_OVERHEAD_BYTES = 64;

/** Cuts a stream of entries into pages. */
export class ManifestPager<Item extends { readonly entry: Entry }> {
  #items: Item[] = [];
  #bytes = 0;
  #mostItems = FIRST_PAGE_ENTRIES;

  /** Takes one more; returns the page that is full before it, if one is. */
  add(item: Item): Item[] | undefined {
    // A path of control characters could double in JSON, but a safe path holds none and no quote.
    const bytes = item.entry.path.length * 3 + ENTRY_OVERHEAD_BYTES;
    const isFull =
      this.#items.length >= this.#mostItems ||
      (this.#items.length > 0 && this.#bytes + bytes > PAGE_TARGET_BYTES);
    const page = isFull ? this.flush() : undefined;
    this.#items.push(item);
    this.#bytes += bytes;
    return page;
  }

  /** The page begun, if it holds anything. */
  flush(): Item[] | undefined {
    const page = this.#items;
    this.#items = [];
    this.#bytes = 0;
    this.#mostItems = Math.min(PAGE_TARGET_ENTRIES, this.#mostItems * 2);
    return page.length === 0 ? undefined : page;
  }
}
