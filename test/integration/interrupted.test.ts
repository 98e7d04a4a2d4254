/** A short slice of `npm run torture`: real kills and cuts, and what each costs. */
import { test } from 'node:test';
import { seed } from '../support/random.ts';
import { torture } from '../torture/torture.ts';

const MIB = 1024 * 1024;

test(`case 120: one interruption of each kind in one transfer (seed ${seed})`, async (t) => {
  const costs = await torture({
    kills: 5,
    blackHoles: 0,
    sizeBytes: 64 * MIB,
    seed,
    say: () => undefined,
  });
  for (const { interruption, sentAgain, secondsToFlow } of costs) {
    t.diagnostic(
      `${interruption}: ${(sentAgain / MIB).toFixed(2)} MiB sent again, ${secondsToFlow.toFixed(2)} s to flow`,
    );
  }
});
