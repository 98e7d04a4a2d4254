import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { syncFolderNow } from '../disk/durable.ts';
import { isErrno } from '../disk/errno.ts';
import type { FileSystem } from '../disk/fileSystem.ts';
import { makePath } from '../disk/staging.ts';
import { systemFiles } from '../disk/systemFiles.ts';
import { writeNow } from '../disk/wholeFile.ts';

/**
 * Small files of state: written whole, durable when the call returns, never seen half, readable by their owner
 * only. What cannot be written throws `disk-full` or `state-unusable`.
 */

/** Writes `file` in place of what is there. */
export function replaceFile(file: string, text: string, disk: FileSystem = systemFiles): void {
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
export function writeNewFile(file: string, text: string, disk: FileSystem = systemFiles): boolean {
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

function writeTemporary(disk: FileSystem, file: string, text: string): string {
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
export function removeFile(file: string, disk: FileSystem = systemFiles): void {
  try {
    if (disk.lstat(file) === undefined) return;
    disk.unlink(file);
    syncFolderNow(disk, folderOf(disk, file));
  } catch (error) {
    throw stateFailure(file, error);
  }
}

function makeFolder(disk: FileSystem, folder: string): void {
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
function folderOf(disk: FileSystem, file: string): string {
  return disk.realpath(dirname(file));
}

function removeQuietly(disk: FileSystem, temporary: string): void {
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
