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

/** What a dialler has shown of itself that wants to receive what this device shares. */
export interface ShareIntroduction extends Introduction {
  /** The transfer that it wants to go on receiving; it learns the name of one with the offer. */
  readonly transfer: string | undefined;
}

/** Something that is shared, and has not ended. */
export interface OpenShare {
  readonly transfer: string;
  /** Who has redeemed it; `undefined`: nobody yet. */
  readonly peer: Fingerprint | undefined;
}

/** Port to what is shared, and to whom. */
export interface ShareBook extends TrustBook {
  byTransfer(transfer: string): OpenShare | undefined;
  byInvite(invite: string): OpenShare | undefined;
}

export type ShareVerdict =
  /** `isNew`: it has redeemed the invite just now. */
  | { readonly share: OpenShare; readonly isNew: boolean }
  | { readonly refusal: 'not-paired' | 'invite-refused' };

/**
 * Whether a dialler may have what it asks for. A share has one receiver: whoever redeems its invite first. That one is
 * known from then on and comes back without the token, under the transfer's name, or under the invite's as long as it
 * has not heard that name. Whoever else it is learns nothing, also not whether there is such a share; and who is blocked
 * hears what a stranger hears.
 */
export function judgeShare(hashing: Hashing, book: ShareBook, introduction: ShareIntroduction): ShareVerdict {
  const { dialler, proof, transfer } = introduction;
  if (book.isBlocked(dialler)) return { refusal: proof === undefined ? 'not-paired' : 'invite-refused' };
  const isKnown = book.isKnown(dialler);
  const named = transfer === undefined ? undefined : book.byTransfer(transfer);
  const invited = proof === undefined ? undefined : book.byInvite(proof.invite);
  const own = [named, invited].find((share) => share?.peer === dialler);
  if (own !== undefined && isKnown) return { share: own, isNew: false };
  if (proof === undefined) return { refusal: isKnown ? 'invite-refused' : 'not-paired' };
  const token = book.tokenOf(proof.invite);
  const mac = fromHex(proof.mac);
  if (invited === undefined || invited.peer !== undefined || token === undefined || mac === undefined) {
    return { refusal: 'invite-refused' };
  }
  if (!equalBytes(inviteProof(hashing, { ...introduction, token }, 'share'), mac)) {
    return { refusal: 'invite-refused' };
  }
  return book.redeem(proof.invite) ? { share: invited, isNew: true } : { refusal: 'invite-refused' };
}
