/*
 * What `npm run bench:limit` does: holds an engine to a limit while it sends to two others, and prints how near it came
 * to it and how the two shared it. Linux, macOS or Windows; nothing leaves the loopback interface.
 *
 *   npm run bench:limit
 *   npm run bench:limit -- --seconds 20 5 50 400       megabits a second
 */
import { parseArgs } from 'node:util';
import { measureLimit } from '../bench/limit.ts';

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '6' } },
  allowPositionals: true,
});
const limits = positionals.length === 0 ? [2, 20, 100, 400] : positionals.map(Number);
/** @param {number} share */
const percent = (share) => `${(share * 100).toFixed(1)} %`;

console.log('| limit, Mbit/s | sent, of it | the two transfers’ parts |');
console.log('| --- | --- | --- |');
for (const megabits of limits) {
  const { share, parts } = await measureLimit(megabits, Number(values.seconds) * 1000);
  console.log(`| ${megabits} | ${percent(share)} | ${parts.map(percent).join(', ')} |`);
}
