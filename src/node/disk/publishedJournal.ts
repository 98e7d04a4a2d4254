import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { namesOf, parseSafePath } from '../../protocol/wirePath.ts';
import { syncOne } from './durable.ts';
import type { Staging } from './staging.ts';

/**
 * Which names a transfer has taken in the receive folder, so that a session that goes on with it takes them
 * for its own and not for a stranger's: without that, "keep both" would publish everything twice.
 *
 * A line is `["path in the offer","name in the receive folder"]`, for a file that stands alone or for the root
 * of a tree. It is durable *before* the name is taken. So a line says only that the name may be ours: after a
 * crash it may be free still, or somebody else's. Whoever reads it looks at what stands there, and has the
 * sender compare the digest. A line that was cut off by a crash announced a name that was never taken.
 */
export class PublishedJournal {
  readonly #staging: Staging;
  #handle: Promise<FileHandle> | undefined;

  constructor(staging: Staging) {
    this.#staging = staging;
  }

  /** What earlier sessions announced: path in the offer to name. All of it in memory, a path for each file. */
  read(): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    if (!existsSync(this.#location)) return names;
    for (const line of readFileSync(this.#location, 'utf8').split('\n')) {
      const announced = parseLine(line);
      if (announced !== undefined) names.set(...announced);
    }
    return names;
  }

  /** Announces that these names will be taken. Resolves when that is durable. */
  async announce(names: readonly (readonly [path: string, name: string])[]): Promise<void> {
    this.#handle ??= this.#open();
    const handle = await this.#handle;
    // The line break comes first too: what a crash cut off must not run into it.
    await handle.appendFile(`\n${names.map((each) => JSON.stringify(each)).join('\n')}\n`);
    await handle.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle)?.close();
  }

  get #location(): string {
    return join(this.#staging.staging, 'published');
  }

  async #open(): Promise<FileHandle> {
    const handle = await open(this.#location, 'a', 0o600);
    const { staging, root } = this.#staging;
    for (const folder of [staging, root, dirname(root)]) await syncOne(folder);
    return handle;
  }
}

const lineSchema = v.tuple([v.string(), v.string()]);

function parseLine(text: string): readonly [path: string, name: string] | undefined {
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
