import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { syncFolderNow } from '../disk/durable.ts';
import { isErrno } from '../disk/errno.ts';
import type { WholeFileSystem } from '../disk/fileSystem.ts';
import { makePath } from '../disk/staging.ts';
import { systemFiles } from '../disk/systemFiles.ts';
import { readNow, writeNow } from '../disk/wholeFile.ts';

/**
 * Small files of state: written whole, durable when the call returns, never seen half, readable by their owner
 * only. What cannot be written throws `disk-full` or `state-unusable`.
 */

// Windows has no such flag, and no pipes with names like these.
// oxlint-disable-next-line no-bitwise -- a set of flags, never a size or an index
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Nothing that we write comes near it; what is longer is none of ours, and not worth the memory. */
const MOST_STATE_BYTES = 64 * 1024 * 1024;

/**
 * The text of a file of state. Throws the system's error if there is none or it cannot be read, and another one if it
 * is too long or no regular file; it never waits for a pipe.
 */
export function readStateFile(file: string): string {
  const descriptor = openSync(file, READ);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error(`${file} is not a file`);
    if (stats.size > MOST_STATE_BYTES) throw new RangeError(`${file} is too long`);
    const bytes = Buffer.allocUnsafe(stats.size);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.toString('utf8', 0, filled);
  } finally {
    closeSync(descriptor);
  }
}

/** Of files of a few lines, of which there may be many. */
const MOST_SMALL_BYTES = 128 * 1024;

/** The same for a file of a few lines, and never through a link in its place. */
export function readSmallFile(file: string, disk: WholeFileSystem = systemFiles): string {
  const opened = disk.open(file, 'read');
  try {
    const stats = opened.stat();
    if (!stats.isFile()) throw new Error(`${file} is not a file`);
    if (stats.size > MOST_SMALL_BYTES) throw new RangeError(`${file} is too long`);
    const bytes = readNow(opened, Buffer.alloc(stats.size));
    if (bytes === undefined) throw new RangeError(`${file} has become shorter`);
    return bytes.toString('utf8');
  } finally {
    opened.closeNow();
  }
}

/** Writes `file` in place of what is there. */
export function replaceFile(file: string, text: string, disk: WholeFileSystem = systemFiles): void {
  const temporary = writeTemporary(disk, file, text);
  try {
    disk.rename(temporary, file);
    syncFolderNow(disk, folderOf(disk, file));
  } catch (error) {
    removeQuietly(disk, temporary);
    throw stateFailure(file, error);
  }
}

/** Writes `file` unless it exists; tells whether it did. */
export function writeNewFile(file: string, text: string, disk: WholeFileSystem = systemFiles): boolean {
  const temporary = writeTemporary(disk, file, text);
  try {
    disk.link(temporary, file);
    syncFolderNow(disk, folderOf(disk, file));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw stateFailure(file, error);
  } finally {
    removeQuietly(disk, temporary);
  }
}

function writeTemporary(disk: WholeFileSystem, file: string, text: string): string {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    makeFolder(disk, dirname(file));
    const opened = disk.open(temporary, 'create', 0o600);
    try {
      writeNow(opened, Buffer.from(text), 0);
      opened.syncNow();
    } finally {
      opened.closeNow();
    }
    return temporary;
  } catch (error) {
    removeQuietly(disk, temporary);
    throw stateFailure(file, error);
  }
}

/** Removes `file`, if it is there; durable when the call returns, because what it said would else hold again. */
export function removeFile(file: string, disk: WholeFileSystem = systemFiles): void {
  try {
    if (disk.lstat(file) === undefined) return;
    disk.unlink(file);
    syncFolderNow(disk, folderOf(disk, file));
  } catch (error) {
    // Another process has removed it meanwhile, maybe with its folder.
    if (isErrno(error, 'ENOENT')) return;
    throw stateFailure(file, error);
  }
}

function makeFolder(disk: WholeFileSystem, folder: string): void {
  if (disk.lstat(folder) !== undefined) return;
  makePath(disk, folder, 0o700);
  // Those around it may have been made with it.
  let inner = disk.realpath(folder);
  while (dirname(inner) !== inner) {
    inner = dirname(inner);
    syncFolderNow(disk, inner);
  }
}

/** Where the file lies, links resolved: a link to a folder is not what has to be synced. */
function folderOf(disk: WholeFileSystem, file: string): string {
  return disk.realpath(dirname(file));
}

function removeQuietly(disk: WholeFileSystem, temporary: string): void {
  try {
    disk.unlink(temporary);
  } catch {
    // It was not even made, or the disk has failed: what counts is said already.
  }
}

/** What it means that something of the state folder cannot be written. */
export function stateFailure(location: string, cause: unknown): CourierError {
  const code = isErrno(cause, 'ENOSPC', 'EDQUOT') ? 'disk-full' : 'state-unusable';
  return new CourierError(code, `${location} cannot be written`, { cause });
}
