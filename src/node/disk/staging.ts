import { lstatSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from './errno.ts';

/** The place of one transfer in the staging folder of a receive folder. */
export interface Staging {
  /** The staging folder; several transfers may share it. */
  readonly root: string;
  /** The place of one of them, below it. */
  readonly staging: string;
}

/** Makes the place of a transfer; throws `busy` if it is there. */
export function makeStaging({ root, staging }: Staging): void {
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
  } catch (error) {
    removeIfEmpty(root);
    if (isErrno(error, 'EEXIST')) throw new CourierError('busy', 'this transfer is being received already');
    throw error;
  }
}

/** Removes the place of a transfer, and the staging folder with the last of them. */
export function removeStaging({ root, staging }: Staging): void {
  rmSync(staging, { recursive: true, force: true, maxRetries: 3 });
  removeIfEmpty(root);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another transfer is under way, or replaced files are kept there.
  }
}
