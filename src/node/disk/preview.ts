import type { Clock } from '../../base/clock.ts';
import { CourierError } from '../../base/failure.ts';
import type { LeftOutReason, SourceItem } from '../../transfer/ports.ts';
import { systemClock } from '../clock.ts';
import { FileSource } from './fileSource.ts';
import type { OmissionOptions } from './omissions.ts';
import type { Root } from './walk.ts';

/** What would be sent, summed up for the person who is about to send it. Paths may hold anything. */
export interface Preview {
  readonly files: number;
  /** The roots among them. */
  readonly folders: number;
  /** Of all files. */
  readonly bytes: number;
  /** The largest few, the largest first. */
  readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Symbolic links and special files, which are never sent. */
  readonly specials: number;
  /** What git ignores; a folder counts once, with all that is in it. */
  readonly ignored: number;
  readonly secrets: NamedCount;
  /** What cannot be read, and what was gone when its turn came. */
  readonly unreadable: NamedCount;
  /** Names that not every system can store, or that some system takes for a sibling's. */
  readonly refusedNames: NamedCount;
}

export interface NamedCount {
  readonly count: number;
  /** The first few of them, below what is sent. */
  readonly first: readonly string[];
}

export interface PreviewInit {
  /** Paces the samples. */
  readonly clock?: Clock;
  /** Hears how far it has come, at most four times a second. */
  readonly onSample?: (preview: Preview) => void;
  readonly signal: AbortSignal;
}

const MOST_LARGEST = 3;
const MOST_NAMED = 20;
const SAMPLE_EVERY_MS = 250;

/**
 * Walks what would be sent, and sums it up. It reads no file but rules, and holds a few paths however many
 * there are.
 * Rejects as cancelled as soon as the signal says so.
 */
export async function preview(
  roots: readonly Root[],
  options: OmissionOptions,
  { clock = systemClock, onSample, signal }: PreviewInit,
): Promise<Preview> {
  const tally = new Tally();
  let sampledAt = clock.now();
  requireWanted(signal);
  const source = new FileSource(roots, undefined, options);
  try {
    for await (const item of source.list()) {
      requireWanted(signal);
      tally.add(item);
      const now = clock.now();
      if (now - sampledAt < SAMPLE_EVERY_MS) continue;
      sampledAt = now;
      onSample?.(tally.snapshot());
    }
  } finally {
    await source.close();
  }
  requireWanted(signal);
  return tally.snapshot();
}

function requireWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new CourierError('cancelled', 'cancelled while looking');
}

class Tally {
  // Immutable.
  readonly #leftOut: Readonly<Record<LeftOutReason, NamedTally>> = {
    ignored: new NamedTally(),
    link: new NamedTally(),
    'name-refused': new NamedTally(),
    secret: new NamedTally(),
    'source-unreadable': new NamedTally(),
    special: new NamedTally(),
    'source-vanished': new NamedTally(),
  };

  // Mutable.
  #files = 0;
  #folders = 0;
  #bytes = 0;
  #largest: Preview['largest'] = [];

  add(item: SourceItem): void {
    if (item.type === 'left-out') this.#leftOut[item.reason].add(item.path);
    else if (item.entry.kind === 'folder') this.#folders += 1;
    else this.#addFile(item.entry.path, item.entry.size);
  }

  snapshot(): Preview {
    const {
      ignored,
      link,
      special,
      secret,
      'name-refused': refused,
      'source-unreadable': unreadable,
      'source-vanished': vanished,
    } = this.#leftOut;
    return {
      files: this.#files,
      folders: this.#folders,
      bytes: this.#bytes,
      largest: this.#largest,
      specials: link.count + special.count,
      ignored: ignored.count,
      secrets: named(secret),
      unreadable: named(unreadable, vanished),
      refusedNames: named(refused),
    };
  }

  #addFile(path: string, sizeBytes: number): void {
    this.#files += 1;
    this.#bytes += sizeBytes;
    const smallest = this.#largest[MOST_LARGEST - 1];
    if (smallest !== undefined && sizeBytes <= smallest.sizeBytes) return;
    this.#largest = [...this.#largest, { path, sizeBytes }]
      .toSorted((left, right) => right.sizeBytes - left.sizeBytes)
      .slice(0, MOST_LARGEST);
  }
}

class NamedTally implements NamedCount {
  readonly first: string[] = [];
  count = 0;

  add(path: string): void {
    this.count += 1;
    if (this.first.length < MOST_NAMED) this.first.push(path);
  }
}

/** A snapshot of tallies taken together. */
function named(...tallies: readonly NamedTally[]): NamedCount {
  return {
    count: tallies.reduce((sum, { count }) => sum + count, 0),
    first: tallies.flatMap(({ first }) => first).slice(0, MOST_NAMED),
  };
}
