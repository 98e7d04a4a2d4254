import { ENTRY_FAILURES, LocalProtocolError } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import { concatBytes } from '../base/bytes.ts';
import { RangeSet } from '../base/rangeSet.ts';
import { chunkCountFor, DECISIONS, PageLayout } from '../protocol/chunkLayout.ts';
import type { Chunk, Decision, RangeChunk } from '../protocol/chunkLayout.ts';
import { DIGEST_BYTES, fileDigest, RootDigest } from '../protocol/digest.ts';
import { limits } from '../protocol/limits.ts';
import type { Entry } from '../protocol/manifest.ts';
import type { EntryReference, PageStore } from './ports.ts';

/**
 * What both sides write down of a transfer: its pages, the decision, the outcome and the digest of each
 * entry. Pages live in a {@link PageStore}; only those being worked on are in memory, so that a manifest
 * of millions costs a few of them.
 */

const OUTCOMES = ['pending', 'done', ...ENTRY_FAILURES] as const;
const DONE = OUTCOMES.indexOf('done');
/** How an entry that was taken ended. */
export type Outcome = (typeof OUTCOMES)[number];

/** How pages of `Item` become bytes. */
export interface PageCodec<Item> {
  encode(items: readonly Item[]): Uint8Array;
  decode(bytes: Uint8Array): readonly Item[];
}

/**
 * What stays in memory besides the pages with a big file under way: as many pages as a receiver may have wants open
 * for, as long as they are short. In bytes as they are stored; parsed, a page of small files takes three times
 * that. A page that is put away between two files of one pack is parsed again for each of them: so there is room for
 * all that the window of wants may reach into (`incomingTransfer.ts`).
 */
const MOST_CACHED_PAGES = limits.openWants + 8;
const MOST_CACHED_BYTES = 4 * 1024 * 1024;
const LEAST_CACHED_PAGES = 16;

interface FileUnderWay {
  readonly digests: Uint8Array;
  readonly chunks: RangeSet;
}

export class LedgerPage<Item extends { readonly entry: Entry }> {
  // Immutable.
  readonly page: number;
  readonly items: readonly Item[];
  /** As it is stored. */
  readonly storedBytes: number;

  // Mutable.
  layout: PageLayout | undefined;
  decisions: readonly Decision[] = [];
  readonly outcomes: Uint8Array;
  readonly digests: Uint8Array;
  readonly underWay = new Map<number, FileUnderWay>();

  constructor(page: number, items: readonly Item[], storedBytes: number) {
    this.page = page;
    this.items = items;
    this.storedBytes = storedBytes;
    this.outcomes = new Uint8Array(items.length);
    this.digests = new Uint8Array(items.length * DIGEST_BYTES);
  }

  itemAt(position: number): Item {
    const item = this.items[position];
    if (item === undefined) throw new LocalProtocolError(`no entry ${position} in page ${this.page}`);
    return item;
  }

  outcomeOf(position: number): Outcome {
    return OUTCOMES[this.outcomes[position] ?? 0] ?? 'pending';
  }

  digestOf(position: number): Uint8Array {
    return this.digests.subarray(position * DIGEST_BYTES, (position + 1) * DIGEST_BYTES);
  }
}

export interface LedgerCounts {
  readonly published: number;
  readonly same: number;
  readonly skipped: number;
  readonly failed: number;
  /** Bytes of the published files. */
  readonly bytes: number;
}

export class Ledger<Item extends { readonly entry: Entry }> {
  // Immutable.
  readonly #store: PageStore;
  readonly #codec: PageCodec<Item>;
  readonly #hashing: Hashing;

  // Mutable.
  #pages = 0;
  /** Index of the first chunk of each answered page. */
  readonly #firstChunks: number[] = [];
  #chunks = 0;
  /** Least recently used first. */
  readonly #cache = new Map<number, LedgerPage<Item>>();
  #cachedBytes = 0;
  /** The last of them: nearly always the next, too. */
  #latest: LedgerPage<Item> | undefined;

  constructor(store: PageStore, codec: PageCodec<Item>, hashing: Hashing) {
    this.#store = store;
    this.#codec = codec;
    this.#hashing = hashing;
  }

  get pageCount(): number {
    return this.#pages;
  }

  /** How many pages have been answered. */
  get answeredCount(): number {
    return this.#firstChunks.length;
  }

  /** Chunks of all answered pages. */
  get chunkCount(): number {
    return this.#chunks;
  }

  append(items: readonly Item[]): LedgerPage<Item> {
    const stored = this.#codec.encode(items);
    const page = new LedgerPage(this.#pages, items, stored.length);
    this.#store.write('manifest', page.page, stored);
    this.#pages += 1;
    this.#remember(page);
    return page;
  }

  /** Records the answer to the next page and lays its chunks out. A folder that is taken is done. */
  decide(decisions: readonly Decision[]): PageLayout {
    const page = this.page(this.#firstChunks.length);
    page.decisions = decisions;
    page.items.forEach(({ entry }, position) => {
      if (entry.kind === 'folder' && decisions[position] === 'take') page.outcomes[position] = DONE;
    });
    const layout = this.#layOut(page, this.#chunks);
    page.layout = layout;
    this.#firstChunks.push(this.#chunks);
    this.#chunks = layout.endChunk;
    return layout;
  }

  page(number: number): LedgerPage<Item> {
    if (this.#latest?.page === number) return this.#latest;
    const cached = this.#cache.get(number);
    if (cached === undefined) {
      const loaded = this.#load(number);
      this.#remember(loaded);
      return loaded;
    }
    // The most recently used is the last.
    this.#cache.delete(number);
    this.#cache.set(number, cached);
    this.#latest = cached;
    return cached;
  }

  /** The chunk with this index, and its page. */
  locate(index: number): { readonly page: LedgerPage<Item>; readonly chunk: Chunk } {
    let low = 0;
    let high = this.#firstChunks.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#firstChunks[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const page = this.page(low);
    if (page.layout === undefined) {
      throw new LocalProtocolError(`chunk ${index} lies in a page without an answer`);
    }
    return { page, chunk: page.layout.chunkAt(index) };
  }

  // The following take a page's number and not the page: callers wait in between, and a page that was
  // put away meanwhile must not be written to.

  /** A chunk of a big file is right; tells whether it was the file's last. */
  recordRange(pageNumber: number, chunk: RangeChunk, digest: Uint8Array): boolean {
    const page = this.page(pageNumber);
    if (page.outcomeOf(chunk.entry) !== 'pending') return false;
    const { entry } = page.itemAt(chunk.entry);
    const count = entry.kind === 'file' ? chunkCountFor(entry.size) : 0;
    let file = page.underWay.get(chunk.entry);
    if (file === undefined) {
      file = { digests: new Uint8Array(count * DIGEST_BYTES), chunks: new RangeSet() };
      page.underWay.set(chunk.entry, file);
    }
    file.digests.set(digest, chunk.ordinal * DIGEST_BYTES);
    file.chunks.add(chunk.ordinal);
    if (file.chunks.size < count) return false;
    page.underWay.delete(chunk.entry);
    page.digests.set(fileDigest(this.#hashing, file.digests), chunk.entry * DIGEST_BYTES);
    return true;
  }

  /** A small file is done, unless it has failed; its content has this digest. */
  recordSmall(pageNumber: number, position: number, contentDigest: Uint8Array): void {
    const page = this.page(pageNumber);
    page.digests.set(fileDigest(this.#hashing, contentDigest), position * DIGEST_BYTES);
    if (page.outcomeOf(position) === 'pending') page.outcomes[position] = DONE;
  }

  /** How an entry ended. A failure stays: nothing after it makes the entry good. */
  settle(pageNumber: number, position: number, outcome: Exclude<Outcome, 'pending'>): void {
    const page = this.page(pageNumber);
    const before = page.outcomeOf(position);
    if (before !== 'pending' && before !== 'done') return;
    page.outcomes[position] = OUTCOMES.indexOf(outcome);
    if (outcome !== 'done') page.underWay.delete(position);
  }

  /** The item that the other side names, if there is one in an answered page. */
  find(pageNumber: number, position: number): Item | undefined {
    return pageNumber < this.#firstChunks.length ? this.page(pageNumber).items[position] : undefined;
  }

  /** Every entry that was taken and is done, in manifest order. */
  *taken(): Generator<EntryReference> {
    for (let number = 0; number < this.#pages; number += 1) {
      const page = this.page(number);
      for (let position = 0; position < page.items.length; position += 1) {
        if (page.outcomeOf(position) !== 'done') continue;
        yield { page: number, position, entry: page.itemAt(position).entry };
      }
    }
  }

  /** The root digest and the counts, over all pages; call it when everything is settled. */
  close(): { readonly root: Uint8Array; readonly counts: LedgerCounts } {
    const root = new RootDigest(this.#hashing);
    const counts = { published: 0, same: 0, skipped: 0, failed: 0, bytes: 0 };
    for (let number = 0; number < this.#pages; number += 1) {
      const page = this.page(number);
      page.items.forEach(({ entry }, position) => {
        switch (page.decisions[position]) {
          case 'same':
            counts.same += 1;
            break;
          case 'skip':
            counts.skipped += 1;
            break;
          case 'take':
            if (page.outcomeOf(position) === 'done') {
              counts.published += 1;
              if (entry.kind === 'file') counts.bytes += entry.size;
              root.add(entry, entry.kind === 'file' ? page.digestOf(position) : undefined);
            } else counts.failed += 1;
            break;
          case 'refuse':
          case undefined:
            counts.failed += 1;
        }
      });
    }
    return { root: root.finish(), counts };
  }

  #remember(page: LedgerPage<Item>): void {
    this.#cache.set(page.page, page);
    this.#latest = page;
    this.#cachedBytes += page.storedBytes;
    for (const [number, candidate] of this.#cache) {
      if (!this.#isCacheFull) return;
      if (candidate.underWay.size > 0 || candidate === page) continue;
      this.#store.write('results', number, encodeResults(candidate));
      this.#cache.delete(number);
      this.#cachedBytes -= candidate.storedBytes;
    }
  }

  get #isCacheFull(): boolean {
    const { size } = this.#cache;
    return size > MOST_CACHED_PAGES || (size > LEAST_CACHED_PAGES && this.#cachedBytes > MOST_CACHED_BYTES);
  }

  #load(number: number): LedgerPage<Item> {
    const bytes = this.#store.read('manifest', number);
    if (bytes === undefined) throw new LocalProtocolError(`no page ${number}`);
    const page = new LedgerPage(number, this.#codec.decode(bytes), bytes.length);
    const results = this.#store.read('results', number);
    if (results !== undefined) decodeResults(results, page);
    const firstChunk = this.#firstChunks[number];
    if (firstChunk !== undefined) page.layout = this.#layOut(page, firstChunk);
    return page;
  }

  #layOut(page: LedgerPage<Item>, firstChunk: number): PageLayout {
    const entries = page.items.map((item) => item.entry);
    return PageLayout.of(entries, page.decisions, firstChunk);
  }
}

/** decisions (1 byte each) | outcomes (1 byte each) | digests; decisions are 255 before the answer. */
function encodeResults(page: LedgerPage<{ readonly entry: Entry }>): Uint8Array {
  const decisions = new Uint8Array(page.items.length).fill(255);
  page.decisions.forEach((decision, position) => {
    decisions[position] = DECISIONS.indexOf(decision);
  });
  return concatBytes([decisions, page.outcomes, page.digests]);
}

function decodeResults(bytes: Uint8Array, page: LedgerPage<{ readonly entry: Entry }>): void {
  const count = page.items.length;
  const decisions = Array.from(bytes.subarray(0, count), (value) => DECISIONS[value]);
  page.decisions = decisions.filter((decision) => decision !== undefined);
  page.outcomes.set(bytes.subarray(count, count * 2));
  page.digests.set(bytes.subarray(count * 2));
}
