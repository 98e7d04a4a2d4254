import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { CourierError } from '../../src/base/failure.ts';
import { createCompression } from '../../src/node/codec/zlibCompression.ts';
import { limits } from '../../src/protocol/limits.ts';
import { SourceText } from '../../bench/sourceText.ts';
import { EFFORTS } from '../../src/transfer/ports.ts';
import type { Compression } from '../../src/transfer/ports.ts';
import { runTask } from '../support/children.ts';
import { MemoryCompression } from '../support/memoryPorts.ts';
import { createRandom } from '../support/random.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { scratchFolder } from '../support/scratch.ts';

type Codec = Compression['codecs'][number];

const implementations: Readonly<Record<string, Compression>> = {
  memory: new MemoryCompression(),
  'zstd and gzip': createCompression(),
  'gzip alone': createCompression(['gzip']),
};

const random = new MemoryRandom(3);
const text = random.bytes(300_000, false);
const noise = random.bytes(300_000);

/** A zstd frame (RFC 8878 § 3.1.1): its header as given, and one last block of raw bytes. */
function zstdFrame(header: readonly number[], block: readonly number[]): Uint8Array {
  const blockHeader = [1 + (block.length % 32) * 8, 0, 0];
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...header, ...blockHeader, ...block);
}

/** No dictionary, no length, a window of 2 to the power of `log`. */
function zstdWindow(log: number): Uint8Array {
  return zstdFrame([0x00, (log - 10) * 8], [1, 2, 3]);
}

const zstdWithDictionary = zstdFrame([0x01, 0x58, 77], [1, 2, 3]);
const zstdSingleSegment = zstdFrame([0xa0, 0, 0, 0, 0x80], [1, 2, 3]);

for (const [name, compression] of Object.entries(implementations)) {
  for (const codec of compression.codecs) {
    const title = `${name}, ${codec}`;

    test(`${title}: what went in comes out`, async () => {
      for (const raw of [text, noise, Uint8Array.of(5), new Uint8Array(limits.largestChunkBytes)]) {
        const packed = await compression.compress(codec, raw, 0);
        const back = await compression.decompress(codec, packed, raw.length);
        assert.ok(Buffer.from(raw).equals(back), `${raw.length} bytes`);
      }
    });

    test(`${title}: nothing comes back as nothing`, async () => {
      const packed = await compression.compress(codec, new Uint8Array(0), 0);
      assert.equal((await compression.decompress(codec, packed, 0)).length, 0);
    });

    test(`case 36: ${title}: text shrinks, a sample says so before, noise hardly grows`, async () => {
      assert.ok((await compression.compress(codec, text, 0)).length < text.length / 10);
      assert.ok(compression.measure(codec, text.subarray(0, 4096)) < 1024);
      assert.ok(compression.measure(codec, noise.subarray(0, 4096)) >= 4096);
      assert.ok((await compression.compress(codec, noise, 0)).length < noise.length * 1.001);
    });

    test(`case 30: ${title}: output longer than declared is refused at the first byte too many`, async () => {
      for (const raw of [text, noise, Uint8Array.of(5, 6)]) {
        const packed = await compression.compress(codec, raw, 0);
        await assert.rejects(async () => compression.decompress(codec, packed, raw.length - 1));
        await compression.decompress(codec, packed, raw.length);
      }
    });

    test(`case 30: ${title}: output shorter than declared is refused`, async () => {
      const packed = await compression.compress(codec, text, 0);
      await assert.rejects(compression.decompress(codec, packed, text.length + 1));
    });

    test(`case 34: ${title}: a stream that is cut is refused, wherever`, async () => {
      const packed = await compression.compress(codec, text, 0);
      for (const length of [
        0,
        1,
        4,
        9,
        Math.floor(packed.length / 2),
        packed.length - 4,
        packed.length - 1,
      ]) {
        await assert.rejects(async () =>
          compression.decompress(codec, packed.subarray(0, length), text.length),
        );
      }
    });
  }
}

for (const codec of createCompression().codecs) {
  const compression = createCompression();

  test(`${codec}: more effort leaves less, and all of it is taken back`, async () => {
    const source = Buffer.from(new SourceText(createRandom(5)).read(limits.largestChunkBytes));
    const lengths: number[] = [];
    for (const effort of EFFORTS) {
      const packed = await compression.compress(codec, source, effort);
      assert.ok(source.equals(await compression.decompress(codec, packed, source.length)));
      lengths.push(packed.length);
    }
    const [fast = 0, better = 0, best = 0] = lengths;
    assert.ok(better < fast * 0.95 && best < better * 0.95, lengths.join());
  });

  test(`case 34: ${codec}: a stream with any byte wrong gives the declared length or is refused`, async () => {
    const raw = text.subarray(0, 2000);
    const packed = await compression.compress(codec, raw, 0);
    const outcomes = new Set<string>();
    for (let at = 0; at < packed.length; at += 1) {
      const corrupt = Buffer.from(packed);
      corrupt[at] = 255 - (corrupt[at] ?? 0);
      const back = await compression.decompress(codec, corrupt, raw.length).catch(() => undefined);
      if (back !== undefined) assert.equal(back.length, raw.length);
      outcomes.add(back === undefined ? 'refused' : 'accepted');
    }
    assert.ok(outcomes.has('refused'));
  });

  test(`case 34: ${codec}: another format is refused`, async () => {
    for (const foreign of [
      zlib.deflateSync(text),
      zlib.deflateRawSync(text),
      zlib.brotliCompressSync(text),
      noise,
    ]) {
      await assert.rejects(compression.decompress(codec, foreign, text.length));
    }
  });

  test(`${codec}: a chunk longer than any is refused before work`, async () => {
    const packed = await compression.compress(codec, text, 0);
    await assert.rejects(compression.decompress(codec, packed, limits.largestChunkBytes + 1), RangeError);
    await assert.rejects(compression.decompress(codec, packed, Number.MAX_SAFE_INTEGER), RangeError);
  });

  test(`case 30: ${codec}: a bomb is refused with the memory of one chunk`, async (t) => {
    const file = join(scratchFolder(t), 'bomb');
    await writeBomb(codec, file);
    const result = await runTask('decompress', [codec, file, String(limits.largestChunkBytes)]);
    const { outcome, grownBytes } = result as { readonly outcome: string; readonly grownBytes: number };
    assert.equal(outcome, 'refused');
    t.diagnostic(`it took ${Math.round(grownBytes / 1024)} KiB more than an honest chunk`);
    assert.ok(grownBytes < 24 * 1024 * 1024, `${grownBytes} bytes`);
  });
}

/** 100 MiB of zeros in a few kilobytes. */
async function writeBomb(codec: Codec, file: string): Promise<void> {
  const piece = new Uint8Array(1024 * 1024);
  const pack = codec === 'zstd' ? zlib.createZstdCompress() : zlib.createGzip();
  await pipeline(Readable.from(Array.from({ length: 100 }, () => piece)), pack, createWriteStream(file));
}

test('case 32: zstd: a window is refused when it is larger than any chunk could need', async () => {
  const compression = createCompression(['zstd']);
  for (const log of [12, 20, 23]) {
    assert.deepEqual([...(await compression.decompress('zstd', zstdWindow(log), 3))], [1, 2, 3]);
  }
  for (const log of [24, 27, 30, 31]) {
    await assert.rejects(compression.decompress('zstd', zstdWindow(log), 3));
  }
  // A frame without a window has one of its whole declared length: here, 2 GiB.
  await assert.rejects(compression.decompress('zstd', zstdSingleSegment, 3));
});

test('zstd: a frame tells how long its content is, so that a decoder needs no window of its own', async () => {
  const packed = Buffer.from(await createCompression(['zstd']).compress('zstd', text, 0));
  // One segment, and four bytes for the length.
  assert.equal(packed[4], 0xa0);
  assert.equal(packed.readUInt32LE(5), text.length);
});

test('case 34: zstd: a frame that wants a dictionary is refused', async () => {
  const compression = createCompression(['zstd']);
  assert.deepEqual(
    [...(await compression.decompress('zstd', zstdFrame([0x00, 0x58], [1, 2, 3]), 3))],
    [1, 2, 3],
  );
  await assert.rejects(compression.decompress('zstd', zstdWithDictionary, 3));
});

test('case 30: gzip: a second member counts towards the declared length', async () => {
  const compression = createCompression(['gzip']);
  const packed = await compression.compress('gzip', text, 0);
  await assert.rejects(compression.decompress('gzip', Buffer.concat([packed, packed]), text.length));
});

test('case 34, 37: a codec that was not announced is refused, both ways', async () => {
  const compression = createCompression(['gzip']);
  assert.deepEqual(compression.codecs, ['gzip']);
  const isOurs = (error: unknown): boolean => CourierError.is(error, 'protocol-error');
  await assert.rejects(compression.decompress('zstd', zstdWindow(12), 3), isOurs);
  await assert.rejects(compression.compress('zstd', text, 0), isOurs);
  assert.throws(() => compression.measure('zstd', text), isOurs);
});

test('the best codec comes first', () => {
  assert.deepEqual(createCompression().codecs, ['zstd', 'gzip']);
  assert.deepEqual(createCompression(['gzip', 'zstd']).codecs, ['zstd', 'gzip']);
  assert.deepEqual(createCompression([]).codecs, []);
});

test('many chunks at once come back each as its own', async () => {
  const compression = createCompression();
  const chunks = Array.from({ length: 24 }, (_, at) => new MemoryRandom(at).bytes(100_000, at % 2 === 0));
  const back = await Promise.all(
    chunks.map(async (raw, at) => {
      const codec = at % 3 === 0 ? 'gzip' : 'zstd';
      return compression.decompress(codec, await compression.compress(codec, raw, 0), raw.length);
    }),
  );
  for (const [at, raw] of chunks.entries()) {
    assert.ok(Buffer.from(raw).equals(back[at] ?? noise), `chunk ${at}`);
  }
});
