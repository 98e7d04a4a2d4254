import { spawn } from 'node:child_process';
import { errnoError } from './errno.ts';

/**
 * `syncfs` through the utility, for which Node has no call: of the file system that `location` lies in, or the folder
 * that is open as `descriptor`. It tells a disk that fails from a `sync` that is old or foreign by its exit status
 * alone, in no language: so it is asked about a file system that cannot fail.
 */
export async function syncWholeOf(location: string, descriptor?: number): Promise<boolean> {
  const isDone = descriptor === undefined ? runSync(location) : runSync('/proc/self/fd/0', descriptor);
  if (await isDone) return true;
  if (!(await runSync('/proc'))) return false;
  throw errnoError('EIO', `syncfs failed, ${location}`);
}

/** Whether it says that it has done it; `descriptor` becomes its standard input. */
async function runSync(location: string, descriptor?: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const sync = spawn('sync', ['-f', location], { stdio: [descriptor ?? 'ignore', 'ignore', 'ignore'] });
    sync.once('error', () => resolve(false));
    sync.once('close', (status) => resolve(status === 0));
  });
}
