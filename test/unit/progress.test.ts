import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { RateMeter, remainingMs } from '../../src/transfer/progress.ts';

/** Feeds a meter from `from` to `until`, every `everyMs`, at `perMs` bytes a millisecond. */
function feed(
  meter: RateMeter,
  from: number,
  until: number,
  everyMs: number,
  perMs: number,
  start = 0,
): number {
  let bytes = start;
  for (let at = from; at <= until; at += everyMs) {
    bytes = start + (at - from) * perMs;
    meter.add(at, bytes);
  }
  return bytes;
}

suite('the rate', () => {
  test('of nothing is zero', () => {
    const meter = new RateMeter();
    assert.equal(meter.rate(1000), 0);
    meter.add(1000, 500);
    assert.equal(meter.rate(1000), 0);
    assert.equal(meter.rate(2000), 0);
  });

  test('is what moves in a second, however often the meter is fed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 1e6 }), (everyMs, perMs) => {
        const meter = new RateMeter();
        feed(meter, 0, 20_000, everyMs, perMs);
        const last = Math.floor(20_000 / everyMs) * everyMs;
        assert.ok(Math.abs(meter.rate(last) / (perMs * 1000) - 1) < 1e-9);
      }),
    );
  });

  test('is that of the last seconds: what was before is forgotten, however often the meter is fed', () => {
    for (const everyMs of [1, 10, 99, 100, 101, 250, 1000]) {
      const meter = new RateMeter();
      const bytes = feed(meter, 0, 60_000, everyMs, 1000);
      feed(meter, 60_000, 67_000, everyMs, 10, bytes);
      assert.ok(meter.rate(67_000) < 11_000, `every ${everyMs} ms: ${meter.rate(67_000)}`);
      assert.ok(meter.rate(67_000) > 9000, `every ${everyMs} ms: ${meter.rate(67_000)}`);
    }
  });

  test('falls towards zero while nothing moves', () => {
    const meter = new RateMeter();
    feed(meter, 0, 5000, 100, 1000);
    const rates = [5000, 10_000, 20_000, 100_000].map((at) => meter.rate(at));
    assert.deepEqual(
      rates,
      rates.toSorted((left, right) => right - left),
    );
    assert.ok((rates.at(-1) ?? 1e9) < 100_000);
  });
});

const cases: readonly (readonly [done: number, total: number, rate: number, expected: number | undefined])[] =
  [
    [0, 1000, 100, 10_000],
    [900, 1000, 100, 1000],
    [1000, 1000, 100, 0],
    [0, 1000, 0, undefined],
    [0, 1000, -1, undefined],
  ];
for (const [done, total, rate, expected] of cases) {
  test(`${done} of ${total} at ${rate} a second remain ${expected ?? 'unknown'}`, () => {
    assert.equal(remainingMs(done, total, rate), expected);
  });
}
