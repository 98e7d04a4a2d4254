import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runHistory } from './history.ts';
import { REGRESSIONS } from './regressions.ts';
import { tellFailure, Tally } from './tally.ts';

/** The same seeds in each run: what is new is looked for by `npm run simulate`, which takes many more. */
const FIRST_SEED = 1;
const SEEDS = 1000;
const TWICE = 100;

suite('simulated histories of a sender and a receiver', () => {
  test(`seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1} keep every promise`, async (context) => {
    const tally = new Tally();
    const startedAt = performance.now();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) tally.add(await runHistory(seed));
    for (const line of tally.lines((performance.now() - startedAt) / 1000)) context.diagnostic(line);
    assert.equal(tally.failed.length, 0, tally.failed.slice(0, 5).map(tellFailure).join('\n'));
    // A simulation in which little goes wrong proves little.
    assert.deepEqual(tally.missing, [], 'faults that never happened');
    assert.ok(tally.interrupted > SEEDS / 2, `only ${tally.interrupted} histories were interrupted`);
  });

  test(`each of ${TWICE} seeds is the same history twice`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + TWICE; seed += 1) {
      const [one, other] = [await runHistory(seed), await runHistory(seed)];
      assert.equal(one.digest, other.digest, `seed ${seed} differs; npm run simulate -- --seed ${seed}`);
    }
  });

  for (const { seed, found } of REGRESSIONS) {
    test(`seed ${seed}, which found: ${found}`, async () => {
      const history = await runHistory(seed);
      assert.equal(history.failure, undefined, tellFailure(history));
    });
  }
});
