import assert from 'node:assert/strict';
import type { Dice } from './dice.ts';

/** What one parser is given. `kind` says what of it is meant: the name of a message, or a file. */
export interface FuzzInput {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** What becomes of an input that is handled as documented. */
export type Verdict = 'taken' | 'refused';

/** One parser under fuzzing. */
export interface FuzzTarget {
  readonly kinds: readonly string[];
  /** A sound input with something wrong in it, or a few of them that follow each other. */
  generate(dice: Dice): FuzzInput;
  /** Has the parser parse it; throws if it does anything that is not documented. */
  check(input: FuzzInput): Verdict | Promise<Verdict>;
}

/** What is taken can be said again, and then means the same. */
export function checkSameAgain(once: unknown, again: unknown): void {
  const second = JSON.stringify(again);
  if (JSON.stringify(once) !== second) assert.fail(`it is said again as ${second}`);
}

/** All numbers that were taken are whole and exact, and none is −0. */
export function checkNumbers(value: unknown): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) assert.fail(`${value} was taken`);
  } else if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) checkNumbers(child);
  }
}

/** No input may leave something behind in what all objects share. */
export function checkPrototypes(): void {
  for (const shared of [Object.prototype, Array.prototype]) {
    const [left] = Object.keys(shared);
    if (left !== undefined) assert.fail(`all objects now have ${left}`);
  }
}
