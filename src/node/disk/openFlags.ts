/* oxlint-disable no-bitwise -- sets of flags, never sizes or indices */
import { constants } from 'node:fs';

/** To read: never through a link, and never waiting for the other end of a pipe that took a file's place. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** To make a new file: exclusive, and never through a link. */
export const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** What a folder must grant so that things can be made in it. */
export const USE_FOLDER = constants.W_OK | constants.X_OK;

/** Whether a mode lets the owner run the file. */
export function isRunnable(mode: number): boolean {
  return (mode & constants.S_IXUSR) !== 0;
}

/** To write on in a file that is there; never through a link. */
export const UPDATE_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The same mode, but that everybody who may read the file may run it, or nobody. */
export function runnableAs(mode: number, isExecutable: boolean): number {
  const permissions = mode & 0o666;
  return isExecutable ? permissions | ((permissions & 0o444) >> 2) : permissions;
}
