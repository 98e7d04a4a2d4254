import { dirname, join } from 'node:path';
import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import { isErrno, writeFailure } from './errno.ts';
import type { FileSystem } from './fileSystem.ts';

/** The place of one transfer in the staging folder of a receive folder. */
export interface Staging {
  readonly disk: FileSystem;
  /** The staging folder; several transfers may share it. */
  readonly root: string;
  /** The place of one of them, below it. */
  readonly staging: string;
}

/** The places that sessions of this process work in, on each disk; no two share one. */
const inUse = new WeakMap<FileSystem, Set<string>>();

/**
 * Makes the place of a transfer and takes it into use; throws `busy` if it is there. With `resume` one that is
 * there will do, unless it is in use; tells whether it was. Never makes the receive folder.
 */
export function makeStaging(place: Staging, { resume }: { readonly resume: boolean }): boolean {
  const { disk, root, staging } = place;
  const taken = placesInUse(disk);
  if (taken.has(staging)) throw inUseFailure();
  makeUnlessThere(disk, root, 0o700);
  // A link planted here would lead everything elsewhere.
  if (disk.lstat(root)?.isDirectory() !== true) {
    throw new CourierError('destination-unwritable', `${root} is not a folder`);
  }
  let isLeftOver = false;
  try {
    disk.mkdir(staging, 0o700);
  } catch (error) {
    removeIfEmpty(disk, root);
    if (!isErrno(error, 'EEXIST')) throw error;
    if (!resume || !isLeft(place)) throw inUseFailure();
    isLeftOver = true;
  }
  taken.add(staging);
  return isLeftOver;
}

/** Whether an interrupted session has left its place, and no other goes on with it. */
export function isLeft({ disk, staging }: Staging): boolean {
  return !placesInUse(disk).has(staging) && disk.lstat(staging)?.isDirectory() === true;
}

/** Lets go of a place and leaves it for a later session. */
export function leaveStaging({ disk, staging }: Staging): void {
  placesInUse(disk).delete(staging);
}

/** Removes the place of a transfer, and the staging folder with the last of them. */
export function removeStaging({ disk, root, staging }: Staging): void {
  placesInUse(disk).delete(staging);
  disk.removeTree(staging);
  removeIfEmpty(disk, root);
}

/**
 * What it means that a call on a transfer's files failed: for its entry, or for the transfer if its place has
 * gone, as it does when the receive folder is removed or its disk is unmounted.
 */
export function failureIn({ disk, staging }: Staging, error: unknown): CourierError {
  const failure = writeFailure(error);
  if (!isDestinationFailure(failure.code) || isFolder(disk, staging)) return failure;
  const message = `${staging} has gone: the receive folder was removed, or its disk unmounted`;
  return new CourierError('destination-unwritable', message, { cause: error });
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

function placesInUse(disk: FileSystem): Set<string> {
  const places = inUse.get(disk) ?? new Set();
  inUse.set(disk, places);
  return places;
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
