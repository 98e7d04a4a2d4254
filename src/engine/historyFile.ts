import { renameSync } from 'node:fs';
import * as v from 'valibot';
import type { Logger } from '../base/logger.ts';
import { isErrno } from '../node/disk/errno.ts';
import { readStateFile, replaceFile } from '../node/state/stateFile.ts';
import type { ReceivedSummary } from '../rpc/model.ts';

const text = v.pipe(v.string(), v.maxLength(4096));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970, as far as a date reaches. */
const moment = v.pipe(count, v.maxValue(8.64e15));

const schema = v.strictObject({
  version: v.literal(1),
  received: v.array(
    v.strictObject({
      id: text,
      label: text,
      peer: v.strictObject({ name: text, fingerprint: text }),
      folder: text,
      names: v.pipe(v.array(text), v.maxLength(64)),
      files: count,
      folders: count,
      bytes: count,
      digest: text,
      receivedAtMs: moment,
    }),
  ),
});

/** Older ones are forgotten; the files they tell of stay. */
const MOST_KEPT = 500;

/** What was received, latest first, kept in one file. */
export class HistoryFile {
  // Immutable.
  readonly #file: string;

  // Mutable.
  #received: readonly ReceivedSummary[];

  private constructor(file: string, received: readonly ReceivedSummary[]) {
    this.#file = file;
    this.#received = received;
  }

  /** Reads what is kept. A damaged file is put aside: a history is not worth refusing to start. */
  static open(file: string, logger: Logger): HistoryFile {
    try {
      return new HistoryFile(file, readHistory(file) ?? []);
    } catch {
      logger.warn('the history of received items is damaged; it was put aside and a new one begun');
      try {
        renameSync(file, `${file}.damaged`);
      } catch {
        // Then the next one that is written takes its place.
      }
      return new HistoryFile(file, []);
    }
  }

  list(): readonly ReceivedSummary[] {
    return this.#received;
  }

  add(item: ReceivedSummary): void {
    // Several terminals may receive with one state folder.
    this.#write([item, ...this.#latest().filter(({ id }) => id !== item.id)].slice(0, MOST_KEPT));
  }

  /** Whether it was there. */
  remove(id: string): boolean {
    const rest = this.#received.filter((item) => item.id !== id);
    if (rest.length === this.#received.length) return false;
    this.#write(rest);
    return true;
  }

  #latest(): readonly ReceivedSummary[] {
    try {
      return readHistory(this.#file) ?? [];
    } catch {
      // Damaged since: what is in memory takes its place.
      return this.#received;
    }
  }

  #write(received: readonly ReceivedSummary[]): void {
    this.#received = received;
    replaceFile(this.#file, `${JSON.stringify({ version: 1, received }, undefined, 2)}\n`);
  }
}

/** `undefined` if there is none; throws if it is damaged. */
function readHistory(file: string): readonly ReceivedSummary[] | undefined {
  try {
    return v.parse(schema, JSON.parse(readStateFile(file))).received;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
