import { fromHex, toHex } from '../base/bytes.ts';
import { CourierError } from '../base/failure.ts';

declare const fingerprintBrand: unique symbol;

/**
 * A peer's name for machines: SHA-256 of its public key (SPKI, DER), as 64 lower-case hexadecimal
 * digits. It names the key, so a certificate may be issued anew.
 */
export type Fingerprint = string & { readonly [fingerprintBrand]: true };

export const FINGERPRINT_BYTES = 32;

export function fingerprintOf(spkiDigest: Uint8Array): Fingerprint {
  if (spkiDigest.length !== FINGERPRINT_BYTES) throw new RangeError('a fingerprint has 32 bytes');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a codec gives the brand
  return toHex(spkiDigest) as Fingerprint;
}

/** Parses the stored form; `undefined` for anything else. */
export function parseFingerprint(text: string): Fingerprint | undefined {
  const bytes = fromHex(text);
  return bytes?.length === FINGERPRINT_BYTES ? fingerprintOf(bytes) : undefined;
}

export function fingerprintBytes(fingerprint: Fingerprint): Uint8Array {
  return fromHex(fingerprint) ?? new Uint8Array(0);
}

/** Another key than the one that is trusted: a loud stop, which names both. */
export function wrongIdentity(trusted: Fingerprint, found: Fingerprint): CourierError {
  return new CourierError('wrong-identity', `${shortFingerprint(trusted)} ≠ ${shortFingerprint(found)}`);
}

/** For people: the first 16 digits in groups of four. Enough to recognise, not to verify. */
export function shortFingerprint(fingerprint: Fingerprint): string {
  return (fingerprint.slice(0, 16).match(/.{4}/gu) ?? []).join('-').toUpperCase();
}
