/*
 * What `npm test` runs: makes the clone ready, then runs the suites on Node 24;
 * after them the suite inside VS Code and the one before two real windows,
 * which fetch VS Code and a browser first.
 *
 *   npm test                                    everything
 *   npm test -- test/unit/frame.test.ts         these files or patterns only, on Node
 *   npm test -- --test-name-pattern=resume      an option of `node --test`, on Node
 *   npm run test:host, npm run test:e2e         the other two alone
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureReady, nodePath } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');
const timeoutMs = 10 * 60_000;

const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('-'));
const chosen = given.filter((argument) => !argument.startsWith('-'));
const suites = ['unit', 'contract', 'integration', 'hostile', 'simulation', 'crash', 'mutation']
  .filter((suite) => existsSync(join(root, 'test', suite)))
  .map((suite) => `test/${suite}/**/*.test.ts`);

try {
  ensureReady({ build: true });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const onNode = [
  '--test',
  '--test-reporter=spec',
  `--test-timeout=${timeoutMs}`,
  `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
  ...options,
  ...(chosen.length > 0 ? chosen : suites),
];
const inEditor = [[join('scripts', 'testHost.mjs')], [join('scripts', 'testE2e.mjs')]];

for (const stage of [onNode, ...(given.length === 0 ? inEditor : [])]) {
  const { status } = spawnSync(nodePath, stage, { cwd: root, stdio: 'inherit' });
  // No status means a signal ended it. A later stage tells nothing new about what is broken already.
  if (status !== 0) process.exit(status ?? 1);
}
