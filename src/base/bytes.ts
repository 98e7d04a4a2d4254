/** Pure helpers over byte arrays. No Node `Buffer` here: the pure rooms run anywhere. */

const HEX_DIGITS = '0123456789abcdef';
const BASE64URL_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, as the encoding standard says. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes the UTF-8 bytes of `text` to the beginning of `into`, which has room for them; returns how many they are. */
export function writeUtf8(text: string, into: Uint8Array): number {
  return encoder.encodeInto(text, into).written;
}

/** Decodes UTF-8; throws a `TypeError` on malformed input. */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes);
}

/** Length of `text` in UTF-8 bytes, without encoding it. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isTrailSurrogate(text.charCodeAt(index + 1))) {
      length += 4;
      index += 1;
    } else length += 3;
  }
  return length;
}

function isTrailSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** One array with the bytes of all `parts`, in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/**
 * Whether two arrays hold the same bytes. Looks at every byte whatever it finds, so that comparing a
 * secret tells nothing through its duration; the lengths are not secret.
 */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let differing = 0;
  for (let index = 0; index < left.length; index += 1) {
    differing += left[index] === right[index] ? 0 : 1;
  }
  return differing === 0;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += HEX_DIGITS.charAt(Math.floor(byte / 16)) + HEX_DIGITS.charAt(byte % 16);
  }
  return text;
}

/** Parses lower-case hexadecimal; `undefined` for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    const high = HEX_DIGITS.indexOf(text.charAt(index * 2));
    const low = HEX_DIGITS.indexOf(text.charAt(index * 2 + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = high * 16 + low;
  }
  return bytes;
}

/** Base64 with the URL-safe alphabet of RFC 4648 § 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let offset = 0; offset < bytes.length; offset += 3) {
    const have = Math.min(3, bytes.length - offset);
    let group = 0;
    for (let index = 0; index < 3; index += 1) group = group * 256 + (bytes[offset + index] ?? 0);
    let digits = '';
    for (let index = 0; index < 4; index += 1) {
      digits = BASE64URL_DIGITS.charAt(group % 64) + digits;
      group = Math.floor(group / 64);
    }
    text += digits.slice(0, have + 1);
  }
  return text;
}

/** Parses what {@link toBase64Url} makes, and only that: no padding, no stray bits; else `undefined`. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let written = 0;
  for (let offset = 0; offset < text.length; offset += 4) {
    const digits = text.slice(offset, offset + 4);
    let group = 0;
    for (let index = 0; index < 4; index += 1) {
      const value = index < digits.length ? BASE64URL_DIGITS.indexOf(digits.charAt(index)) : 0;
      if (value < 0) return undefined;
      group = group * 64 + value;
    }
    const have = digits.length - 1;
    const unused = 256 ** (3 - have);
    if (group % unused !== 0) return undefined;
    for (let index = 0; index < have; index += 1) {
      bytes[written] = Math.floor(group / 256 ** (2 - index)) % 256;
      written += 1;
    }
  }
  return bytes;
}
