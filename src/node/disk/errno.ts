import { CourierError } from '../../base/failure.ts';
import type { FailureCode } from '../../base/failure.ts';

/** The error code of a system call (`ENOENT` …), if `error` is one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && codes.includes(code);
}

/** An error as a system call throws it. */
export function errnoError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

/** What a failed write to the receive folder means for the transfer or for its entry. */
export function writeFailure(error: unknown): CourierError {
  if (CourierError.is(error)) return error;
  return new CourierError(writeFailureCode(errnoOf(error)), describe(error), { cause: error });
}

function writeFailureCode(code: string | undefined): FailureCode {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'disk-full';
    case 'EROFS':
      return 'destination-unwritable';
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
      return 'name-taken';
    case 'ENAMETOOLONG':
    case 'EILSEQ':
    case 'EINVAL':
      return 'name-refused';
    default:
      return 'disk-error';
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
