import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Semaphore } from '../../src/base/semaphore.ts';
import { seed } from '../support/random.ts';

/** Runs what is due without waiting for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

/** `steps` are weights to acquire, negative ones to release; `inside` is what got in, by its place, in order. */
function check(capacity: number, steps: readonly number[], inside: readonly number[], used: number): void {
  test(`of ${capacity}: ${steps.join(', ')} lets in ${inside.join(', ')}`, async () => {
    const semaphore = new Semaphore(capacity);
    const entered: number[] = [];
    for (const [place, step] of steps.entries()) {
      if (step < 0) semaphore.release(-step);
      else void semaphore.acquire(step).then(() => entered.push(place));
      await settle();
    }
    assert.deepEqual(entered, inside);
    assert.equal(semaphore.used, used);
  });
}

check(2, [1, 1, 1], [0, 1], 2);
check(2, [1, 1, 1, -1], [0, 1, 2], 2);
check(2, [2, 1, 1, -2], [0, 1, 2], 2);
// First come first served: the small one behind does not overtake.
check(3, [2, 2, 1], [0], 2);
check(3, [2, 2, 1, -2], [0, 1, 2], 3);
// What is heavier than the capacity gets in alone, and keeps the others out.
check(2, [5], [0], 5);
check(2, [5, 1], [0], 5);
check(2, [1, 5, -1], [0, 1], 5);
check(2, [1, 5, 1, -1], [0, 1], 5);
check(2, [1, 5, 1, -1, -5], [0, 1, 2], 1);
check(1, [1, -1], [0], 0);

test(`never holds more than its capacity, and lets all in, in order (seed ${seed})`, async () => {
  const scenario = fc.record({
    capacity: fc.integer({ min: 1, max: 8 }),
    weights: fc.array(fc.integer({ min: 1, max: 10 })),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ capacity, weights }) => {
      const semaphore = new Semaphore(capacity);
      const entered: number[] = [];
      let inside: number[] = [];
      for (const [place, weight] of weights.entries()) {
        void semaphore.acquire(weight).then(() => {
          entered.push(place);
          inside.push(weight);
        });
      }
      await settle();
      while (inside.length > 0) {
        const total = inside.reduce((sum, weight) => sum + weight, 0);
        assert.equal(semaphore.used, total);
        assert.ok(total <= capacity || inside.length === 1, `${inside.join('+')} in ${capacity}`);
        semaphore.release(inside[0] ?? 0);
        inside = inside.slice(1);
        await settle();
      }
      assert.deepEqual(entered, Array.from(weights.keys()));
      assert.equal(semaphore.used, 0);
    }),
    { seed, numRuns: 200 },
  );
});
