import { ENTRY_FAILURES, SESSION_FAILURES } from '../../base/failure.ts';
import type { Failure } from '../../rpc/model.ts';

/** What can go wrong before the engine is even asked. */
export type EditorFailureCode =
  | Failure['code']
  /** The engine's process could not be started or reached. */
  | 'engine-unavailable'
  /** Another window runs an engine of a newer, different kind. */
  | 'engine-newer'
  /** Not a file that can be sent: an unsaved document, an output, a place without files. */
  | 'place-unusable';

export interface EditorFailure {
  readonly code: EditorFailureCode;
  readonly detail: string;
  readonly origin: 'local' | 'remote';
}

/** A failure on its way to the user. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: EditorFailure;

  constructor(failure: EditorFailure, options?: { readonly cause?: unknown }) {
    super(`${failure.code}: ${failure.detail}`, options);
    this.failure = failure;
  }
}

/** A failure that this window found. */
export function localFailure(code: EditorFailureCode, detail = '', cause?: unknown): FailureError {
  return new FailureError({ code, detail, origin: 'local' }, { cause });
}

const CODES: ReadonlySet<string> = new Set([...SESSION_FAILURES, ...ENTRY_FAILURES, 'gone']);

/** The failure in an error's data, if it is one. */
export function parseFailure(data: unknown): Failure | undefined {
  if (typeof data !== 'object' || data === null || !('code' in data)) return undefined;
  const { code } = data;
  if (typeof code !== 'string' || !isFailureCode(code)) return undefined;
  const detail = 'detail' in data && typeof data.detail === 'string' ? data.detail : '';
  const origin = 'origin' in data && data.origin === 'remote' ? 'remote' : 'local';
  return { code, detail, origin };
}

function isFailureCode(code: string): code is Failure['code'] {
  return CODES.has(code);
}

/** What is shown for anything that was thrown. */
export function failureOf(error: unknown): EditorFailure {
  if (error instanceof FailureError) return error.failure;
  return {
    code: 'internal',
    detail: error instanceof Error ? error.message : String(error),
    origin: 'local',
  };
}

export function isCancelled(error: unknown): boolean {
  return error instanceof FailureError && error.failure.code === 'cancelled';
}
