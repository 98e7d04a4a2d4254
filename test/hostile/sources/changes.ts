import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { SourceFailure } from '../../../src/base/failure.ts';

/** One way to change a file that is being sent. */
export interface Change {
  readonly apply: (location: string) => void;
  /** What the file fails with when its name is looked up after that; who has it open sees that it changed. */
  readonly closed: SourceFailure;
  /** What stands there in the end, `<folder>` for one; `undefined` for nothing that could be sent. */
  readonly content: string | undefined;
  /** What it fails with for good. */
  readonly failsFor?: SourceFailure;
}

const isRoot = process.getuid?.() === 0;

/** The ways of case 80, for a file of this content. */
export function waysToChange(old: string): Readonly<Record<string, Change>> {
  const other = 'N'.repeat(old.length);
  return {
    'case 80: appended': {
      apply: (location) => appendFileSync(location, 'more'),
      closed: 'source-changed',
      content: `${old}more`,
    },
    'case 80: truncated': {
      apply: (location) => truncateSync(location, old.length / 2),
      closed: 'source-changed',
      content: old.slice(0, old.length / 2),
    },
    'case 80: rewritten to the same size': {
      apply: (location) => untilItShows(location, () => writeFileSync(location, other)),
      closed: 'source-changed',
      content: other,
    },
    'case 80: rewritten, its time set back': {
      apply(location) {
        const { atime, mtime } = statSync(location);
        untilItShows(location, () => {
          writeFileSync(location, other);
          utimesSync(location, atime, mtime);
        });
      },
      closed: 'source-changed',
      content: other,
    },
    // As editors save.
    'case 80, 83: replaced by rename': {
      apply(location) {
        writeFileSync(`${location}.new`, other);
        renameSync(`${location}.new`, location);
      },
      closed: 'source-changed',
      content: other,
    },
    'case 80: deleted': {
      apply: (location) => rmSync(location),
      closed: 'source-vanished',
      content: undefined,
    },
    'case 80: made unreadable': {
      apply: (location) => untilItShows(location, () => chmodSync(location, 0o000)),
      // To root it is only another mode.
      closed: isRoot ? 'source-changed' : 'source-unreadable',
      content: isRoot ? old : undefined,
      ...(isRoot ? {} : { failsFor: 'source-unreadable' }),
    },
    'case 80: swapped with a folder': {
      apply(location) {
        renameSync(location, `${location}.moved`);
        mkdirSync(location);
      },
      closed: 'source-changed',
      content: '<folder>',
    },
  };
}

/**
 * Makes a file with a time that can be set again exactly, and waits until the system's clock has moved on: a change
 * after that shows.
 */
export function makeSettled(location: string, content: string): void {
  writeFileSync(location, content);
  utimesSync(location, 1_700_000_000, 1_700_000_000);
  const { ctimeMs } = statSync(location);
  do writeFileSync(`${location}.clock`, '');
  while (statSync(`${location}.clock`).ctimeMs === ctimeMs);
  rmSync(`${location}.clock`);
}

/** Does something until the system's clock has moved on far enough for it to show. */
function untilItShows(location: string, action: () => void): void {
  const { ctimeMs } = statSync(location);
  do action();
  while (statSync(location).ctimeMs === ctimeMs);
}
