import { execFile } from 'node:child_process';
import type { Ended } from '../../doctor/signs.ts';

/** How long a program may take to say what it sees, … */
const LIMIT_MS = 3000;
/** … and how much that may be. */
const MOST_BYTES = 64 * 1024;

/**
 * Runs a program of the system that shows something and changes nothing, by its absolute name, without a shell and
 * without input. Absent if it is not there, takes too long, or is killed.
 */
export function runReadOnly(
  [program, ...words]: readonly [string, ...string[]],
  { signal }: { readonly signal: AbortSignal },
): Promise<Ended | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: LIMIT_MS, maxBuffer: MOST_BYTES, windowsHide: true, signal };
    const child = execFile(program, words, options, (error, stdout) => {
      if (error === null) resolve({ status: 0, stdout });
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout });
      else resolve(undefined);
    });
    child.stdin?.end();
  });
}
