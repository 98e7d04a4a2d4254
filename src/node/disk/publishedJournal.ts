import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { namesOf, parseSafePath } from '../../protocol/wirePath.ts';
import { journalLines } from './journalLines.ts';
import { syncFailure, syncFolder, whereSupported } from './durable.ts';
import type { FileSystem, OpenFile } from './fileSystem.ts';
import type { Staging } from './staging.ts';
import { writeNow } from './wholeFile.ts';

/** Its name in the staging of the transfer. */
export const JOURNAL = 'published';

/** What it needs of the place of a transfer. */
type JournalPlace = Pick<Staging, 'root' | 'staging'> & { readonly disk: FileSystem };

/**
 * Which names a transfer has taken in the receive folder, so that a session that goes on with it takes them
 * for its own and not for a stranger's: without that, "keep both" would publish everything twice.
 *
 * A line is `["path in the offer","name in the receive folder"]`, for a file that is published by itself, for
 * the root of a tree, and for a folder that is made in one that was there. It is durable *before* the name is taken. So a line says only that the name may be ours: after a
 * crash it may be free still, or somebody else's. Whoever reads it looks at what stands there, and has the
 * sender compare the digest. A line that was cut off by a crash announced a name that was never taken.
 */
export class PublishedJournal {
  readonly #staging: JournalPlace;
  #file: Promise<OpenFile> | undefined;

  constructor(staging: JournalPlace) {
    this.#staging = staging;
  }

  /** What earlier sessions announced: path in the offer to name. All of it in memory, a path for each. */
  read(): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    const { disk } = this.#staging;
    const there = disk.lstat(this.#location);
    if (there === undefined) return names;
    if (!there.isFile()) {
      // Whoever put that there: it announces nothing, and must not be in the way of what does.
      disk.removeTree(this.#location);
      return names;
    }
    const file = disk.open(this.#location, 'read');
    try {
      for (const line of journalLines(file)) {
        const announced = parseLine(line);
        if (announced !== undefined) names.set(...announced);
      }
    } finally {
      file.closeNow();
    }
    return names;
  }

  /**
   * Announces that these names will be taken. Resolves when that is durable; if it cannot be made so, rejects with
   * `disk-full` or `destination-unwritable`.
   */
  async announce(names: readonly (readonly [path: string, name: string])[]): Promise<void> {
    this.#file ??= this.#open();
    const file = await this.#file;
    // In one go, because several may announce at once. The line break comes first too: what a crash cut off
    // must not run into it.
    writeNow(file, Buffer.from(`\n${names.map((each) => JSON.stringify(each)).join('\n')}\n`), 0);
    try {
      await whereSupported(file.datasync());
    } catch (error) {
      throw syncFailure(error);
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await (await file)?.close();
  }

  get #location(): string {
    return join(this.#staging.staging, JOURNAL);
  }

  async #open(): Promise<OpenFile> {
    const { disk, staging, root } = this.#staging;
    const file = disk.open(this.#location, 'append', 0o600);
    try {
      for (const folder of [staging, root, dirname(root)]) await syncFolder(disk, folder);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

const lineSchema = v.tuple([v.string(), v.string()]);

function parseLine(text: string): readonly [path: string, name: string] | undefined {
  // An error for each of a million empty lines would take seconds.
  if (!text.startsWith('["')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const line = v.safeParse(lineSchema, parsed);
  if (!line.success) return undefined;
  const [path, name] = line.output;
  const safe = parseSafePath(name);
  return 'path' in safe && namesOf(safe.path).length === 1 ? [path, name] : undefined;
}
