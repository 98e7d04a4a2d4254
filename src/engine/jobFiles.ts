import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Logger } from '../base/logger.ts';
import { replaceFile } from '../node/state/stateFile.ts';

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/u));
const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const text = v.pipe(v.string(), v.maxLength(65_536));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const jobSchema = v.strictObject({
  id,
  /** Absolute paths. */
  paths: v.array(text),
  /** The peer's fingerprint. */
  peer: fingerprint,
  label: text,
  useGitignore: v.boolean(),
  leaveOutSecrets: v.boolean(),
  /** A folder of copies that goes with the transfer. */
  outbox: v.optional(text),
  window: v.optional(text),
  startedAtMs: v.number(),
  isPaused: v.boolean(),
  /** The peer has agreed to it: it goes on by itself. */
  wasAccepted: v.boolean(),
});

const acceptedSchema = v.strictObject({
  id,
  peer: fingerprint,
  peerName: text,
  label: text,
  /** Absolute. */
  folder: text,
  onConflict: v.picklist(['skip', 'keep-both', 'replace']),
  /** What was agreed to: an offer that goes beyond it is asked about anew. */
  agreed: v.strictObject({
    roots: v.pipe(v.array(text), v.maxLength(1000)),
    rootCount: count,
    files: count,
    bytes: count,
  }),
  startedAtMs: v.number(),
});

/** An outgoing transfer, as it outlives the engine. */
export type JobRecord = Readonly<v.InferOutput<typeof jobSchema>>;
/** What the user has agreed to receive: nobody is asked twice. */
export type AcceptedRecord = Readonly<v.InferOutput<typeof acceptedSchema>>;

/** Small records, one file each, named by a transfer's id. */
export class RecordFiles<Item extends { readonly id: string }> {
  readonly #folder: string;
  readonly #parse: (stored: unknown) => Item;
  readonly #logger: Logger;

  private constructor(folder: string, parse: (stored: unknown) => Item, logger: Logger) {
    this.#folder = folder;
    this.#parse = parse;
    this.#logger = logger;
  }

  static jobs(folder: string, logger: Logger): RecordFiles<JobRecord> {
    return new RecordFiles(folder, (stored) => v.parse(jobSchema, stored), logger);
  }

  static accepted(folder: string, logger: Logger): RecordFiles<AcceptedRecord> {
    return new RecordFiles(folder, (stored) => v.parse(acceptedSchema, stored), logger);
  }

  /** All that can be read; what is damaged is left out and told to the log. */
  list(): readonly Item[] {
    return names(this.#folder).flatMap((name) => {
      try {
        const item = this.#parse(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')));
        return name === `${item.id}.json` ? [item] : [];
      } catch {
        this.#logger.warn(`${name} is damaged and was passed over`);
        return [];
      }
    });
  }

  write(item: Item): void {
    replaceFile(this.#fileOf(item.id), JSON.stringify(item));
  }

  remove(item: string): void {
    rmSync(this.#fileOf(item), { force: true });
  }

  #fileOf(item: string): string {
    return join(this.#folder, `${v.parse(id, item)}.json`);
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}
