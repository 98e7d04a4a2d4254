/*
 * Runs mutated inputs through every parser that sees what others wrote (see test/hostile/fuzz/). Ends with status 1 at
 * the first input that is handled otherwise than documented, and says how to make it again.
 *
 *   npm run fuzz                                       10,000,000 inputs for each parser, for a night
 *   npm run fuzz -- --parser page --inputs 500000      one parser, so many
 *   npm run fuzz -- --seed 7                           other inputs; without it the seed is drawn and printed
 *   npm run fuzz -- --parser page --seed 7 --input 12  one input again, with all that is known of its failure
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dice } from '../test/hostile/fuzz/dice.ts';
import { fuzz, replay } from '../test/hostile/fuzz/fuzz.ts';
import { targets } from '../test/hostile/fuzz/targets.ts';

const { values } = parseArgs({
  options: {
    parser: { type: 'string' },
    inputs: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    input: { type: 'string' },
  },
});
const seed = wholeNumber('seed', values.seed);
const folder = mkdtempSync(join(tmpdir(), 'peer-courier-fuzz-'));
try {
  for (const [name, create] of Object.entries(targets)) {
    if (values.parser !== undefined && values.parser !== name) continue;
    const target = create(folder);
    if (values.input !== undefined) {
      const input = target.generate(new Dice(seed, wholeNumber('input', values.input)));
      console.log(`${name}, kind ${input.kind}, ${input.bytes.length} bytes:`);
      console.log(Buffer.from(input.bytes).toString());
      console.log(await replay(target, input));
      continue;
    }
    const startedAt = performance.now();
    const { taken, refused, slowestMs, growthBytes } = await fuzz(name, target, {
      inputs: wholeNumber('inputs', values.inputs),
      seed,
      onProgress: (done) => process.stderr.write(`\r${name}: ${done.toLocaleString('en')}`),
    });
    process.stderr.write('\r');
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const counts = `${taken.toLocaleString('en')} taken, ${refused.toLocaleString('en')} refused`;
    console.log(
      `${name}: ${counts}; slowest ${slowestMs.toFixed(1)} ms, ${growthBytes} bytes more in use; ${seconds} s, seed ${seed}`,
    );
  }
  if (values.parser !== undefined && !Object.hasOwn(targets, values.parser)) {
    throw new Error(`--parser is one of ${Object.keys(targets).join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a whole number`);
  return number;
}
