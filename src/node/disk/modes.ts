/* oxlint-disable no-bitwise -- sets of flags, never sizes or indices */

/** Whether a mode lets the owner run the file. */
export function isRunnable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}

/** The same mode, but that everybody who may read the file may run it, or nobody. */
export function runnableAs(mode: number, isExecutable: boolean): number {
  const permissions = mode & 0o666;
  return isExecutable ? permissions | ((permissions & 0o444) >> 2) : permissions;
}
