/** Cases 2 and 3: what a header announces costs no memory before it is held to its limit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteProtocolError } from '../../../src/base/failure.ts';
import { requireLength } from '../../../src/protocol/frameTalk.ts';
import { HEADER_BYTES } from '../../../src/protocol/frame.ts';
import { FrameDecoder } from '../../../src/protocol/frameDecoder.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { usedBytes } from './fuzz.ts';

const DECODERS = 1000;
const MIB = 1024 * 1024;

/** The header of a page that says so. */
function headerOf(length: number, index: bigint): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, 3);
  view.setUint32(4, length);
  view.setBigUint64(8, index);
  return header;
}

for (const [what, length, index] of [
  ['a length of one above the limit', limits.pageBytes + 1, 0n],
  ['a length of 2^31', 2 ** 31, 0n],
  ['a length of 2^32 - 1', 2 ** 32 - 1, 0n],
  ['an index of 2^53', 10, 2n ** 53n],
  ['an index of 2^64 - 1', 10, 2n ** 64n - 1n],
] as const) {
  test(`case 2, 3: ${what} is refused ${DECODERS} times, and all decoders together keep less than 1 MiB`, () => {
    const header = headerOf(length, index);
    const decoders: FrameDecoder[] = [];
    const before = usedBytes();
    for (let count = 0; count < DECODERS; count += 1) {
      const decoder = new FrameDecoder({ admit: (each) => requireLength(each, limits.pageBytes) });
      assert.throws(() => Array.from(decoder.push(header)), RemoteProtocolError);
      decoders.push(decoder);
    }
    const grown = usedBytes() - before;
    assert.ok(grown < MIB, `${grown} bytes for ${decoders.length} decoders`);
  });
}

test('case 1: a thousand frames of length 0 are a thousand frames, and each header is read once', () => {
  let admitted = 0;
  const decoder = new FrameDecoder({ admit: () => (admitted += 1) });
  const stream = new Uint8Array(HEADER_BYTES * 1000);
  for (let at = 0; at < stream.length; at += HEADER_BYTES) stream[at] = 14;
  assert.equal(Array.from(decoder.push(stream)).length, 1000);
  assert.equal(admitted, 1000);
});
