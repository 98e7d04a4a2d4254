/*
 * What `npm run bench` does: times this program beside other tools, on the same data, over the same path, and writes
 * bench/results.md. Linux, root; CONTRIBUTING.md names the packages it needs.
 *
 *   npm run bench                                       everything but memory: some hours
 *   npm run bench -- --quick                            the same with little data and 3 rounds: minutes
 *   npm run bench -- --memory                           what two engines need for something big
 *   npm run bench -- --memory --loads file --disk /tmp  one file of 50 GB, which a memory disk has no room for
 *   npm run bench -- --only comparison --paths open,gigabit --data noise,text --tools peer-courier,scp,iperf3
 *   npm run bench -- --only growth --axes size,files,rtt,lanes --lanes 1,2,4,8,16
 *   npm run bench -- --draw                             results.md and the plots again, from the figures that are there
 *
 * --runs N, --scale SHARE (of the data), --limit SECONDS (a transfer), --disk FOLDER, --output FOLDER, --fresh (figures
 * of another machine that are there go). What is less than a whole measurement goes to test-artifacts/bench, so that it
 * does not take the place of one.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bench, PARTS } from '../bench/bench.ts';
import { ResultsFile } from '../bench/resultsFile.ts';

const ENOUGH_RUNS = 5;
const root = resolve(import.meta.dirname, '..');
const words = process.argv.slice(2);
const { values } = parseArgs({
  args: words,
  options: {
    quick: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    draw: { type: 'boolean', default: false },
    only: { type: 'string' },
    paths: { type: 'string', default: '' },
    data: { type: 'string', default: '' },
    tools: { type: 'string', default: '' },
    axes: { type: 'string', default: '' },
    loads: { type: 'string', default: '' },
    lanes: { type: 'string', default: '1,2,4,8,16' },
    runs: { type: 'string' },
    scale: { type: 'string' },
    limit: { type: 'string', default: '300' },
    disk: { type: 'string', default: '/dev/shm' },
    output: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  },
});

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.error('Stopping …');
    stop.abort(new Error('Stopped; what was measured so far is written down.'));
  });
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run() {
  const runs = positive('runs', values.runs ?? (values.quick ? '3' : '5'));
  const scale = positive('scale', values.scale ?? (values.quick ? '0.03125' : '1'));
  const isWhole = runs >= ENOUGH_RUNS && scale >= 1;
  const output = resolve(values.output ?? join(root, ...(isWhole ? ['bench'] : ['test-artifacts', 'bench'])));
  if (values.draw) {
    ResultsFile.redraw(output);
    return;
  }
  await bench({
    parts: parts(),
    paths: list(values.paths),
    data: list(values.data),
    tools: list(values.tools),
    axes: list(values.axes),
    loads: list(values.loads),
    lanes: list(values.lanes).map((count) => positive('lanes', count)),
    runs,
    scale,
    limitSeconds: positive('limit', values.limit),
    disk: values.disk,
    output,
    // A look is no measurement, and nobody keeps it.
    isFresh: values.fresh || !isWhole,
    call: words.join(' '),
    say: (line) => console.log(line),
    signal: stop.signal,
  });
}

/** What is to be measured. */
function parts() {
  const names = list(values.only ?? (values.memory ? 'memory' : 'comparison,growth'));
  const known = PARTS.filter((part) => names.includes(part));
  if (known.length < names.length) throw new Error(`--only takes ${PARTS.join(', ')}.`);
  return known;
}

/** @param {string} text */
function list(text) {
  return text.split(',').filter(Boolean);
}

/** @param {string} name @param {string} text */
function positive(name, text) {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${name} is a number above 0.`);
  return number;
}
