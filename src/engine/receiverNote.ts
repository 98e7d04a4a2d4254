import { rmSync } from 'node:fs';
import { readStateFile, replaceFile } from '../node/state/stateFile.ts';

/** How long after the end of an engine the next one takes itself for its continuation. */
const FRESH_MS = 2 * 60 * 1000;

/**
 * A note from one engine to the next: the receiver was on when the last window left. A reload on a slow
 * machine takes longer than the engine waits, and must not turn the receiver off. A note that has lain
 * longer says nothing: what the user left yesterday does not listen today.
 */
export class ReceiverNote {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  leave(now: number): void {
    replaceFile(this.#file, String(now));
  }

  /** Whether there is a fresh one; it is read once. */
  take(now: number): boolean {
    try {
      const ageMs = now - Number(readStateFile(this.#file));
      rmSync(this.#file, { force: true });
      return ageMs >= 0 && ageMs < FRESH_MS;
    } catch {
      return false;
    }
  }
}
