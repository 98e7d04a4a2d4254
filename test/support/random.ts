import { test } from 'node:test';
import fc from 'fast-check';

/** The seed of this run, part of each property's name; `PEER_COURIER_SEED=n` repeats one. */
export const seed = Number(process.env['PEER_COURIER_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A test that `check` throws for no value of `arbitrary`. */
export function testProperty<Value>(
  name: string,
  arbitrary: fc.Arbitrary<Value>,
  check: (value: Value) => void,
  numRuns = 200,
): void {
  test(`${name} (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        check(value);
      }),
      { seed, numRuns },
    );
  });
}

/** A small generator of numbers in [0, 1), for where fast-check is too slow: mulberry32. */
export function createRandom(from: number = seed): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
