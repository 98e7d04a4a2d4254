/*
 * What `npm run bench:editor` does: prints what the extension costs the editor,
 * beside the budgets of the design. Figures, never a test: machines differ.
 */
import { randomFillSync } from 'node:crypto';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleSuite } from './hostSuite.mjs';
import { packageExtension, packagedFiles } from './package.mjs';
import { runInHost } from './testHost.mjs';

const root = resolve(import.meta.dirname, '..');
const activations = 5;
const dataFileBytes = 512 * 1024 * 1024;
const dataFileCount = 64;

/**
 * The second is that of the extension host's main thread, whatever else the machine had to do.
 *
 * @typedef {{ wallMs: number, processorMs: number }} Time
 */

/** @param {string} scratch */
async function bench(scratch) {
  const vsix = await packageExtension(join(scratch, 'peer-courier.vsix'));
  console.log('\nSizes');
  row('extension.js', kilobytes(join(root, 'dist', 'extension.js')), 'budget 100 KB');
  for (const file of lazyChunks()) row('  loaded when needed', kilobytes(file));
  row('VSIX', kilobytes(vsix), 'budget 500 KB');
  await benchActivation(scratch);
  await benchEventLoop(scratch);
  const load = loadavg()
    .slice(0, 2)
    .map((figure) => figure.toFixed(1))
    .join(' and ');
  console.log(
    `\nThe machine has ${availableParallelism()} processors; its load was ${load} (1 and 5 minutes).`,
  );
}

/** @param {string} scratch */
async function benchActivation(scratch) {
  const extension = join(scratch, 'extension');
  await copyForTiming(extension);
  const suite = await bundleSuite({ name: 'activation', files: ['test/host/bench/activation.bench.ts'] });
  /** @type {{ load: Time, activate: Time }[]} */
  const runs = [];
  for (let run = 0; run < activations; run += 1) {
    runs.push(...(await runBench({ name: 'bench-activation', suite, extension })));
  }
  console.log(
    `\nActivation, median (minimum–maximum) of ${activations} fresh windows, and processor time of it`,
  );
  const figures = (/** @type {string} */ title, /** @type {(run: typeof runs[number]) => Time} */ of) => {
    const [wall, processor] = [runs.map((run) => of(run).wallMs), runs.map((run) => of(run).processorMs)];
    row(title, spread(wall), spread(processor));
  };
  figures('load the code', ({ load }) => load);
  figures('activate()', ({ activate }) => activate);
  figures('together (budget 20 ms)', ({ load, activate }) => ({
    wallMs: load.wallMs + activate.wallMs,
    processorMs: load.processorMs + activate.processorMs,
  }));
}

/**
 * A copy of what is packed that no event activates, and that takes the times itself: what the editor does around
 * an activation is not the extension's.
 *
 * @param {string} copy
 */
async function copyForTiming(copy) {
  for (const file of await packagedFiles()) cpSync(join(root, file), join(copy, file), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(
    join(copy, 'package.json'),
    JSON.stringify({ ...manifest, activationEvents: [], main: './dist/timed.js' }),
  );
  writeFileSync(
    join(copy, 'dist', 'timed.js'),
    `import { performance } from 'node:perf_hooks';
    const timed = async (work) => {
      const [start, processor] = [performance.now(), process.threadCpuUsage()];
      const result = await work();
      const { user, system } = process.threadCpuUsage(processor);
      return { result, time: { wallMs: performance.now() - start, processorMs: (user + system) / 1000 } };
    };
    export async function activate(context) {
      const load = await timed(() => import('./extension.js'));
      const activate = await timed(() => load.result.activate(context));
      return { load: load.time, activate: activate.time };
    }`,
  );
}

/** @param {string} scratch */
async function benchEventLoop(scratch) {
  // Hard links: much to send, little on the disk. Nothing makes it smaller on the way.
  const data = join(scratch, 'data');
  mkdirSync(data);
  for (const name of ['window', 'other']) mkdirSync(join(scratch, 'received', name), { recursive: true });
  const file = join(data, '0.raw');
  writeFileSync(file, randomFillSync(new Uint8Array(dataFileBytes)));
  for (let link = 1; link < dataFileCount; link += 1) linkSync(file, join(data, `${link}.raw`));
  process.env['PEER_COURIER_BENCH_FOLDER'] = scratch;
  process.env['PEER_COURIER_BENCH_CLI'] = join(root, 'dist', 'cli.js');
  const suite = await bundleSuite({ name: 'eventLoop', files: ['test/host/bench/eventLoop.bench.ts'] });
  /** @type {{ name: string, p50Ms: number, p99Ms: number, maxMs: number, ownP99Ms: number, ownMaxMs: number, busy: number, bytesPerSecond?: number }[]} */
  const rows = await runBench({ name: 'bench-event-loop', suite });
  const titles = new Map([
    ['idle', 'idle'],
    ['sending', 'this window sends'],
    ['beside', 'two terminals, window idle'],
  ]);
  console.log(
    '\nThe extension host: how late its event loop is; what its own thread does between two turns of it',
  );
  for (const { name, p50Ms, p99Ms, maxMs, ownP99Ms, ownMaxMs, busy, bytesPerSecond } of rows) {
    const rate = bytesPerSecond === undefined ? '' : `, ${(bytesPerSecond / 1e6).toFixed(0)} MB/s`;
    row(
      titles.get(name) ?? name,
      `p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}  max ${ms(maxMs)}`,
      `p99 ${ms(ownP99Ms)}  max ${ms(ownMaxMs)}, busy ${(busy * 100).toFixed(1)} %${rate}`,
    );
  }
  const [idle, sending] = ['idle', 'sending'].map((name) => rows.find((found) => found.name === name));
  if (idle === undefined || sending === undefined) return;
  row('p99 above idle (budget 5 ms)', ms(sending.p99Ms - idle.p99Ms), ms(sending.ownP99Ms - idle.ownP99Ms));
}

/**
 * Runs a suite that prints its figures as lines of JSON.
 *
 * @param {Parameters<typeof runInHost>[0]} options
 * @returns {Promise<any[]>}
 */
async function runBench(options) {
  /** @type {string[]} */
  const lines = [];
  if (await runInHost({ ...options, print: (line) => lines.push(line) })) {
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }
  console.error(lines.join('\n'));
  throw new Error('The bench failed inside the window; what it said is above.');
}

/** @param {string} title @param {string} figure @param {string} [note] */
function row(title, figure, note = '') {
  console.log(`  ${title.padEnd(30)}${figure.padEnd(46)}${note}`.trimEnd());
}

/** @param {readonly number[]} figures */
function spread(figures) {
  const sorted = figures.toSorted((a, b) => a - b);
  const [least = 0, median = 0, most = 0] = [0, Math.floor(sorted.length / 2), -1].map((at) => sorted.at(at));
  return `${ms(median)} (${least.toFixed(1)}–${most.toFixed(1)})`;
}

/** @param {number} time */
function ms(time) {
  return `${time.toFixed(1)} ms`;
}

/** @param {string} file */
function kilobytes(file) {
  return `${(statSync(file).size / 1000).toFixed(1)} KB`;
}

function lazyChunks() {
  const folder = join(root, 'dist', 'chunks', 'extension');
  return readdirSync(folder).map((name) => join(folder, name));
}

const folder = mkdtempSync(join(tmpdir(), 'peer-courier-bench-'));
try {
  await bench(folder);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
