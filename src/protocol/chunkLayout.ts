import { limits } from './limits.ts';
import type { Entry } from './manifest.ts';

/**
 * How the taken files of one page become chunks. Both sides compute it from the page and its answer, and
 * from nothing else; indices run on from page to page.
 *
 * A file of at least `smallestChunkBytes` is cut into chunks of {@link chunkBytesFor}, the last one
 * shorter. Smaller files fill packs in manifest order; a pack closes when the next file would not fit and
 * at the end of the page, and takes its index when it closes.
 */

/** What the receiver answers for one entry. */
export const DECISIONS = ['take', 'same', 'skip', 'refuse'] as const;
export type Decision = (typeof DECISIONS)[number];

/** A range of one big file. */
export interface RangeChunk {
  readonly kind: 'range';
  readonly index: number;
  /** Position of the file in its page. */
  readonly entry: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** This chunk's place among those of its file. */
  readonly ordinal: number;
}

/** Several whole small files. */
export interface PackChunk {
  readonly kind: 'pack';
  readonly index: number;
  /** Positions of the files in their page, ascending. */
  readonly entries: readonly number[];
  /** Their sizes, bytes. */
  readonly sizes: readonly number[];
}

export type Chunk = RangeChunk | PackChunk;

/** Bytes of one chunk of a file of `size` bytes: a power of two that gives few enough chunks. */
export function chunkBytesFor(size: number): number {
  let bytes: number = limits.smallestChunkBytes;
  while (bytes < limits.largestChunkBytes && bytes * limits.chunksPerFile < size) bytes *= 2;
  return bytes;
}

/** Into how many chunks a big file of `size` bytes is cut. */
export function chunkCountFor(size: number): number {
  return Math.ceil(size / chunkBytesFor(size));
}

export function isPacked(size: number): boolean {
  return size < limits.smallestChunkBytes;
}

/** The bytes of payload that a chunk carries at most. */
export function chunkLength(chunk: Chunk): number {
  return chunk.kind === 'range' ? chunk.length : chunk.sizes.reduce((sum, size) => sum + size, 0);
}

interface RangeSegment {
  readonly kind: 'range';
  readonly first: number;
  readonly count: number;
  readonly entry: number;
  readonly size: number;
}

interface PackSegment {
  readonly kind: 'pack';
  readonly first: number;
  readonly count: 1;
  readonly entries: readonly number[];
  readonly sizes: readonly number[];
}

type Segment = RangeSegment | PackSegment;

export class PageLayout {
  /** Index of the page's first chunk. */
  readonly firstChunk: number;
  readonly chunkCount: number;
  readonly #segments: readonly Segment[];

  private constructor(firstChunk: number, segments: readonly Segment[]) {
    this.firstChunk = firstChunk;
    this.#segments = segments;
    this.chunkCount = segments.reduce((sum, segment) => sum + segment.count, 0);
  }

  static of(entries: readonly Entry[], decisions: readonly Decision[], firstChunk: number): PageLayout {
    const segments: Segment[] = [];
    let next = firstChunk;
    let pack = new PackBuilder();
    const closePack = (): void => {
      if (pack.entries.length === 0) return;
      segments.push({ kind: 'pack', first: next, count: 1, entries: pack.entries, sizes: pack.sizes });
      next += 1;
      pack = new PackBuilder();
    };
    entries.forEach((entry, position) => {
      if (entry.kind !== 'file' || decisions[position] !== 'take') return;
      if (isPacked(entry.size)) {
        if (!pack.fits(entry.size)) closePack();
        pack.add(position, entry.size);
        return;
      }
      const count = chunkCountFor(entry.size);
      segments.push({ kind: 'range', first: next, count, entry: position, size: entry.size });
      next += count;
    });
    closePack();
    return new PageLayout(firstChunk, segments);
  }

  /** Index after the page's last chunk. */
  get endChunk(): number {
    return this.firstChunk + this.chunkCount;
  }

  /** The chunk with this index, which must be one of the page's. */
  chunkAt(index: number): Chunk {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#segments[middle]?.first ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const segment = this.#segments[low];
    if (segment === undefined || index < segment.first || index >= segment.first + segment.count) {
      throw new RangeError(`chunk ${index} is not in this page`);
    }
    if (segment.kind === 'pack') {
      return { kind: 'pack', index, entries: segment.entries, sizes: segment.sizes };
    }
    const chunkBytes = chunkBytesFor(segment.size);
    const ordinal = index - segment.first;
    const offset = ordinal * chunkBytes;
    const length = Math.min(chunkBytes, segment.size - offset);
    return { kind: 'range', index, entry: segment.entry, offset, length, ordinal };
  }
}

class PackBuilder {
  readonly entries: number[] = [];
  readonly sizes: number[] = [];
  #bytes = 0;

  fits(size: number): boolean {
    return this.entries.length < limits.packEntries && this.#bytes + size <= limits.packBytes;
  }

  add(position: number, size: number): void {
    this.entries.push(position);
    this.sizes.push(size);
    this.#bytes += size;
  }
}
