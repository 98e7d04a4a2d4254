import { constants } from 'node:os';

const errnos: ReadonlyMap<string, number> = new Map(Object.entries(constants.errno));

/** An error as Node's for a failed system call: `code` is the name of the errno. */
export function simError(code: string, syscall: string, location: string): Error {
  const errno = errnos.get(code);
  if (errno === undefined) throw new Error(`there is no errno ${code}`);
  const error = new Error(`${code}: simulated, ${syscall} '${location}'`);
  return Object.assign(error, { code, errno: -errno, syscall, path: location });
}

/** A process goes on that was killed. */
export class SimDeadError extends Error {
  override readonly name = 'SimDeadError';

  constructor() {
    super('this process was killed');
  }
}
