/*
 * Measures what ten thousand transfers leave behind in one process: a line of
 * JSON before them, one after each tenth. See test/hostile/engine/leaks.ts.
 *
 *   npm run leaks
 *   npm run leaks -- 1000
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../test/hostile/engine/leakRun.ts');
const [count = '10000'] = process.argv.slice(2);
const child = spawn(process.execPath, ['--expose-gc', program, count], { stdio: 'inherit' });
const [status] = await once(child, 'exit');
// No status means a signal ended it.
process.exitCode = status ?? 1;
