import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seed } from '../../support/random.ts';
import { memoryFolder } from '../../support/scratch.ts';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

/** In each run of the tests; `npm run fuzz` takes a hundred times as many. */
const INPUTS = 100_000;

/** A test of the parser `name` with mutated inputs, which are `what`; another seed in each run. */
export function fuzzTest(name: string, what: string): void {
  test(`case 22: ${INPUTS.toLocaleString('en')} mutated ${what} (seed ${seed})`, async (t) => {
    const target = targets[name]?.(memoryFolder(t)) ?? assert.fail(`no parser ${name}`);
    const { taken, refused, slowestMs, growthBytes } = await fuzz(name, target, { inputs: INPUTS, seed });
    t.diagnostic(
      `${taken} taken, ${refused} refused, slowest ${slowestMs.toFixed(1)} ms, ${growthBytes} bytes more in use`,
    );
    // Mutations that are all refused at the first byte, or none, prove little.
    assert.ok(taken > INPUTS / 50 && refused > INPUTS / 50, `${taken} taken, ${refused} refused`);
  });
}
