/* oxlint-disable no-bitwise -- sets of flags, never sizes or indices */

/** Whether a mode lets the owner run the file. */
export function isRunnable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}

/**
 * The mode that a received file is to have where it has this one; `undefined` if it has it. Everybody who may read the
 * file may run it, or nobody; and it never runs as another user or group, whoever made it so in staging.
 */
export function correctedMode(mode: number, isExecutable: boolean): number | undefined {
  const present = mode & 0o7777;
  const corrected = isRunnable(mode) === isExecutable ? present & 0o777 : runnableAs(present, isExecutable);
  return corrected === present ? undefined : corrected;
}

function runnableAs(mode: number, isExecutable: boolean): number {
  const permissions = mode & 0o666;
  return isExecutable ? permissions | ((permissions & 0o444) >> 2) : permissions;
}
