import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { ENTRY_FAILURES, SESSION_FAILURES } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { isErrno } from '../node/disk/errno.ts';
import { readStateFile, removeFile, replaceFile } from '../node/state/stateFile.ts';

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/u));
const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const text = v.pipe(v.string(), v.maxLength(65_536));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970, as far as a date reaches: beyond that it could not even be shown. */
const moment = v.pipe(count, v.maxValue(8.64e15));
/** What a file system calls it; JSON can spell Infinity (1e999), which could not be written again. */
const deviceNumber = v.pipe(v.number(), v.finite());

const jobSchema = v.strictObject({
  id,
  /** Absolute paths. */
  paths: v.array(text),
  /** The peer's fingerprint; empty as long as nobody has redeemed what is shared. */
  peer: v.union([v.literal(''), fingerprint]),
  /** It is shared: whoever redeems this invite gets it, by dialling this device … */
  share: v.optional(
    v.strictObject({
      invite: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/u)),
      /** … where a terminal listens for this transfer alone. */
      host: v.optional(v.pipe(v.string(), v.maxLength(253))),
      port: v.optional(v.pipe(count, v.maxValue(65_535))),
    }),
  ),
  label: text,
  useGitignore: v.boolean(),
  leaveOutSecrets: v.boolean(),
  /** A folder of copies that goes with the transfer. */
  outbox: v.optional(text),
  window: v.optional(text),
  startedAtMs: moment,
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
  /** Tells that folder from another one that stands in its place. */
  folderIdentity: v.optional(v.strictObject({ dev: deviceNumber, ino: deviceNumber })),
  onConflict: v.picklist(['skip', 'keep-both', 'replace']),
  /** What was agreed to: an offer that goes beyond it is asked about anew. */
  agreed: v.strictObject({
    roots: v.pipe(v.array(text), v.maxLength(1000)),
    rootCount: count,
    files: count,
    bytes: count,
    /** How many names that programs obey; older records do not say. */
    notable: v.optional(count),
  }),
  startedAtMs: moment,
  /** This device dials: the peer shares it. */
  isFetched: v.optional(v.boolean()),
});

const lastSeenSchema = v.strictObject({
  progress: v.strictObject({ bytesDone: count, bytesTotal: count, entriesDone: count, entriesTotal: count }),
  /** Why it does not go on. */
  failure: v.optional(
    v.strictObject({
      code: v.picklist([...SESSION_FAILURES, ...ENTRY_FAILURES, 'gone']),
      detail: text,
      origin: v.picklist(['local', 'remote']),
    }),
  ),
});

/** An outgoing transfer, as it outlives its process. */
export type JobRecord = Readonly<v.InferOutput<typeof jobSchema>>;
/** What the user has agreed to receive: nobody is asked twice. */
export type AcceptedRecord = Readonly<v.InferOutput<typeof acceptedSchema>>;
/**
 * How a transfer stood when its process last looked: made for showing, and for nothing that has to be right.
 * It lies beside the record in a file of its own, which is not synced: the record must never be at risk for it.
 */
export type LastSeen = Readonly<v.InferOutput<typeof lastSeenSchema>>;

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
    return names(this.#folder).flatMap((name) => this.#read(name) ?? []);
  }

  /** One of them, as it stands on the disk now: another process may have removed it. */
  find(item: string): Item | undefined {
    return this.#read(this.#nameOf(item));
  }

  /** A record under another's name, too, is a damaged one: a yes to one transfer is none to another. */
  #read(name: string): Item | undefined {
    try {
      const item = this.#parse(JSON.parse(readStateFile(join(this.#folder, name))));
      if (name === this.#nameOf(item.id)) return item;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
    }
    this.#logger.warn(`a damaged record was passed over: ${name}`);
    return undefined;
  }

  write(item: Item): void {
    replaceFile(this.#fileOf(item.id), JSON.stringify(item));
  }

  remove(item: string): void {
    removeFile(this.#fileOf(item));
    rmSync(this.#lastSeenOf(item), { force: true });
  }

  /** `undefined` if nobody has written it down, or it cannot be read. */
  lastSeen(item: string): LastSeen | undefined {
    try {
      return v.parse(lastSeenSchema, JSON.parse(readStateFile(this.#lastSeenOf(item))));
    } catch {
      return undefined;
    }
  }

  /** Cheap: nothing waits for the disk. What cannot be written is not missed. */
  noteLastSeen(item: string, seen: LastSeen): void {
    const file = this.#lastSeenOf(item);
    try {
      writeFileSync(`${file}.tmp`, JSON.stringify(seen), { mode: 0o600 });
      renameSync(`${file}.tmp`, file);
    } catch (error) {
      this.#logger.debug(`how a transfer stands could not be written down: ${item}, ${String(error)}`);
    }
  }

  #nameOf(item: string): string {
    return `${v.parse(id, item)}.json`;
  }

  #fileOf(item: string): string {
    return join(this.#folder, this.#nameOf(item));
  }

  #lastSeenOf(item: string): string {
    return join(this.#folder, `${v.parse(id, item)}.last-seen`);
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}
