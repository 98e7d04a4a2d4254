import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import { isErrno, writeFailure } from './errno.ts';
import type { FileStats, FileSystem, RootedFiles } from './fileSystem.ts';

/** The place of one transfer in the staging folder of a receive folder. */
export interface Staging {
  /** The files below the receive folder. */
  readonly disk: RootedFiles;
  /** The places that sessions of this process work in; no two share one. */
  readonly inUse: Set<string>;
  /** The staging folder; several transfers may share it. */
  readonly root: string;
  /** The place of one of them, below it. */
  readonly staging: string;
}

/**
 * Makes the place of a transfer and takes it into use; throws `busy` if it is there. With `resume` one that is
 * there will do, unless it is in use; tells whether it was. Never makes the receive folder.
 */
export function makeStaging(place: Staging, { resume }: { readonly resume: boolean }): boolean {
  const { disk, inUse, root, staging } = place;
  if (inUse.has(staging)) throw inUseFailure();
  makeUnlessThere(disk, root, 0o700);
  // A link planted here would lead everything elsewhere.
  requireOurs(place, root, disk.lstat(root));
  let isLeftOver = false;
  try {
    disk.mkdir(staging, 0o700);
  } catch (error) {
    removeIfEmpty(disk, root);
    if (!isErrno(error, 'EEXIST')) throw error;
    const left = disk.lstat(staging);
    if (!resume || left?.isDirectory() !== true) throw inUseFailure();
    requireOurs(place, staging, left);
    isLeftOver = true;
  }
  inUse.add(staging);
  return isLeftOver;
}

/** Whether an interrupted session has left its place, and no other goes on with it. */
export function isLeft({ disk, inUse, staging }: Staging): boolean {
  return !inUse.has(staging) && disk.lstat(staging)?.isDirectory() === true;
}

/** Lets go of a place and leaves it for a later session. */
export function leaveStaging({ inUse, staging }: Staging): void {
  inUse.delete(staging);
}

/** Removes the place of a transfer, and the staging folder with the last of them. */
export function removeStaging({ disk, inUse, root, staging }: Staging): void {
  inUse.delete(staging);
  disk.removeTree(staging);
  removeIfEmpty(disk, root);
}

/**
 * What it means that a call on a transfer's files failed: for its entry, or for the transfer if its place has
 * gone, as it does when the receive folder is removed or its disk is unmounted.
 */
export function failureIn({ disk, staging }: Staging, error: unknown): CourierError {
  const failure = writeFailure(error);
  if (!isDestinationFailure(failure.code) || (disk.isInPlace() && isFolder(disk, staging))) return failure;
  return goneFailure(staging, error);
}

/**
 * Throws if the receive folder is no longer where it was: what is held of it can still be written to, but nobody who
 * looks there would find it.
 */
export function requireInPlace({ disk, staging }: Staging): void {
  if (!disk.isInPlace()) throw goneFailure(staging);
}

function goneFailure(staging: string, cause?: unknown): CourierError {
  const message = `${staging} has gone: the receive folder was removed, or its disk unmounted`;
  return new CourierError('destination-unwritable', message, { cause });
}

/* oxlint-disable no-bitwise -- sets of permissions */
/** What somebody else could write in, they could also fill with what we would then publish. */
function requireOurs({ disk, root }: Staging, folder: string, stats: FileStats | undefined): void {
  if (stats?.isDirectory() !== true) {
    throw new CourierError('destination-unwritable', `${folder} is not a folder`);
  }
  const user = process.geteuid?.();
  const openTo = stats.mode & 0o022;
  if (user === undefined || (stats.uid === user && openTo === 0)) return;
  // A file system that keeps neither owners nor modes says the same of what is just made.
  const probe = lookAtNewFolder(disk, `${root}-${randomBytes(6).toString('hex')}`);
  if (stats.uid === probe.uid && (openTo & ~probe.mode) === 0) return;
  const what = stats.uid === probe.uid ? 'may be written to by other users' : 'belongs to another user';
  throw new CourierError('destination-unwritable', `${folder} ${what}: it has to be removed`);
}
/* oxlint-enable no-bitwise */

function lookAtNewFolder(disk: FileSystem, location: string): FileStats {
  disk.mkdir(location, 0o700);
  try {
    const stats = disk.lstat(location);
    if (stats !== undefined) return stats;
  } finally {
    disk.rmdir(location);
  }
  throw new CourierError('destination-unwritable', `${location} has gone`);
}

function isFolder(disk: FileSystem, location: string): boolean {
  try {
    return disk.lstat(location)?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** Makes one folder, unless something has its name; the one it lies in has to be there. */
function makeUnlessThere(disk: FileSystem, location: string, mode?: number): void {
  try {
    disk.mkdir(location, mode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

/** Makes a folder, and those that it lies in, as far as they are missing. */
export function makePath(disk: FileSystem, path: string, mode?: number): void {
  // Looks first: what is there, a root above all, need not let itself be made again.
  if (disk.lstat(path) !== undefined) return;
  if (dirname(path) !== path) makePath(disk, dirname(path), mode);
  makeUnlessThere(disk, path, mode);
}

/** What the files in a folder, and in those below it, are long together; 0 if there is no folder. */
export function bytesIn(disk: FileSystem, location: string): number {
  const stats = disk.lstat(location);
  if (stats?.isFile() === true) return stats.size;
  if (stats?.isDirectory() !== true) return 0;
  return disk.readdir(location).reduce((sum, name) => sum + bytesIn(disk, join(location, name)), 0);
}

function inUseFailure(): CourierError {
  return new CourierError('busy', 'this transfer is being received already');
}

function removeIfEmpty(disk: FileSystem, folder: string): void {
  try {
    disk.rmdir(folder);
  } catch {
    // Another transfer is under way, or replaced files are kept there.
  }
}
