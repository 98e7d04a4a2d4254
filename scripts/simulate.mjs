/*
 * Runs simulated histories of a sender and a receiver: each from one seed, with
 * faults on network, disks and processes (see test/simulation/world.ts). Ends
 * with status 1 if one breaks a promise; each that does is named with its seed.
 *
 *   npm run simulate                        10,000 seeds, for every night
 *   npm run simulate -- --seeds 500         so many
 *   npm run simulate -- --from 20000        other ones
 *   npm run simulate -- --seed 17           one, with all that happens in it
 */
import { parseArgs } from 'node:util';
import { runHistory } from '../test/simulation/history.ts';
import { Tally, tellFailure } from '../test/simulation/tally.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});

const tally = new Tally();
const startedAt = performance.now();
if (values.seed === undefined) {
  const from = wholeNumber('from', values.from);
  const end = from + wholeNumber('seeds', values.seeds);
  for (let seed = from; seed < end; seed += 1) {
    const history = await runHistory(seed);
    tally.add(history);
    if (history.failure !== undefined) console.log(tellFailure(history));
  }
} else {
  const history = await runHistory(wholeNumber('seed', values.seed), console.log);
  tally.add(history);
  if (history.failure !== undefined) console.log(history.failure);
  console.log(`digest ${history.digest}`);
}
for (const line of tally.lines((performance.now() - startedAt) / 1000)) console.log(line);
console.log(tally.failed.length === 0 ? 'every promise was kept' : `${tally.failed.length} broke a promise`);
process.exitCode = tally.failed.length === 0 ? 0 : 1;

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a whole number`);
  return number;
}
