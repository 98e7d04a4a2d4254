/*
 * What `npm run bench:load` does: attacks a receiver while it receives, from one address and from a thousand, and
 * prints what that cost: memory, processor time, the rate of the transfer, and how long a paired peer had to dial.
 * Linux only; nothing leaves the loopback interface.
 *
 *   npm run bench:load
 *   npm run bench:load -- --quick                2 s for each phase instead of 5
 *   npm run bench:load -- --seconds 10 --mib 8192
 *   npm run bench:load -- --only drip --only silent
 */
import { parseArgs } from 'node:util';
import { ATTACK_KINDS } from '../test/hostile/load/attackOrder.ts';
import { measureLoad } from '../test/hostile/load/load.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    mib: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 2 : 5));
await measureLoad({
  phaseMs: seconds * 1000,
  // As much as passes in three phases with what lies between them, at twice the rate that was seen.
  transferMib: Number(values.mib ?? Math.ceil(seconds + 1) * 1024),
  kinds: ATTACK_KINDS.filter((kind) => values.only.length === 0 || values.only.includes(kind)),
  say: (line) => console.log(line),
});
