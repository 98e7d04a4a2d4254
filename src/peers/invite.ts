import { concatBytes, equalBytes, fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from '../base/bytes.ts';
import { CourierError } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import { formatAddress, parseAddress } from './address.ts';
import type { Address } from './address.ts';
import { FINGERPRINT_BYTES, fingerprintBytes, fingerprintOf } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * An invite is one line to paste or to hand over as a file:
 *
 *     peer-courier:<base64url of: form (1) | fingerprint (32) | id (8) | token (16) |
 *                                 addresses in UTF-8, separated by commas | checksum (4)>
 *
 * The fingerprint authenticates who made it, the one-time token who holds it. The token never travels:
 * the dialler sends an HMAC under it over the exporter of the TLS connection, which no other connection
 * shares. The id is drawn at random and not derived from the token: what is derived from a secret must
 * not be used as a name (croc, CVE-2023-43617). The checksum finds a line that was cut or mistyped.
 */
export interface Invite {
  readonly fingerprint: Fingerprint;
  /** 8 bytes that tell the inviter which of its invites this is. */
  readonly id: Uint8Array;
  /** 16 secret bytes. */
  readonly token: Uint8Array;
  /** At least one. */
  readonly addresses: readonly Address[];
}

/**
 * What whoever made an invite wants of whoever uses it: to be sent something, or that something which is shared is
 * fetched. The one cannot be taken for the other: not the line, and not the proof.
 */
export type InviteKind = 'receive' | 'share';

export const INVITE_ID_BYTES = 8;
export const INVITE_TOKEN_BYTES = 16;
/** An invite is good for ten minutes. */
export const INVITE_LIFE_MS = 10 * 60 * 1000;

const PREFIX = 'peer-courier:';
/** The first byte tells the kinds apart. */
const FORMS: Readonly<Record<InviteKind, number>> = { receive: 1, share: 2 };
/** What a proof begins with. */
const PROOF_LABELS: Readonly<Record<InviteKind, string>> = {
  receive: 'peer-courier/1 invite',
  share: 'peer-courier/1 share',
};
const CHECKSUM_BYTES = 4;
const HEAD_BYTES = 1 + FINGERPRINT_BYTES + INVITE_ID_BYTES + INVITE_TOKEN_BYTES;
const MOST_ADDRESSES = 16;
/** Above what sixteen addresses of the longest hosts come to. */
const MOST_CHARACTERS = 8192;

export function encodeInvite(hashing: Hashing, invite: Invite, kind: InviteKind = 'receive'): string {
  if (invite.addresses.length === 0) throw new RangeError('an invite needs an address');
  const addresses = invite.addresses.slice(0, MOST_ADDRESSES).map(formatAddress).join(',');
  const body = concatBytes([
    Uint8Array.of(FORMS[kind]),
    fingerprintBytes(invite.fingerprint),
    invite.id,
    invite.token,
    utf8(addresses),
  ]);
  return PREFIX + toBase64Url(concatBytes([body, checksum(hashing, body)]));
}

/**
 * Parses an invite of one kind; throws `invite-garbled` with what is wrong, and never with what it read, and
 * `other-invite` for a whole one of the other kind.
 */
export function parseInvite(hashing: Hashing, text: string, kind: InviteKind = 'receive'): Invite {
  const line = text.trim();
  if (line.length > MOST_CHARACTERS) throw garbled('it is too long');
  if (!line.startsWith(PREFIX)) throw garbled(`it does not begin with "${PREFIX}"`);
  const bytes = fromBase64Url(line.slice(PREFIX.length));
  if (bytes === undefined || bytes.length < HEAD_BYTES + CHECKSUM_BYTES) {
    throw garbled('it is cut or mistyped');
  }
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (!equalBytes(checksum(hashing, body), bytes.subarray(-CHECKSUM_BYTES))) {
    throw garbled('it is cut or mistyped');
  }
  const [form] = body;
  if (form !== FORMS[kind]) {
    if (form === FORMS.receive || form === FORMS.share) throw new CourierError('other-invite', '');
    throw garbled('it was made by another version');
  }
  const idAt = 1 + FINGERPRINT_BYTES;
  const tokenAt = idAt + INVITE_ID_BYTES;
  return {
    fingerprint: fingerprintOf(body.subarray(1, idAt)),
    id: body.slice(idAt, tokenAt),
    token: body.slice(tokenAt, HEAD_BYTES),
    addresses: parseAddresses(body.subarray(HEAD_BYTES)),
  };
}

/** What the dialler must know to redeem an invite on one connection. */
export interface ProofInput {
  readonly token: Uint8Array;
  /** 32 bytes that only the two ends of this TLS connection know (RFC 5705, RFC 8446 § 7.5). */
  readonly exporter: Uint8Array;
  readonly dialler: Fingerprint;
  readonly listener: Fingerprint;
}

/** The proof that the dialler holds the token, bound to this connection and to both identities. */
export function inviteProof(
  hashing: Hashing,
  { token, exporter, dialler, listener }: ProofInput,
  kind: InviteKind = 'receive',
): Uint8Array {
  const message = [utf8(PROOF_LABELS[kind]), exporter, fingerprintBytes(dialler), fingerprintBytes(listener)];
  return hashing.hmacSha256(token, concatBytes(message));
}

/** The name of an invite, for its file and its place on the wire. */
export function inviteName(id: Uint8Array): string {
  return toHex(id);
}

function parseAddresses(bytes: Uint8Array): readonly Address[] {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new CourierError('invite-garbled', 'its addresses are not text', { cause });
  }
  const addresses = text.split(',').map((part) => parseAddress(part));
  const valid = addresses.filter((address) => address !== undefined);
  if (valid.length !== addresses.length || valid.length > MOST_ADDRESSES) {
    throw garbled('its addresses make no sense');
  }
  return valid;
}

function checksum(hashing: Hashing, body: Uint8Array): Uint8Array {
  return hashing.sha256(body).subarray(0, CHECKSUM_BYTES);
}

function garbled(reason: string): CourierError {
  return new CourierError('invite-garbled', reason);
}
