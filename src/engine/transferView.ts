import type { EntryFailure } from '../base/failure.ts';
import { CourierError, sessionFailureOf } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import type { Failure, Progress } from '../rpc/model.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import type { SessionEnd } from '../transfer/sessionPump.ts';

/** What incoming and outgoing transfers have in common when they are shown. */

export const NO_PROGRESS: Progress = {
  bytesDone: 0,
  bytesTotal: 0,
  entriesDone: 0,
  entriesTotal: 0,
  bytesPerSecond: 0,
  remainingMs: undefined,
};

export function progressOf(snapshot: ProgressSnapshot): Progress {
  const { state: _, ...progress } = snapshot;
  return progress;
}

/** Progress while nothing moves: never back to zero. */
export function standingStill(progress: Progress): Progress {
  return { ...progress, bytesPerSecond: 0, remainingMs: undefined };
}

/** Progress that an earlier process has left, as far as it is written down. */
export function restedAt(left: Omit<Progress, 'bytesPerSecond' | 'remainingMs'>): Progress {
  return { ...left, bytesPerSecond: 0, remainingMs: undefined };
}

/** A new session begins at nothing and runs up to where the last one was; the user sees it go on from there. */
export function furthest(before: Progress, now: Progress): Progress {
  if (now.bytesDone >= before.bytesDone) return now;
  const { bytesDone, bytesTotal, entriesDone, entriesTotal } = before;
  return { ...now, bytesDone, bytesTotal, entriesDone, entriesTotal, remainingMs: undefined };
}

/** How a session ended, as a failure; `undefined` when it ended as it should. */
export function failureOfEnd({ origin, close }: SessionEnd): Failure | undefined {
  if (close.code === 'done') return undefined;
  return { code: close.code, detail: printable(close.message ?? ''), origin };
}

/** An error of ours. The message of one that nobody foresaw goes to the log, not to the user. */
export function failureOfError(error: unknown): Failure {
  if (CourierError.is(error)) return { code: error.code, detail: printable(error.message), origin: 'local' };
  return { code: sessionFailureOf(error).code, detail: '', origin: 'local' };
}

/** How many failed entries are named one by one. */
const MOST_NAMED = 20;

/** The entries that did not arrive: how many, and the first of them by name. */
export class FailedEntries {
  count = 0;
  readonly first: { readonly path: string; readonly reason: EntryFailure }[] = [];

  add(path: string, reason: EntryFailure): void {
    this.count += 1;
    if (this.first.length < MOST_NAMED) this.first.push({ path: printable(path), reason });
  }
}
