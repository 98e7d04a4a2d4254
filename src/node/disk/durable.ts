import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isErrno } from './errno.ts';

const run = promisify(execFile);

/** From so many files on, one sync of the whole file system is cheaper than one for each. */
const SYNC_AT_ONCE_FROM = 32;
const PARALLEL_SYNCS = 8;

/**
 * Makes files and folders durable: their content, and for folders the names in them. Many at once go
 * through `sync -f` (syncfs, one journal commit) on Linux, where the utility has it; otherwise, and when
 * that fails, each is synced on its own.
 */
export async function syncAll(
  locations: () => Iterable<string>,
  count: number,
  fileSystem: string,
): Promise<void> {
  if (count >= SYNC_AT_ONCE_FROM && process.platform === 'linux') {
    try {
      await run('sync', ['-f', fileSystem]);
      return;
    } catch {
      // An old or a foreign `sync`: the long way then.
    }
  }
  const queue = locations()[Symbol.iterator]();
  const workers = Array.from({ length: PARALLEL_SYNCS }, async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await syncOne(next.value);
  });
  await Promise.all(workers);
}

/** Syncs one file, or one folder so that the names in it last. */
export async function syncOne(location: string): Promise<void> {
  let handle;
  try {
    handle = await open(location, 'r');
  } catch (error) {
    // Windows opens no folders; it has no way to sync one.
    if (isErrno(error, 'EISDIR', 'EPERM', 'EACCES') && process.platform === 'win32') return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems do not sync folders and say so with EINVAL; there the rename itself must do.
    if (!isErrno(error, 'EINVAL', 'EPERM', 'ENOTSUP')) throw error;
  } finally {
    await handle.close();
  }
}
