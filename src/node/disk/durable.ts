import { CourierError } from '../../base/failure.ts';
import { isErrno, writeFailure } from './errno.ts';
import type { FileSystem, OpenFile } from './fileSystem.ts';

/** From so many files or folders on, one sync of the whole file system is cheaper than one for each. */
export const SYNC_AT_ONCE_FROM = 32;
const PARALLEL_SYNCS = 8;

/**
 * Makes files and folders durable: their content, and for folders the names in them. Many at once by one sync
 * of all that lies on the file system of `place`, where that can be had; otherwise each on its own.
 */
export async function syncAll(
  disk: FileSystem,
  locations: () => Iterable<string>,
  { count, place }: { readonly count: number; readonly place: string },
): Promise<void> {
  if (count >= SYNC_AT_ONCE_FROM && (await disk.syncAll(place))) return;
  const queue = locations()[Symbol.iterator]();
  const workers = Array.from({ length: PARALLEL_SYNCS }, async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await syncOne(disk, next.value);
  });
  await Promise.all(workers);
}

/** Syncs one file, or one folder so that the names in it last. */
async function syncOne(disk: FileSystem, location: string): Promise<void> {
  await syncOpened(openToSync(disk, location));
}

/** Syncs a folder that may not be ours, so that the names in it last. */
export async function syncFolder(disk: FileSystem, location: string): Promise<void> {
  await syncOpened(openFolderToSync(disk, location));
}

/** The same, and blocks. */
export function syncFolderNow(disk: FileSystem, location: string): void {
  const folder = openFolderToSync(disk, location);
  try {
    folder?.syncNow();
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  } finally {
    folder?.closeNow();
  }
}

async function syncOpened(file: OpenFile | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    await whereSupported(file.sync());
  } finally {
    await file.close();
  }
}

/** Waits for a sync; a file system that has none for what was asked must do without. */
export async function whereSupported(sync: Promise<void>): Promise<void> {
  try {
    await sync;
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  }
}

/** What a sync that failed means for the transfer: it cannot go on, and another try would prove nothing. */
export function syncFailure(error: unknown): CourierError {
  if (CourierError.is(error)) return error;
  const { code, message } = writeFailure(error);
  return new CourierError(
    code === 'disk-full' ? code : 'destination-unwritable',
    `what was received could not be made durable: ${message}`,
    { cause: error },
  );
}

function openToSync(disk: FileSystem, location: string): OpenFile | undefined {
  if (process.platform !== 'win32') return disk.open(location, 'read');
  // Windows syncs only what is open to be written, and that no folder can be.
  try {
    return disk.open(location, 'update');
  } catch (error) {
    if (isErrno(error, 'EISDIR', 'EPERM', 'EACCES')) return undefined;
    throw error;
  }
}

/** A folder may be written in and not read: then it can neither be opened nor synced. */
function openFolderToSync(disk: FileSystem, location: string): OpenFile | undefined {
  try {
    return openToSync(disk, location);
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/** Some file systems do not sync folders, or nothing at all; there the rename itself must do. */
function isUnsupported(error: unknown): boolean {
  return isErrno(error, 'EINVAL', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS');
}
