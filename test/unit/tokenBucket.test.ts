import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../src/transfer/tokenBucket.ts';

const KIB = 1024;

/** What a bucket gives for each request, `[at, wantedBytes]`. */
function check(
  name: string,
  bytesPerSecond: number,
  requests: readonly (readonly [at: number, wantedBytes: number])[],
  given: readonly number[],
): void {
  test(name, () => {
    const bucket = new TokenBucket(bytesPerSecond, 0);
    assert.deepEqual(
      requests.map(([at, wantedBytes]) => bucket.take(wantedBytes, at)),
      given,
    );
  });
}

check('it is empty at first', 1000 * KIB, [[0, 1]], [0]);
check(
  'a little waits for a little',
  1000,
  [
    [1, 1],
    [1, 1],
    [2, 1],
  ],
  [1, 0, 1],
);
check(
  'of much a slice is given: 20 ms of the rate',
  1_000_000,
  [
    [19, 500_000],
    [20, 500_000],
    [20, 1],
  ],
  [0, 20_000, 0],
);
check(
  'a low rate gives slices that are worth sending',
  100,
  [
    [10_239, 5000],
    [10_240, 5000],
  ],
  [0, 1024],
);
check('a high rate gives slices that let others have their turn', 1e9, [[100, 1e9]], [256 * KIB]);
check(
  'after a pause it catches up on 100 ms and no more',
  1_000_000,
  Array.from({ length: 6 }, () => [60_000, 20_000] as const),
  [20_000, 20_000, 20_000, 20_000, 20_000, 0],
);

test('it says how long to wait, in whole milliseconds', () => {
  const bucket = new TokenBucket(3000, 0);
  assert.equal(bucket.waitMs(1, 0), 1);
  assert.equal(bucket.waitMs(100, 0), 34);
  // A slice of it, that is.
  assert.equal(bucket.waitMs(1_000_000, 0), 342);
  assert.equal(bucket.waitMs(100, 34), 0);
  assert.equal(bucket.take(100, 34), 100);
});

test('a new rate counts from when it was set', () => {
  const bucket = new TokenBucket(1000, 0);
  bucket.setRate(1_000_000, 500);
  // Half a second at the old rate.
  assert.equal(bucket.take(501, 500), 0);
  assert.equal(bucket.take(500, 500), 500);
  assert.equal(bucket.waitMs(500_000, 500), 20);
  bucket.setRate(1000, 600);
  // What was saved at the high rate is not spent at the low one.
  assert.equal(bucket.take(1024, 600), 1024);
  assert.equal(bucket.take(1, 600), 0);
});

test('what is no rate is refused', () => {
  for (const rate of [0, -1, NaN, Infinity]) assert.throws(() => new TokenBucket(rate, 0), RangeError);
  const bucket = new TokenBucket(1000, 0);
  assert.throws(() => bucket.setRate(0, 0), RangeError);
  assert.equal(bucket.take(10, 10), 10);
});
