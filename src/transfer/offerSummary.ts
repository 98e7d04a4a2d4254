import { addTotals, emptyTotals } from '../protocol/manifest.ts';
import type { Entry, ManifestTotals } from '../protocol/manifest.ts';
import { NotableNotes } from './notableNames.ts';
import type { NotableNames } from './notableNames.ts';

/** What a person decides on. */
export interface OfferSummary {
  readonly transfer: string;
  readonly label: string;
  readonly totals: ManifestTotals;
  /** What the sender could not offer. */
  readonly leftOut: number;
  /** Names of the top-level entries; the first of them. */
  readonly roots: readonly string[];
  /** How many there are. */
  readonly rootCount: number;
  /** The largest files, largest first. */
  readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Names that some program would obey. */
  readonly notable: NotableNames;
}

const TOLD_ROOTS = 100;
const TOLD_FILES = 3;

/** Notes of a manifest, while its pages come by, what a summary tells of it; its size does not matter. */
export class OfferNotes {
  readonly #roots: string[] = [];
  readonly #notable = new NotableNotes();
  #totals: ManifestTotals = emptyTotals;
  #rootCount = 0;
  #largest: OfferSummary['largest'] = [];

  add(entries: readonly Entry[]): void {
    this.#totals = addTotals(this.#totals, entries);
    for (const entry of entries) {
      if (!entry.path.includes('/')) this.#addRoot(entry.path);
      if (entry.kind === 'file') this.#addFile(entry.path, entry.size);
      this.#notable.add(entry);
    }
  }

  summarize(offer: Pick<OfferSummary, 'transfer' | 'label' | 'leftOut'>): OfferSummary {
    return {
      ...offer,
      totals: this.#totals,
      roots: this.#roots,
      rootCount: this.#rootCount,
      largest: this.#largest,
      notable: this.#notable.names,
    };
  }

  #addRoot(name: string): void {
    this.#rootCount += 1;
    if (this.#roots.length < TOLD_ROOTS) this.#roots.push(name);
  }

  #addFile(path: string, sizeBytes: number): void {
    const smallest = this.#largest.at(-1);
    if (this.#largest.length >= TOLD_FILES && sizeBytes <= (smallest?.sizeBytes ?? 0)) return;
    // The sort is stable: of files of one size, the first ones are told.
    this.#largest = [...this.#largest, { path, sizeBytes }]
      .toSorted((left, right) => right.sizeBytes - left.sizeBytes)
      .slice(0, TOLD_FILES);
  }
}
