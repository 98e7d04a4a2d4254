import type { FailureCode } from '../base/failure.ts';

/**
 * When an interrupted transfer is tried again by itself. A decision of a person, a wrong key or a
 * mistake that would happen again is not retried; what has to do with the world is: soon, then later and
 * later, until the world has had ten minutes to mend. Who lives long goes on after that, quietly.
 */

/** How long it is tried without any progress, unless the user says otherwise. */
export const RETRY_FOR_MS = 10 * 60 * 1000;
/** How often it is tried after that by whoever does not give up. */
export const QUIET_RETRY_MS = 2 * 60 * 1000;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** To dial costs next to nothing, and when the peer is back, data is to flow within two seconds. */
const LONGEST_DIAL_DELAY_MS = 500;
const ONLY_DIALLED: ReadonlySet<string> = new Set<FailureCode>([
  'connection-lost',
  'not-listening',
  'not-peer-courier',
  'timed-out',
  'unreachable',
]);

const INTERRUPTIONS: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'busy',
  'connection-lost',
  'destination-unwritable',
  'disk-error',
  'disk-full',
  'internal',
  'not-listening',
  // Who answers for a peer that is away (a tunnel, a forwarded port) hangs up at once.
  'not-peer-courier',
  'timed-out',
  'unreachable',
]);

/** How long somebody waits for the world to mend. */
export interface Patience {
  /** How long it is tried without any progress, milliseconds; 0: not once more. */
  readonly forMs: number;
  /** How often it is tried after that; absent: then the user decides. */
  readonly thenEveryMs?: number;
}

/** Whether what ended the session may pass: what was received is then worth keeping. */
export function isInterruption(code: FailureCode): boolean {
  return INTERRUPTIONS.has(code);
}

/**
 * The wait before attempt `attempt` (1 is the first retry), milliseconds, when the last one ended with `code` and
 * nothing has moved for `standstillMs`; `undefined`: patience is at an end.
 */
export function retryDelayMs(
  {
    attempt,
    code,
    standstillMs,
  }: { readonly attempt: number; readonly code: string; readonly standstillMs: number },
  { forMs, thenEveryMs }: Patience,
): number | undefined {
  if (standstillMs >= forMs) return thenEveryMs;
  // A peer that answers has everything offered again, only to say no once more.
  const longest = ONLY_DIALLED.has(code) ? LONGEST_DIAL_DELAY_MS : LONGEST_DELAY_MS;
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), longest);
}
