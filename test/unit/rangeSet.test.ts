import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from '../../src/base/rangeSet.ts';
import { testProperty } from '../support/random.ts';

type Range = readonly [start: number, end: number];

/** What a set holds after adding `added` in order. */
function check(added: readonly Range[], expected: readonly Range[]): void {
  test(`${added.map((range) => range.join('–')).join(', ')} make ${expected.map((range) => range.join('–')).join(', ')}`, () => {
    const set = new RangeSet();
    for (const [start, end] of added) set.add(start, end);
    assert.deepEqual(Array.from(set.ranges()), expected);
    assert.equal(set.rangeCount, expected.length);
    assert.equal(
      set.size,
      expected.reduce((sum, [start, end]) => sum + end - start, 0),
    );
    for (const [start, end] of expected) {
      assert.deepEqual(
        [set.has(start - 1), set.has(start), set.has(end - 1), set.has(end)],
        [false, true, true, false],
      );
      assert.equal(set.firstMissing(start), end);
      assert.equal(set.firstMissing(end), end);
    }
  });
}

const MOST = Number.MAX_SAFE_INTEGER;

check([], []);
check([[3, 3]], []);
check([[0, 5]], [[0, 5]]);
check(
  [
    [0, 5],
    [5, 9],
  ],
  [[0, 9]],
);
check(
  [
    [5, 9],
    [0, 5],
  ],
  [[0, 9]],
);
check(
  [
    [0, 5],
    [6, 9],
  ],
  [
    [0, 5],
    [6, 9],
  ],
);
check(
  [
    [0, 5],
    [6, 9],
    [5, 6],
  ],
  [[0, 9]],
);
check(
  [
    [0, 2],
    [4, 6],
    [8, 10],
    [1, 9],
  ],
  [[0, 10]],
);
check(
  [
    [0, 10],
    [3, 4],
  ],
  [[0, 10]],
);
check(
  [
    [3, 4],
    [0, 10],
  ],
  [[0, 10]],
);
check(
  [
    [0, 10],
    [0, 10],
  ],
  [[0, 10]],
);
check(
  [
    [2, 4],
    [4, 4],
    [3, 8],
  ],
  [[2, 8]],
);
check([[MOST - 1, MOST]], [[MOST - 1, MOST]]);
check(
  [
    [2 ** 32 - 1, 2 ** 32 + 1],
    [2 ** 31, 2 ** 32],
  ],
  [[2 ** 31, 2 ** 32 + 1]],
);
check(
  [
    [0, 1],
    [2 ** 52, MOST],
  ],
  [
    [0, 1],
    [2 ** 52, MOST],
  ],
);
check(
  [
    [0, 2 ** 52],
    [2 ** 52, MOST],
  ],
  [[0, MOST]],
);

for (const [start, end] of [
  [-1, 2],
  [2, 1],
  [0, 2 ** 53],
  [0.5, 2],
  [0, 1.5],
  [Number.NaN, 1],
  [0, Number.POSITIVE_INFINITY],
] as const) {
  test(`refuses ${start}–${end}`, () => {
    const set = new RangeSet();
    set.add(7);
    assert.throws(() => set.add(start, end), RangeError);
    assert.deepEqual(Array.from(set.ranges()), [[7, 8]]);
  });
}

test('what arrives in order costs one range, however much it is', () => {
  const set = new RangeSet();
  for (let value = 0; value < 10_000; value += 1) set.add(value);
  assert.deepEqual([set.size, set.rangeCount, set.firstMissing()], [10_000, 1, 10_000]);
});

test('what arrives shuffled becomes one range', () => {
  const set = new RangeSet();
  // 7,919 is prime to 10,000, so that each value comes once.
  for (let step = 0; step < 10_000; step += 1) set.add((step * 7919) % 10_000);
  assert.deepEqual(Array.from(set.ranges()), [[0, 10_000]]);
});

testProperty(
  'holds what a Set holds',
  fc.record({
    base: fc.constantFrom(0, 2 ** 31 - 30, 2 ** 32 - 30, MOST - 80),
    added: fc.array(fc.tuple(fc.nat(60), fc.nat(12)), { maxLength: 30 }),
  }),
  ({ base, added }) => {
    const set = new RangeSet();
    const twin = new Set<number>();
    for (const [offset, length] of added) {
      const start = base + offset;
      set.add(start, start + length);
      for (let value = start; value < start + length; value += 1) twin.add(value);
      assert.equal(set.size, twin.size);
    }
    const sorted = [...twin].toSorted((left, right) => left - right);
    const starts = sorted.filter((value) => !twin.has(value - 1));
    const ends = sorted.filter((value) => !twin.has(value + 1)).map((value) => value + 1);
    assert.deepEqual(
      Array.from(set.ranges()),
      starts.map((start, at) => [start, ends[at]]),
    );
    for (let value = base; value < base + 74; value += 1) {
      assert.equal(set.has(value), twin.has(value), `has ${value}`);
      let missing = value;
      while (twin.has(missing)) missing += 1;
      assert.equal(set.firstMissing(value), missing, `first missing from ${value}`);
    }
  },
  1000,
);
