import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from './errno.ts';
import { freeNames } from './freeName.ts';

/**
 * The moment in which something gets its final name. Nothing here can overwrite: a name is taken with a
 * call that fails when somebody else has it, and `rename`, which overwrites silently, is used only on a
 * name that we have just taken, or on one whose old file has been kept elsewhere.
 */

/** What happens to an entry whose name is taken. */
export type ConflictPolicy = 'skip' | 'keep-both' | 'replace';

/** Hears of a name before it is taken. */
export type Announce = (name: string) => Promise<void>;

/** The first of the names for `name` that nobody has in `folder` now. */
export function findFreeName(folder: string, name: string, kind: 'file' | 'folder'): string {
  for (const candidate of freeNames(name, kind)) {
    if (lookAt(join(folder, candidate)) === undefined) return candidate;
  }
  throw new Error('unreachable: there is always a free name');
}

/** Publishes a complete file in `folder` under the first free name; returns that name. */
export async function publishFileFree(
  part: string,
  folder: string,
  name: string,
  announce: Announce,
): Promise<string> {
  for (const candidate of freeNames(name, 'file')) {
    const location = join(folder, candidate);
    if (lookAt(location) !== undefined) continue;
    await announce(candidate);
    if (tryPublishFile(part, location)) return candidate;
  }
  throw new Error('unreachable: there is always a free name');
}

/** Publishes a complete file under exactly this name, if nobody has it; tells whether. */
export function tryPublishFile(part: string, location: string): boolean {
  try {
    linkSync(part, location);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR')) throw error;
    return tryRenameOverPlaceholder(part, location);
  }
  unlinkSync(part);
  return true;
}

/**
 * Takes their second name from the files in `parts` that {@link tryPublishFile} published before it was killed:
 * whatever is written under that name would be written into what stands in the receive folder.
 */
export function unlinkPublished(parts: string): void {
  for (const name of readdirSync(parts)) {
    const location = join(parts, name);
    const stats = lookAt(location);
    if (stats?.isFile() === true && stats.nlink > 1) unlinkSync(location);
  }
}

/** For file systems without hard links: an exclusive placeholder takes the name, the file replaces it. */
function tryRenameOverPlaceholder(part: string, location: string): boolean {
  try {
    closeSync(openSync(location, 'wx'));
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  renameSync(part, location);
  return true;
}

/**
 * Publishes a complete file over an older one, which is kept as `backup` first: at every moment the name
 * holds the old file or the new one. Only ever replaces a regular file.
 */
export function publishFileReplacing(part: string, location: string, backup: string): void {
  if (tryPublishFile(part, location)) return;
  if (!lstatSync(location).isFile()) throw new CourierError('name-taken', 'what has the name is not a file');
  const folder = dirname(backup);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    keepAs(location, folder, basename(backup));
    // The old file must be safe under its other name before the first one is taken from it.
    syncFolder(folder);
    renameSync(part, location);
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    // Without hard links the name is empty for a moment; both files are whole all the time.
    renameSync(location, join(folder, findFreeName(folder, basename(backup), 'file')));
    if (!tryPublishFile(part, location)) throw new CourierError('name-taken', 'the name was taken meanwhile');
  }
}

/** Gives the file at `location` another name in `folder`; an interrupted session may have done it already. */
function keepAs(location: string, folder: string, name: string): void {
  const { ino, dev } = lstatSync(location);
  for (const candidate of freeNames(name, 'file')) {
    const kept = lookAt(join(folder, candidate));
    if (kept?.ino === ino && kept.dev === dev) return;
    if (kept !== undefined) continue;
    linkSync(location, join(folder, candidate));
    return;
  }
}

/** Publishes a complete folder in `folder` under the first free name; returns that name. */
export async function publishFolder(
  tree: string,
  folder: string,
  name: string,
  announce: Announce,
): Promise<string> {
  for (const candidate of freeNames(name, 'folder')) {
    const location = join(folder, candidate);
    if (lookAt(location) !== undefined) continue;
    await announce(candidate);
    try {
      mkdirSync(location);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) continue;
      throw error;
    }
    // Windows renames no folder onto another, even an empty one; there the name is free for a moment,
    // and its rename fails if somebody takes it.
    if (process.platform === 'win32') rmdirSync(location);
    try {
      renameSync(tree, location);
    } catch (error) {
      // Somebody put a file into the folder that we had just made: it is theirs now.
      if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) continue;
      throw error;
    }
    return candidate;
  }
  throw new Error('unreachable: there is always a free name');
}

/** What stands under a name, links not followed; `undefined` for nothing. */
export function lookAt(location: string): Stats | undefined {
  return lstatSync(location, { throwIfNoEntry: false });
}

/** Makes the names in a folder durable, where the system can. */
function syncFolder(folder: string): void {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
