/**
 * A folder like a workspace with its dependencies, from a seed: many small texts, some large ones, pictures and
 * packs that do not compress, in folders of folders. 8,000 files have 578 MB.
 */
import { appendFileSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createRandom } from '../test/support/random.ts';
import { noise } from '../test/support/noise.ts';
import { SourceText } from './sourceText.ts';

interface Kind {
  readonly extension: string;
  /** Out of all kinds' weights. */
  readonly weight: number;
  readonly medianBytes: number;
  readonly isText: boolean;
}

const KINDS: readonly Kind[] = [
  { extension: 'ts', weight: 35, medianBytes: 4000, isText: true },
  { extension: 'js', weight: 29, medianBytes: 12_000, isText: true },
  { extension: 'json', weight: 10, medianBytes: 3000, isText: true },
  { extension: 'md', weight: 8, medianBytes: 5000, isText: true },
  { extension: 'js.map', weight: 7, medianBytes: 120_000, isText: true },
  { extension: 'css', weight: 3, medianBytes: 10_000, isText: true },
  { extension: 'png', weight: 5, medianBytes: 60_000, isText: false },
  { extension: 'bundle.js', weight: 2, medianBytes: 400_000, isText: true },
  { extension: 'pack', weight: 1, medianBytes: 700_000, isText: false },
];
const TOTAL_WEIGHT = KINDS.reduce((sum, { weight }) => sum + weight, 0);
/** Of the logarithm of sizes: most lie between a quarter and four times the median. */
const SIZE_DEVIATION = 1.3;
const LARGEST_BYTES = 16_000_000;
/** How often the next file begins a folder of its own. */
const NEW_FOLDER = 0.12;
const DEEPEST_FOLDER = 8;
const SEED = 20_260_101;
/** Times are whole seconds, which every tool can carry. */
const OLDEST_SECONDS = Date.UTC(2026, 0, 1) / 1000;
const CHANGED_SECONDS = Date.UTC(2026, 5, 1) / 1000;
/** Each so many files one is changed. */
const CHANGED_EVERY = 100;
const FILES_BETWEEN_TURNS = 100;

/** Makes so many files below `root`, which it makes, too. */
export async function makeWorkspace(root: string, files: number): Promise<void> {
  const random = createRandom(SEED);
  const text = new SourceText(random);
  const folders = [{ path: root, depth: 0 }];
  mkdirSync(root, { recursive: true });
  let folder = root;
  for (let number = 0; number < files; number += 1) {
    if (number % FILES_BETWEEN_TURNS === 0) await turn();
    if (random() < NEW_FOLDER) {
      const above = folders[Math.floor(random() * folders.length)];
      if (above !== undefined && above.depth < DEEPEST_FOLDER) {
        folder = join(above.path, `part${folders.length}`);
        mkdirSync(folder);
        folders.push({ path: folder, depth: above.depth + 1 });
      }
    }
    const kind = drawKind(random);
    const size = Math.min(
      LARGEST_BYTES,
      Math.round(kind.medianBytes * Math.exp(SIZE_DEVIATION * drawNormal(random))),
    );
    const path = join(folder, `file${number}.${kind.extension}`);
    writeFileSync(path, kind.isText ? text.read(size) : noise(size, number % 256));
    utimesSync(path, OLDEST_SECONDS + number, OLDEST_SECONDS + number);
  }
}

/** Edits one of a hundred of these files, as a day's work does: some lines more, and a later time. */
export function changeSome(paths: readonly string[]): void {
  const text = new SourceText(createRandom(SEED + 1));
  for (const path of paths.filter((_, number) => number % CHANGED_EVERY === CHANGED_EVERY / 2)) {
    appendFileSync(path, text.read(Math.ceil(statSync(path).size / 100) + 100));
    utimesSync(path, CHANGED_SECONDS, CHANGED_SECONDS);
  }
}

function drawKind(random: () => number): Kind {
  let left = random() * TOTAL_WEIGHT;
  for (const kind of KINDS) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  throw new Error('the weights do not add up');
}

/** Of a normal distribution, by Box and Muller. */
function drawNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
