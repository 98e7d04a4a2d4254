import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from '../disk/errno.ts';

/**
 * Small files of state: written whole, synced, never seen half, readable by their owner only. What cannot
 * be written throws `disk-full` or `state-unusable`.
 */

/** Writes `file` in place of what is there. */
export function replaceFile(file: string, text: string): void {
  const temporary = writeTemporary(file, text);
  try {
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw stateFailure(file, error);
  }
}

/** Writes `file` unless it exists; tells whether it did. */
export function writeNewFile(file: string, text: string): boolean {
  const temporary = writeTemporary(file, text);
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw stateFailure(file, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeTemporary(file: string, text: string): string {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return temporary;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw stateFailure(file, error);
  }
}

/** What it means that something of the state folder cannot be written. */
export function stateFailure(location: string, cause: unknown): CourierError {
  const code = isErrno(cause, 'ENOSPC', 'EDQUOT') ? 'disk-full' : 'state-unusable';
  return new CourierError(code, `${location} cannot be written`, { cause });
}
