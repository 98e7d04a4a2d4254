/**
 * Every way in which something can fail, by a stable code. The code travels on the wire, decides the
 * exit status of the terminal program and picks the sentence that a person reads; the message of a
 * {@link CourierError} is for logs.
 */

/** Reasons that concern a whole session or transfer. */
export const SESSION_FAILURES = [
  'address-unavailable',
  'busy',
  'cancelled',
  'code-differs',
  'connection-lost',
  'declined',
  'destination-unwritable',
  'disk-full',
  'internal',
  'invite-expired',
  'invite-garbled',
  'invite-refused',
  'limit-exceeded',
  'not-listening',
  'not-paired',
  'not-pairing',
  'not-peer-courier',
  'nothing-to-send',
  'other-invite',
  'pairing-broken-off',
  'pairing-paused',
  'peer-blocked',
  'peer-name-taken',
  'port-in-use',
  'protocol-error',
  'source-missing',
  'state-unusable',
  'timed-out',
  'unreachable',
  'version-mismatch',
  'wrong-identity',
] as const;

/** Reasons of the sender that concern one entry; the others arrive. */
export const SOURCE_FAILURES = ['source-changed', 'source-unreadable', 'source-vanished'] as const;

/** Reasons of the receiver that concern one entry. */
export const DESTINATION_FAILURES = ['disk-error', 'name-refused', 'name-taken'] as const;

export const ENTRY_FAILURES = [...DESTINATION_FAILURES, ...SOURCE_FAILURES] as const;

export type SessionFailure = (typeof SESSION_FAILURES)[number];
export type SourceFailure = (typeof SOURCE_FAILURES)[number];
export type DestinationFailure = (typeof DESTINATION_FAILURES)[number];
export type EntryFailure = (typeof ENTRY_FAILURES)[number];
export type FailureCode = SessionFailure | EntryFailure;

/** An error with a code from the tables above. Everything this project throws on purpose is one. */
export class CourierError<Code extends FailureCode = FailureCode> extends Error {
  override readonly name: string = 'CourierError';
  readonly code: Code;

  constructor(code: Code, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Whether `error` is a {@link CourierError}, with the given code if one is named. */
  static is(error: unknown, code?: FailureCode): error is CourierError {
    return error instanceof CourierError && (code === undefined || error.code === code);
  }
}

export function isSourceFailure(code: string): code is SourceFailure {
  return SOURCE_FAILURES.some((failure) => failure === code);
}

export function isDestinationFailure(code: string): code is DestinationFailure {
  return DESTINATION_FAILURES.some((failure) => failure === code);
}

export function isEntryFailure(code: string): code is EntryFailure {
  return ENTRY_FAILURES.some((failure) => failure === code);
}

function isSessionFailure(code: string): code is SessionFailure {
  return SESSION_FAILURES.some((failure) => failure === code);
}

/** What an error means for the session in which it happened: the code for the peer, the message for logs. */
export function sessionFailureOf(error: unknown): {
  readonly code: SessionFailure;
  readonly message: string;
} {
  const message = error instanceof Error ? error.message : String(error);
  return { code: CourierError.is(error) && isSessionFailure(error.code) ? error.code : 'internal', message };
}

/** The peer broke the protocol. Its connection is closed; nothing it said since counts. */
export class RemoteProtocolError extends CourierError<
  'protocol-error' | 'limit-exceeded' | 'version-mismatch'
> {
  override readonly name = 'RemoteProtocolError';
}

/** We broke the protocol: a bug of ours. */
export class LocalProtocolError extends CourierError<'internal'> {
  override readonly name = 'LocalProtocolError';

  constructor(message: string) {
    super('internal', message);
  }
}
