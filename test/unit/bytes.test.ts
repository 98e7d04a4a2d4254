import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64Url,
  toHex,
  utf8,
  utf8Length,
} from '../../src/base/bytes.ts';
import { testProperty } from '../support/random.ts';

const anyBytes = fc.uint8Array({ maxLength: 100 });
/** UTF-16 with everything in it, lone surrogates too. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
);
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

testProperty('hexadecimal is that of Buffer', anyBytes, (bytes) => {
  assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'));
  assert.deepEqual(fromHex(toHex(bytes)), bytes);
});

testProperty('base64url is that of Buffer', anyBytes, (bytes) => {
  assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
  assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
});

testProperty(
  'takes a text as base64url only if Buffer writes it back the same',
  fc.string({ unit: fc.constantFrom(...DIGITS, ...'+/= \n\u0141'), maxLength: 12 }),
  (text) => {
    const bytes = Buffer.from(text, 'base64url');
    const isCanonical = bytes.toString('base64url') === text;
    assert.deepEqual(fromBase64Url(text), isCanonical ? Uint8Array.from(bytes) : undefined);
  },
  5000,
);

test('every pair of digits is base64url exactly if its stray bits are zero', () => {
  for (const first of DIGITS) {
    for (const [value, second] of Array.from(DIGITS).entries()) {
      assert.equal(fromBase64Url(first + second)?.length, value % 16 === 0 ? 1 : undefined, first + second);
      assert.equal(
        fromBase64Url(`A${first}${second}`)?.length,
        value % 4 === 0 ? 2 : undefined,
        `A${first}${second}`,
      );
    }
  }
});

for (const text of ['0', '000', 'AB', 'aB', '0g', 'g0', ' 00', '00 ', '0x', '0\n', '-1', '０0', '00\u0000']) {
  test(`${JSON.stringify(text)} is not lower-case hexadecimal`, () => assert.equal(fromHex(text), undefined));
}

for (const text of [
  'A',
  'AAAAA',
  'AA==',
  'AA=',
  'AAA=',
  'A+AA',
  'A/AA',
  'AA A',
  ' AAA',
  'AAA\n',
  'AB',
  'AAB',
  'ＡAAA',
  '=',
]) {
  test(`${JSON.stringify(text)} is not base64url`, () => assert.equal(fromBase64Url(text), undefined));
}

testProperty('UTF-8 and its length are those of Buffer', anyText, (text) => {
  assert.deepEqual(utf8(text), Uint8Array.from(Buffer.from(text)));
  assert.equal(utf8Length(text), Buffer.byteLength(text));
  if (text.isWellFormed()) assert.equal(fromUtf8(utf8(text)), text);
});

test('UTF-8 is as long as its edges say', () => {
  const edges = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  const lengths = edges.map((code) => utf8Length(String.fromCodePoint(code)));
  assert.deepEqual(lengths, [1, 1, 2, 2, 3, 3, 3, 3, 4, 4]);
});

for (const bytes of [
  [0x80],
  [0xc3],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
  [0x61, 0xe2, 0x82],
]) {
  test(`${toHex(Uint8Array.from(bytes))} is not UTF-8`, () => {
    assert.throws(() => fromUtf8(Uint8Array.from(bytes)), TypeError);
  });
}

test('a byte-order mark is kept, so that no two byte strings become one text', () => {
  assert.equal(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), '\ufeffa');
});

testProperty('joins as Buffer does', fc.array(anyBytes), (parts) => {
  assert.deepEqual(concatBytes(parts), Uint8Array.from(Buffer.concat(parts)));
});

testProperty(
  'equal is what Buffer finds equal',
  fc.tuple(anyBytes, anyBytes, fc.nat()),
  ([left, right, at]) => {
    assert.equal(equalBytes(left, right), Buffer.compare(left, right) === 0);
    assert.equal(equalBytes(left, left.slice()), true);
    if (left.length === 0) return;
    const other = left.slice();
    other[at % left.length] = (left[at % left.length] ?? 0) ^ 1;
    assert.equal(equalBytes(left, other), false);
    assert.equal(equalBytes(left, left.subarray(1)), false);
  },
);
