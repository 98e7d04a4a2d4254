import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fingerprintBytes,
  fingerprintOf,
  parseFingerprint,
  shortFingerprint,
} from '../../src/peers/fingerprint.ts';
import { testProperty } from '../support/random.ts';

const ZEROS = '00'.repeat(32);

testProperty(
  'every fingerprint survives being stored',
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  (digest) => {
    const fingerprint = fingerprintOf(digest);
    assert.equal(fingerprint, Buffer.from(digest).toString('hex'));
    assert.equal(parseFingerprint(fingerprint), fingerprint);
    assert.deepEqual(fingerprintBytes(fingerprint), digest);
  },
);

test('a digest of another length makes no fingerprint', () => {
  for (const length of [0, 1, 20, 31, 33, 64]) {
    assert.throws(() => fingerprintOf(new Uint8Array(length)), RangeError, `${length} bytes`);
  }
});

for (const text of [
  '',
  ZEROS.slice(1),
  ZEROS.slice(2),
  `${ZEROS}0`,
  `${ZEROS}00`,
  'AB'.repeat(32),
  `${ZEROS.slice(1)}g`,
  ` ${ZEROS.slice(1)}`,
  `${ZEROS.slice(1)}\n`,
]) {
  test(`${JSON.stringify(text.slice(-12))}, ${text.length} characters, is no fingerprint`, () => {
    assert.equal(parseFingerprint(text), undefined);
  });
}

test('people see the first eight bytes', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, at) => 0xa0 + at);
  assert.equal(shortFingerprint(fingerprintOf(digest)), 'A0A1-A2A3-A4A5-A6A7');
});
