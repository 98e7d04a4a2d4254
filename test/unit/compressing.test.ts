import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { compressIfWorthwhile, sampleOf } from '../../src/transfer/compressing.ts';
import { MemoryCompression } from '../support/memoryPorts.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';

const random = new MemoryRandom(11);
const KIB = 1024;

async function check(
  raw: Uint8Array,
  isWorthwhile: boolean,
  expectedCalls: Partial<MemoryCompression['calls']> = {},
) {
  const compression = new MemoryCompression();
  const { codec, body } = await compressIfWorthwhile(compression, 'gzip', raw);
  assert.equal(codec, isWorthwhile ? 'gzip' : 'stored');
  const decoded = codec === 'gzip' ? gunzipSync(body) : body;
  assert.ok(Buffer.from(decoded).equals(raw));
  assert.ok(body.length <= raw.length);
  for (const [call, count] of Object.entries(expectedCalls)) {
    assert.equal(Object.entries(compression.calls).find(([name]) => name === call)?.[1], count, call);
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

suite('a chunk is compressed if that is worthwhile', () => {
  test('text', () => check(random.bytes(256 * KIB, false), true, { measure: 1, compress: 1 }));
  test('noise: only a sample of it is tried', () =>
    check(random.bytes(256 * KIB), false, { measure: 1, compress: 0 }));
  test('nothing', () => check(new Uint8Array(0), false, { measure: 0 }));
  test('too little', () => check(random.bytes(4095, false), false, { measure: 0 }));
  test('just enough', () => check(random.bytes(4096, false), true, { measure: 1 }));
  test('noise behind a small header that looks well', () =>
    check(joined(random.bytes(KIB, false), random.bytes(255 * KIB)), false, { compress: 0 }));
  test('text behind a header of noise', () =>
    check(joined(random.bytes(8 * KIB), random.bytes(248 * KIB, false)), true, { compress: 1 }));

  test('a sample that looks well does not count when the whole has grown', () => {
    // Text exactly where the four pieces of the sample lie, noise everywhere else.
    const raw = random.bytes(4 * 4096 + 4096 * 64);
    const stride = Math.floor((raw.length - 4096) / 3);
    for (let piece = 0; piece < 4; piece += 1) raw.set(random.bytes(4096, false), piece * stride);
    const compression = new MemoryCompression();
    compression.compress = (_codec, bytes) => Promise.resolve(joined(bytes, bytes));
    return compressIfWorthwhile(compression, 'gzip', raw).then(({ codec, body }) => {
      assert.deepEqual([codec, body === raw], ['stored', true]);
    });
  });

  // Half noise: a sample of it shrinks, but by no more than half.
  const half = joined(
    ...Array.from({ length: 64 }, () => joined(random.bytes(2048), random.bytes(2048, false))),
  );
  for (const [name, raw, inHaste, codec] of [
    ['what shrinks well goes compressed while the channel is busy', half, false, 'gzip'],
    ['and as it is while the channel waits', half, true, 'stored'],
    ['what shrinks to next to nothing goes compressed even then', new Uint8Array(256 * KIB), true, 'gzip'],
  ] as const) {
    test(name, async () => {
      const compressed = await compressIfWorthwhile(new MemoryCompression(), 'gzip', raw, { inHaste });
      assert.equal(compressed.codec, codec);
    });
  }

  test('no codec in common', async () => {
    const raw = random.bytes(64 * KIB, false);
    const compression = new MemoryCompression();
    assert.deepEqual(await compressIfWorthwhile(compression, undefined, raw), { codec: 'stored', body: raw });
    assert.deepEqual(compression.calls, { measure: 0, compress: 0, decompress: 0 });
  });
});

test('a sample is all of a little, or four pieces from end to end of a lot', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), (length) => {
      const raw = new Uint8Array(length).map((_, at) => at % 251);
      const sample = sampleOf(raw);
      if (length <= 16_384) {
        assert.equal(sample, raw);
        return;
      }
      assert.equal(sample.length, 16_384);
      assert.deepEqual(sample.subarray(0, 4096), raw.subarray(0, 4096));
      // The last piece ends where the chunk ends, but for a rounding of up to three bytes in all.
      const slack = (length - 4096) % 3;
      assert.deepEqual(sample.subarray(-4096), raw.subarray(length - slack - 4096, length - slack));
    }),
    { numRuns: 200 },
  );
});
