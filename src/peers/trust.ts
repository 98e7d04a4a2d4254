import { equalBytes, fromHex } from '../base/bytes.ts';
import type { Hashing } from '../base/hashing.ts';
import type { Fingerprint } from './fingerprint.ts';
import { inviteProof } from './invite.ts';

/** What an inbound connection has shown of itself. */
export interface Introduction {
  /** From the TLS handshake. */
  readonly dialler: Fingerprint;
  readonly listener: Fingerprint;
  readonly exporter: Uint8Array;
  readonly proof: { readonly invite: string; readonly mac: string } | undefined;
}

/** Port to what the user trusts. */
export interface TrustBook {
  isKnown(fingerprint: Fingerprint): boolean;
  /** Known, and not to be let in. */
  isBlocked(fingerprint: Fingerprint): boolean;
  /** The token of an invite that is still good. */
  tokenOf(invite: string): Uint8Array | undefined;
  /** Spends an invite; `false` if somebody else was first. */
  redeem(invite: string): boolean;
}

export type Verdict = 'known' | 'invited' | 'not-paired' | 'invite-refused';

/**
 * Whether a dialler may come in. A known peer needs no invite and spends none. A stranger does not learn
 * whether an invite is wrong, used or expired. Who is blocked hears what a stranger hears, spends no invite, and
 * cannot tell whether it was forgotten.
 */
export function judge(hashing: Hashing, book: TrustBook, introduction: Introduction): Verdict {
  const { dialler, proof } = introduction;
  if (book.isBlocked(dialler)) return proof === undefined ? 'not-paired' : 'invite-refused';
  if (book.isKnown(dialler)) return 'known';
  if (proof === undefined) return 'not-paired';
  const token = book.tokenOf(proof.invite);
  const mac = fromHex(proof.mac);
  if (token === undefined || mac === undefined) return 'invite-refused';
  if (!equalBytes(inviteProof(hashing, { ...introduction, token }), mac)) return 'invite-refused';
  return book.redeem(proof.invite) ? 'invited' : 'invite-refused';
}
