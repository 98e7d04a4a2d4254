/*
 * Makes the clone ready and runs one of the scripts beside this file on the
 * pinned Node 24. So those may import packages at their top and TypeScript
 * anywhere, even when they are the first thing that is run in a bare clone.
 *
 *   node scripts/run.mjs demo --open
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureReady, nodePath } from './setup.mjs';

const [name = '', ...words] = process.argv.slice(2);

try {
  ensureReady({ build: true });
  const script = spawn(nodePath, [join(import.meta.dirname, `${name}.mjs`), ...words], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the script decides how to end. Other signals are passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => script.kill('SIGTERM'));
  const [status] = await once(script, 'exit');
  // No status means a signal ended it.
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
