import type { FailureCode } from '../base/failure.ts';

/**
 * When an interrupted transfer is tried again by itself. A decision of a person, a wrong key or a
 * mistake that would happen again is not retried; what has to do with the world is, until the world has
 * had ten minutes to mend.
 */

/** How long it is tried without any progress. */
export const RETRY_FOR_MS = 10 * 60 * 1000;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

const INTERRUPTIONS: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'busy',
  'connection-lost',
  'destination-unwritable',
  'disk-full',
  'internal',
  'not-listening',
  'timed-out',
  'unreachable',
]);

/** Whether what ended the session may pass: what was received is then worth keeping. */
export function isInterruption(code: FailureCode): boolean {
  return INTERRUPTIONS.has(code);
}

/** The wait before attempt `attempt` (1 is the first retry) since the last progress, milliseconds. */
export function retryDelayMs(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
}
