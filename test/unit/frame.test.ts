import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { decodeHeader, encodeHeader, frameName, FrameType, HEADER_BYTES } from '../../src/protocol/frame.ts';
import type { FrameHeader } from '../../src/protocol/frame.ts';
import { testProperty } from '../support/random.ts';
import { isRemoteError } from '../support/samples.ts';

/** `text` is hexadecimal, with spaces between the fields. */
function bytesOf(text: string): Uint8Array {
  return fromHex(text.replaceAll(' ', '')) ?? assert.fail(`not hexadecimal: ${text}`);
}

function check(text: string, header: FrameHeader): void {
  test(`the header ${text}`, () => {
    assert.equal(toHex(encodeHeader(header)), text.replaceAll(' ', ''));
    assert.deepEqual(decodeHeader(bytesOf(text)), header);
  });
}

check('01 00 0000 00000000 00000000 00000000', { type: 1, length: 0, index: 0 });
check('07 00 0000 00400028 00000000 00000001', { type: 7, length: 4 * 1024 * 1024 + 40, index: 1 });
check('0e 00 0000 00000001 00000000 ffffffff', { type: 14, length: 1, index: 2 ** 32 - 1 });
check('06 00 0000 00000001 00000001 00000000', { type: 6, length: 1, index: 2 ** 32 });
check('03 00 0000 80000000 00000001 80000001', { type: 3, length: 2 ** 31, index: 2 ** 32 + 2 ** 31 + 1 });
check('08 00 0000 ffffffff 001fffff ffffffff', { type: 8, length: 2 ** 32 - 1, index: 2 ** 53 - 1 });

function checkRefused(what: string, text: string): void {
  test(`refuses ${what}`, () => {
    assert.throws(() => decodeHeader(bytesOf(text)), isRemoteError('protocol-error'));
  });
}

checkRefused('type 0', '00 00 0000 00000000 00000000 00000000');
checkRefused('the type after the last', '16 00 0000 00000000 00000000 00000000');
checkRefused('type 255', 'ff 00 0000 00000000 00000000 00000000');
checkRefused('the lowest flag', '01 01 0000 00000000 00000000 00000000');
checkRefused('the highest flag', '01 80 0000 00000000 00000000 00000000');
checkRefused('the first reserved byte', '01 00 0100 00000000 00000000 00000000');
checkRefused('the second reserved byte', '01 00 0001 00000000 00000000 00000000');
checkRefused('index 2^53', '01 00 0000 00000000 00200000 00000000');
checkRefused('index 2^53 + 1', '01 00 0000 00000000 00200000 00000001');
checkRefused('index 2^63', '01 00 0000 00000000 80000000 00000000');
checkRefused('index 2^64 - 1', '01 00 0000 00000000 ffffffff ffffffff');

test('case 11: refuses all 235 unknown types and knows the other 21', () => {
  const known = new Set<number>(Object.values(FrameType));
  assert.equal(known.size, 21);
  for (let type = 0; type < 256; type += 1) {
    const bytes = new Uint8Array(HEADER_BYTES);
    bytes[0] = type;
    if (known.has(type)) assert.equal(decodeHeader(bytes).type, type);
    else assert.throws(() => decodeHeader(bytes), isRemoteError('protocol-error'), `type ${type}`);
  }
});

test('each type has its own name', () => {
  for (const [name, type] of Object.entries(FrameType)) assert.equal(frameName(type), name);
  assert.throws(() => frameName(0 as FrameType), RangeError);
});

test('encodes no length and no index that a header cannot hold', () => {
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => encodeHeader({ type: 1, length: 0, index: value }), RangeError, `index ${value}`);
    assert.throws(() => encodeHeader({ type: 1, length: value, index: 0 }), RangeError, `length ${value}`);
  }
  assert.throws(() => encodeHeader({ type: 1, length: 2 ** 32, index: 0 }), RangeError);
});

test('reads the header of a view that does not begin at its buffer', () => {
  const shifted = new Uint8Array(HEADER_BYTES + 5);
  shifted.set(encodeHeader({ type: 7, length: 9, index: 8 }), 5);
  assert.deepEqual(decodeHeader(shifted.subarray(5)), { type: 7, length: 9, index: 8 });
});

testProperty(
  'every header survives the wire, as Buffer reads it',
  fc.record({
    type: fc.constantFrom(...Object.values(FrameType)),
    length: fc.nat({ max: 2 ** 32 - 1 }),
    index: fc.maxSafeNat(),
  }),
  (header) => {
    const bytes = encodeHeader(header);
    const buffer = Buffer.from(bytes);
    assert.deepEqual(decodeHeader(bytes), { ...header });
    assert.equal(buffer.readUInt32BE(4), header.length);
    assert.equal(buffer.readBigUInt64BE(8), BigInt(header.index));
  },
  2000,
);
