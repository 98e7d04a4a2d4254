import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ChunkCompressor, kindOf, sampleOf } from '../../src/transfer/compressing.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { MemoryCompression } from '../support/memoryPorts.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';

const random = new MemoryRandom(11);
const KIB = 1024;
const CHUNK = 256 * KIB;
const MIB = 1024 * KIB;
const noise = random.bytes(CHUNK);
const text = random.bytes(CHUNK, false);
/** A sample of it shrinks, but by no more than half. */
const half = joined(
  ...Array.from({ length: 64 }, () => joined(random.bytes(2048), random.bytes(2048, false))),
);

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A compressor and what it is made of. The codec, of one thread, takes as long as `codecMs` says. */
function scene({ codecMs = 0 } = {}) {
  const path = { isIdle: false, stalledMs: 0 };
  const clock = new MemoryClock();
  const compression = new MemoryCompression();
  const compress = compression.compress.bind(compression);
  compression.compress = (codec, bytes) => {
    clock.tick(codecMs);
    return compress(codec, bytes);
  };
  const view = { isIdle: () => path.isIdle, stalledMs: () => path.stalledMs };
  const compressor = new ChunkCompressor({ compression, clock, codec: 'gzip', path: view });
  return { clock, path, compression, compressor };
}

async function check(
  raw: Uint8Array,
  isWorthwhile: boolean,
  calls: Partial<MemoryCompression['calls']> = {},
) {
  const { compression, compressor } = scene();
  const { codec, body } = await compressor.encode({ bytes: raw, kind: 'ts' });
  assert.equal(codec, isWorthwhile ? 'gzip' : 'stored');
  const decoded = codec === 'gzip' ? gunzipSync(body) : body;
  assert.ok(Buffer.from(decoded).equals(raw));
  assert.ok(body.length <= raw.length);
  assert.deepEqual({ ...compression.calls, ...calls }, compression.calls);
}

suite('a chunk is compressed if that is worthwhile', () => {
  test('text', () => check(text, true, { measure: 1, compress: 1 }));
  test('noise: only a sample of it is tried', () => check(noise, false, { measure: 1, compress: 0 }));
  test('nothing', () => check(new Uint8Array(0), false, { measure: 0 }));
  test('too little', () => check(random.bytes(4095, false), false, { measure: 0 }));
  test('just enough', () => check(random.bytes(4096, false), true, { measure: 1 }));
  test('noise behind a small header that looks well', () =>
    check(joined(random.bytes(KIB, false), random.bytes(255 * KIB)), false, { compress: 0 }));
  test('text behind a header of noise', () =>
    check(joined(random.bytes(8 * KIB), random.bytes(248 * KIB, false)), true, { compress: 1 }));

  test('a sample that looks well does not count when the whole has grown', async () => {
    const { compression, compressor } = scene();
    compression.compress = (_codec, bytes) => Promise.resolve(joined(bytes, bytes));
    const { codec, body } = await compressor.encode({ bytes: text, kind: 'ts' });
    assert.deepEqual([codec, body === text], ['stored', true]);
    await compressor.encode({ bytes: text, kind: 'ts' });
    assert.equal(compression.calls.measure, 1, 'the next one is held to be like it');
  });
});

suite('neighbours tell what a chunk is like', () => {
  /** Encodes so many chunks of each content in turn; gives the calls for each. */
  async function callsFor(parts: readonly (readonly [content: Uint8Array, count: number, kind?: string])[]) {
    const { compression, compressor } = scene();
    const calls = [];
    for (const [bytes, count, kind] of parts) {
      const before = { ...compression.calls };
      for (let chunk = 0; chunk < count; chunk += 1) await compressor.encode({ bytes, kind });
      calls.push({
        measured: compression.calls.measure - before.measure,
        compressed: compression.calls.compress - before.compress,
      });
    }
    return calls;
  }

  test('of noise, a chunk in 16 MiB is sampled in the end', async () => {
    // Trusted for 1, 1, 2, 4 … 64 chunks and then always 64, each time behind one that is sampled.
    const [first, rest] = await callsFor([
      [noise, 134, 'zip'],
      [noise, 65 * 10, 'zip'],
    ]);
    assert.deepEqual(first, { measured: 7, compressed: 0 });
    assert.deepEqual(rest, { measured: 10, compressed: 0 });
  });

  test('text is sampled once: from then on it is known by what becomes of it', async () => {
    assert.deepEqual(await callsFor([[text, 200, 'ts']]), [{ measured: 1, compressed: 200 }]);
  });

  test('text in the second half is noticed within 16 MiB', async () => {
    const [, second] = await callsFor([
      [noise, 1000, 'img'],
      [text, 65, 'img'],
      [text, 100, 'img'],
    ]);
    assert.ok((second?.compressed ?? 0) >= 1);
  });

  test('noise behind text costs one call of the codec in vain', async () => {
    const [, second] = await callsFor([
      [text, 100, 'img'],
      [noise, 100, 'img'],
    ]);
    assert.equal(second?.compressed, 1);
  });

  test('another kind of file is another matter', async () => {
    assert.deepEqual(
      await callsFor([
        [noise, 20, 'zip'],
        [text, 1, 'ts'],
        [noise, 1, 'zip'],
      ]),
      [
        { measured: 5, compressed: 0 },
        { measured: 1, compressed: 1 },
        { measured: 0, compressed: 0 },
      ],
    );
  });

  test('a mixture has no neighbours', async () => {
    assert.deepEqual(await callsFor([[noise, 20]]), [{ measured: 20, compressed: 0 }]);
  });

  test('no more than 64 kinds are remembered', async () => {
    const kinds = Array.from({ length: 64 }, (_, at) => [noise, 1, `kind ${at}`] as const);
    const again = [noise, 1, 'kind 0'] as const;
    const calls = await callsFor([...kinds, again, [noise, 1, 'one more'], [noise, 1, 'kind 1']]);
    assert.deepEqual(
      calls.slice(-3).map(({ measured }) => measured),
      [0, 1, 1],
    );
  });

  for (const [path, kind] of [
    ['a/b.min.js', 'js'],
    ['IMG.JPG', 'jpg'],
    ['some.folder/name', 'name'],
    ['.gitignore', 'gitignore'],
    ['', ''],
  ] as const) {
    test(`${path} is of the kind "${kind}"`, () => assert.equal(kindOf(path), kind));
  }
});

test('what the codec makes slower goes as it is, but for what shrinks to next to nothing', async () => {
  const { clock, compression, compressor } = scene({ codecMs: 20 });
  const encode = async (bytes: Uint8Array, kind: string): Promise<string> => {
    clock.tick(1);
    return (await compressor.encode({ bytes, kind })).codec;
  };
  for (let chunk = 0; chunk < 100; chunk += 1) await encode(half, 'ts');
  const { compress, measure } = compression.calls;
  for (let chunk = 0; chunk < 64; chunk += 1) assert.equal(await encode(half, 'ts'), 'stored');
  assert.equal(compression.calls.compress, compress);
  assert.ok(compression.calls.measure <= measure + 2, 'neither is it sampled all the time');
  assert.equal(await encode(new Uint8Array(CHUNK), 'img'), 'gzip');
});

suite('once the codec has shown itself slower than the path', () => {
  /**
   * A scene in which it has, on a path that takes longer still for what is stored; it is busy with a chunk until it is
   * told to end or fail.
   */
  async function busyScene() {
    const { clock, path, compression, compressor } = scene({ codecMs: 20 });
    for (let chunk = 0; chunk < 64; chunk += 1) {
      const { codec } = await compressor.encode({ bytes: half, kind: 'ts' });
      if (codec === 'gzip') continue;
      clock.tick(40);
      path.stalledMs += 40;
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const compress = compression.compress.bind(compression);
    compression.compress = () => promise;
    const first = compressor.encode({ bytes: half, kind: 'ts' });
    await quiet();
    compression.compress = compress;
    const end = (): void => resolve(new Uint8Array(1));
    return { path, compressor, first, end, fail: () => reject(new Error('no memory')) };
  }

  test('a chunk goes as it is while the path is idle and the codec is not', async () => {
    const { path, compressor, first, end } = await busyScene();
    path.isIdle = true;
    assert.equal((await compressor.encode({ bytes: half, kind: 'ts' })).codec, 'stored');
    end();
    assert.equal((await first).codec, 'gzip');
  });

  test('a chunk that waits goes as it is when the path becomes idle', async () => {
    const { compressor, first, end } = await busyScene();
    const [second, third] = [half, half].map((bytes) => compressor.encode({ bytes, kind: 'ts' }));
    compressor.relieve();
    assert.equal((await second)?.codec, 'stored');
    end();
    assert.equal((await first).codec, 'gzip');
    assert.equal((await third)?.codec, 'gzip', 'and the next one is compressed');
  });

  test('what shrinks to next to nothing waits all the same', async () => {
    const { path, compressor, first, end } = await busyScene();
    path.isIdle = true;
    const zeros = compressor.encode({ bytes: new Uint8Array(CHUNK), kind: 'img' });
    compressor.relieve();
    end();
    assert.deepEqual([(await first).codec, (await zeros).codec], ['gzip', 'gzip']);
  });

  test('a codec that fails does not keep the next one waiting', async () => {
    const { compressor, first, fail } = await busyScene();
    const second = compressor.encode({ bytes: half, kind: 'ts' });
    fail();
    await assert.rejects(first, /no memory/u);
    assert.equal((await second).codec, 'gzip');
  });
});

test('half a gibibyte of noise is sampled forty times at most', async () => {
  const { compression, compressor } = scene();
  const megabyte = random.bytes(MIB);
  for (let chunk = 0; chunk < 512; chunk += 1) await compressor.encode({ bytes: megabyte, kind: 'bin' });
  assert.deepEqual([compression.calls.measure < 40, compression.calls.compress], [true, 0]);
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
