import { lstatSync, mkdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from './errno.ts';

/** The place of one transfer in the staging folder of a receive folder. */
export interface Staging {
  /** The staging folder; several transfers may share it. */
  readonly root: string;
  /** The place of one of them, below it. */
  readonly staging: string;
}

/** The places that sessions of this process work in; no two share one. */
const inUse = new Set<string>();

/**
 * Makes the place of a transfer and takes it into use; throws `busy` if it is there. With `resume` one that is
 * there will do, unless it is in use; tells whether it was.
 */
export function makeStaging({ root, staging }: Staging, { resume }: { readonly resume: boolean }): boolean {
  if (inUse.has(staging)) throw inUseFailure();
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  // A link planted here would lead everything elsewhere.
  if (!lstatSync(root).isDirectory()) {
    throw new CourierError('destination-unwritable', `${root} is not a folder`);
  }
  try {
    mkdirSync(staging, { mode: 0o700 });
    inUse.add(staging);
    return false;
  } catch (error) {
    removeIfEmpty(root);
    if (!isErrno(error, 'EEXIST')) throw error;
    if (!resume || !isLeft(staging)) throw inUseFailure();
    inUse.add(staging);
    return true;
  }
}

/** Whether an interrupted session has left its place, and no other goes on with it. */
export function isLeft(staging: string): boolean {
  return !inUse.has(staging) && lstatSync(staging, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Lets go of a place and leaves it for a later session. */
export function leaveStaging({ staging }: Staging): void {
  inUse.delete(staging);
}

/**
 * Removes what lies at `location` in staging, if anything does. Looks first: `rmSync` fails without an error code
 * at a name that is too long.
 */
export function removeStaged(location: string): void {
  const there = lstatSync(location, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (there.isDirectory()) rmSync(location, { recursive: true, force: true, maxRetries: 3 });
  else unlinkSync(location);
}

/** Removes the place of a transfer, and the staging folder with the last of them. */
export function removeStaging({ root, staging }: Staging): void {
  inUse.delete(staging);
  rmSync(staging, { recursive: true, force: true, maxRetries: 3 });
  removeIfEmpty(root);
}

function inUseFailure(): CourierError {
  return new CourierError('busy', 'this transfer is being received already');
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another transfer is under way, or replaced files are kept there.
  }
}
