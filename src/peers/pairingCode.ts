import { concatBytes, utf8 } from '../base/bytes.ts';
import type { Hashing } from '../base/hashing.ts';
import { fingerprintBytes } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * What two devices show to their users so that these can tell whether anybody is between them: a short authentication
 * string with commitment (S. Vaudenay: Secure Communications over Insecure Channels Based on Short Authenticated
 * Strings, CRYPTO 2005; RFC 6189 § 4.4.1.1 has it for telephones). Whoever dialled fixes its nonce by a digest before it
 * sees the listener's; so nobody in the middle can choose one that leads to a code of its liking, and computing does
 * not help: one guess is all there is.
 */

export const NONCE_BYTES = 32;
/** How many codes there are: six digits. */
export const CODES = 1_000_000;
const CODE_DIGITS = 6;
/** Leading bytes of a digest that make a number: 2^48 of them, so no code is likelier by more than one part in 10^8. */
const NUMBER_BYTES = 6;

/** The two devices and the connection between them. */
export interface Pair {
  readonly dialler: Fingerprint;
  readonly listener: Fingerprint;
  /** 32 bytes that only the two ends of this TLS connection know (RFC 5705, RFC 8446 § 7.5). */
  readonly exporter: Uint8Array;
}

/** What each side has drawn at random, {@link NONCE_BYTES} bytes. */
export interface Nonces {
  readonly dialler: Uint8Array;
  readonly listener: Uint8Array;
}

/** By what the dialler fixes its nonce. */
export function commitment(
  hashing: Hashing,
  nonce: Uint8Array,
  { dialler, listener }: Omit<Pair, 'exporter'>,
): Uint8Array {
  const message = [
    utf8('peer-courier/1 pairing commitment'),
    nonce,
    fingerprintBytes(dialler),
    fingerprintBytes(listener),
  ];
  return hashing.sha256(concatBytes(message));
}

/** The code that both users see, {@link CODE_DIGITS} digits. Fewer than all `codes` are for simulations alone. */
export function pairingCode(hashing: Hashing, pair: Pair, nonces: Nonces, codes: number = CODES): string {
  const digest = hashing.hmacSha256(keyOf(nonces), about('peer-courier/1 pairing code', pair));
  let number = 0;
  for (const byte of digest.subarray(0, NUMBER_BYTES)) number = number * 256 + byte;
  return String(number % codes).padStart(CODE_DIGITS, '0');
}

/** How a side tells the other that its user said yes to the code: only the two ends can, each for itself. */
export function agreement(
  hashing: Hashing,
  side: 'dialler' | 'listener',
  pair: Pair,
  nonces: Nonces,
): Uint8Array {
  return hashing.hmacSha256(keyOf(nonces), about(`peer-courier/1 pairing yes of the ${side}`, pair));
}

function keyOf({ dialler, listener }: Nonces): Uint8Array {
  return concatBytes([dialler, listener]);
}

function about(label: string, { dialler, listener, exporter }: Pair): Uint8Array {
  return concatBytes([utf8(label), fingerprintBytes(dialler), fingerprintBytes(listener), exporter]);
}
