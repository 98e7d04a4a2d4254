import { createHash } from 'node:crypto';
import { tearsOf, unsyncedBefore } from '../../support/simCrash.ts';
import type { CrashChoice } from '../../support/simCrash.ts';
import type { SimDisk } from '../../support/simDisk.ts';

/** So many of the operations that were not synced last are lost and kept in every combination. */
const COMBINED = 8;

/** A disk as a crash has left it. */
export interface Crash {
  /** After how many operations. */
  readonly prefix: number;
  /** What lasted, for whoever looks for what went wrong. */
  readonly what: string;
  readonly image: SimDisk;
}

export class CrashCounts {
  operations = 0;
  crashes = 0;
  images = 0;

  toString(): string {
    return `${this.operations} operations, ${this.crashes} crashes, ${this.images} distinct images`;
  }

  add(other: CrashCounts): void {
    this.operations += other.operations;
    this.crashes += other.crashes;
    this.images += other.images;
  }
}

/**
 * What is found after every crash of what a disk has done. After each operation the processes are killed; and the
 * power goes, with of what was not synced
 *
 * - all lost, and all kept;
 * - each one lost alone, and kept alone;
 * - every combination of the last eight, with those before them all kept and all lost;
 * - each write torn at 512 B and at 4 KiB, its head, its tail or its length alone kept, with the rest kept and lost.
 *
 * A disk may write in any order: what it has written when the power goes is then any subset, and these are subsets.
 * Crashes that leave the same come once for each phase; `phaseOf` tells what has been promised by then.
 */
export function* everyCrash(
  disk: SimDisk,
  counts: CrashCounts,
  { phaseOf = () => '', isSparse = false, from = 0, seen = new Set() }: EveryCrashOptions = {},
): Generator<Crash> {
  const { operations } = disk;
  const subsets = new Set<string>();
  counts.operations += operations.length - from;
  for (let prefix = from; prefix <= operations.length; prefix += 1) {
    const phase = phaseOf(prefix);
    const killed = disk.killedAfter(prefix);
    counts.crashes += 1;
    // The same is there, and the same of it is durable.
    const durable = disk.imageAfter(prefix, { keeps: () => false });
    if (isNew(seen, `${phase}|${killed.digest()} ${durable.digest()}`)) {
      counts.images += 1;
      yield { prefix, what: 'killed', image: killed };
    }
    for (const { lost, torn } of choices(disk, unsyncedBefore(operations, prefix), isSparse)) {
      counts.crashes += 1;
      const tear = torn === undefined ? '' : JSON.stringify(torn);
      if (!isNew(subsets, `${phase}|${keptKey(prefix, lost)}|${tear}`)) continue;
      const keeps = (index: number): boolean => !lost.has(index);
      const image = disk.imageAfter(prefix, torn === undefined ? { keeps } : { keeps, torn });
      if (!isNew(seen, `${phase}|${image.digest()}`)) continue;
      counts.images += 1;
      yield { prefix, what: `lost ${[...lost].join(' ')}; torn ${tear}`, image };
    }
  }
}

export interface EveryCrashOptions {
  /** A name for what has been promised after so many operations. */
  readonly phaseOf?: (prefix: number) => string;
  /** Only killed, and all lost. */
  readonly isSparse?: boolean;
  /** The first prefix: what was done before has crashed before. */
  readonly from?: number;
  /** What has been found already, also after crashes of other disks. */
  readonly seen?: Set<string>;
}

interface Choice {
  readonly lost: ReadonlySet<number>;
  readonly torn?: NonNullable<CrashChoice['torn']>;
}

function* choices(disk: SimDisk, unsynced: readonly number[], isSparse: boolean): Generator<Choice> {
  yield { lost: new Set(unsynced) };
  if (isSparse) return;
  yield { lost: new Set() };
  for (const one of unsynced) {
    yield { lost: new Set([one]) };
    yield { lost: new Set(unsynced.filter((other) => other !== one)) };
  }
  const last = unsynced.slice(-COMBINED);
  const earlier = unsynced.slice(0, -COMBINED);
  for (const lostBefore of [[], earlier]) {
    for (let combination = 0; combination < 2 ** last.length; combination += 1) {
      const lostOfLast = last.filter((_, at) => Math.floor(combination / 2 ** at) % 2 === 1);
      yield { lost: new Set([...lostBefore, ...lostOfLast]) };
    }
  }
  for (const operation of unsynced) {
    for (const unitBytes of [512, 4096]) {
      for (const tear of tearsOf(disk.operations[operation], unitBytes)) {
        const torn = { operation, tear };
        yield { lost: new Set(), torn };
        yield { lost: new Set(unsynced.filter((other) => other !== operation)), torn };
      }
    }
  }
}

/** The same for the same subset of operations, after whichever prefix: what is not reached is lost. */
function keptKey(prefix: number, lost: ReadonlySet<number>): string {
  let end = prefix;
  while (end > 0 && lost.has(end - 1)) end -= 1;
  const inside = [...lost].filter((index) => index < end).toSorted((one, other) => one - other);
  return createHash('sha256')
    .update(`${end} ${inside.join(' ')}`)
    .digest('base64');
}

function isNew(seen: Set<string>, key: string): boolean {
  const { size } = seen;
  return seen.add(key).size > size;
}
