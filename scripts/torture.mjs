/*
 * What `npm run torture` does: kills real processes in the middle of real transfers, at random bytes, and prints
 * what that cost. Its seed is printed; with the same one the same points are chosen.
 *
 *   npm run torture                              200 interruptions of a file of 1 GiB, and 3 black holes
 *   npm run torture -- --kills 50 --mib 256
 *   npm run torture -- --seed 7
 */
import { parseArgs } from 'node:util';
import { torture } from '../test/torture/torture.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    'black-holes': { type: 'string', default: '3' },
    mib: { type: 'string', default: '1024' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
console.log(`${values.kills} interruptions of a file of ${values.mib} MiB, seed ${values.seed}`);
await torture({
  kills: Number(values.kills),
  blackHoles: Number(values['black-holes']),
  sizeBytes: Number(values.mib) * 1024 * 1024,
  seed: Number(values.seed),
  say: (line) => console.log(line),
});
