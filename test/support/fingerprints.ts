import assert from 'node:assert/strict';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';

/** The fingerprint of nobody in particular; each number has its own, and its beginning tells a few apart. */
export function fingerprintNo(number: number): Fingerprint {
  return parseFingerprint(number.toString(16).padStart(8, '0').repeat(8)) ?? assert.fail(String(number));
}
