/** Bodies that do not decode to what they should, over TLS; and what our sender makes of the codecs of a peer. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { createCompression } from '../../../src/node/codec/zlibCompression.ts';
import { noise } from '../../support/noise.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { TYPES } from '../support/wickedFrames.ts';
import type { WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload } from '../support/wickedSession.ts';
import type { Bend, DataParts } from '../support/wickedSession.ts';
import { Prey, Target } from './wire.ts';

const ZSTD = 1;
const GZIP = 2;
const KIB = 1024;
const MIB = 1024 * KIB;

const LETTER = 0x61;
const content = Buffer.alloc(512 * KIB, LETTER);
/** One chunk of it, in the largest blocks that zstd has. */
const BLOCKS = [128 * KIB, 128 * KIB];
const entries = [
  { path: 'big', content },
  { path: 'small', content: Buffer.from('small') },
];
const [range, , pack] = chunksOf(entries);
if (range?.kind !== 'range' || pack?.kind !== 'pack') throw new Error('another layout');
const raw = range.bytes;

/** A zstd frame (RFC 8878 § 3.1.1): its header as given, and blocks that repeat one byte. */
function zstdFrame(header: readonly number[], byte: number, blocks: readonly number[]): Buffer {
  const parts = blocks.map((length, at) => {
    const isLast = at === blocks.length - 1 ? 1 : 0;
    const block = Buffer.alloc(4);
    block.writeUIntLE(isLast + 2 + length * 8, 0, 3);
    block.writeUInt8(byte, 3);
    return block;
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...header]), ...parts]);
}

/** A window of 2 to the power of `log` bytes; the length of the content is not told. */
const window = (log: number): number[] => [0x00, (log - 10) * 8];
/** No window, so one of the whole content: 2³¹ bytes, as it is told. */
const HUGE_CONTENT = [0xa0, 0, 0, 0, 0x80];
const WANTS_DICTIONARY = [0x01, 0x58, 77];

/** One byte in its middle is another. */
function damaged(bytes: Buffer): Buffer {
  const place = Math.floor(bytes.length / 2);
  const copy = Buffer.from(bytes);
  copy[place] = 255 - (copy[place] ?? 0);
  return copy;
}

const zstd = zlib.zstdCompressSync(raw);
const gzip = zlib.gzipSync(raw);
const tooLong = Buffer.concat([raw, Buffer.from([0])]);
const tooShort = raw.subarray(1);

/** Bodies for the first range that are wrong each in its own way. */
const BODIES: Readonly<Record<string, readonly [codec: number, body: Buffer]>> = {
  'case 30: zstd, a byte too many': [ZSTD, zlib.zstdCompressSync(tooLong)],
  'case 30: gzip, a byte too many': [GZIP, zlib.gzipSync(tooLong)],
  'case 30: zstd, 64 MiB': [ZSTD, zlib.zstdCompressSync(Buffer.alloc(64 * MIB))],
  'case 30: gzip, 64 MiB': [GZIP, zlib.gzipSync(Buffer.alloc(64 * MIB))],
  'case 30: zstd, a byte too few': [ZSTD, zlib.zstdCompressSync(tooShort)],
  'case 30: gzip, a byte too few': [GZIP, zlib.gzipSync(tooShort)],
  'case 30: gzip, two members': [GZIP, Buffer.concat([gzip, gzip])],
  'case 30: zstd, two frames': [ZSTD, Buffer.concat([zstd, zstd])],
  'case 32: zstd, a window of 2 GiB': [ZSTD, zstdFrame(window(31), LETTER, BLOCKS)],
  'case 32: zstd, a window of 16 MiB': [ZSTD, zstdFrame(window(24), LETTER, BLOCKS)],
  'case 32: zstd, a content of 2 GiB': [ZSTD, zstdFrame(HUGE_CONTENT, LETTER, BLOCKS)],
  'case 34: zstd, a dictionary': [ZSTD, zstdFrame(WANTS_DICTIONARY, LETTER, BLOCKS)],
  'case 34: zstd, cut': [ZSTD, zstd.subarray(0, -3)],
  'case 34: gzip, cut': [GZIP, gzip.subarray(0, -3)],
  'case 34: zstd, nothing at all': [ZSTD, Buffer.alloc(0)],
  'case 34: gzip, nothing at all': [GZIP, Buffer.alloc(0)],
  'case 34: gzip, a byte changed': [GZIP, damaged(gzip)],
  'case 34: zstd that is gzip': [ZSTD, gzip],
  'case 34: gzip that is zstd': [GZIP, zstd],
  'case 34: gzip with garbage behind it': [GZIP, Buffer.concat([gzip, Buffer.from('garbage')])],
  'case 34: zstd with garbage behind it': [ZSTD, Buffer.concat([zstd, Buffer.from('garbage')])],
  'case 34: gzip with zeros behind it': [GZIP, Buffer.concat([gzip, Buffer.alloc(9)])],
};

/** `times` replies to the want of the first range are these, the next is right. */
function lying(parts: DataParts, times: number): Bend {
  let left = times;
  return (frame, name) => {
    if (name !== 'data 0' || left === 0) return [frame];
    left -= 1;
    return [{ type: TYPES.data, payload: dataPayload(range ?? assert.fail(), parts) }];
  };
}

/** Nothing of `big` stands there under its name; what else was right may. */
function assertNotPublished({ victim }: Target): void {
  assert.deepEqual(
    victim.names.filter((name) => name !== 'small'),
    [],
  );
  victim.assertNothingOutside();
}

for (const [what, [codec, body]] of Object.entries(BODIES)) {
  test(`${what}: not taken, asked for again, and refused the second time`, async (t) => {
    const target = await Target.open(t);
    const twice = await target.play({ entries, bend: lying({ codec, body }, 2) });
    assert.deepEqual([twice.code, twice.receipt], ['protocol-error', undefined]);
    assert.equal(twice.peer.seen.filter(({ name, index }) => name === 'want' && index === 0).length, 2);
    assertNotPublished(target);
    // Once is damage: the chunk comes again, and the others are none the worse.
    const fresh = await Target.open(t);
    const once = await fresh.play({ entries, bend: lying({ codec, body }, 1) });
    assert.ok(once.receipt !== undefined);
    assert.ok(readFileSync(join(fresh.victim.folder, 'big')).equals(content));
  });
}

test('a frame of zstd that is made by hand is taken, if its window is small enough', async (t) => {
  const target = await Target.open(t);
  const body = zstdFrame(window(23), LETTER, BLOCKS);
  assert.ok((await target.play({ entries, bend: lying({ codec: ZSTD, body }, 2) })).receipt !== undefined);
});

test('case 34: a codec that does not exist ends the session at once', async (t) => {
  const target = await Target.open(t);
  for (const codec of [3, 4, 127, 255]) {
    const sent = await target.play({ entries, bend: lying({ codec, body: gzip }, 1) });
    assert.equal(sent.code, 'protocol-error', String(codec));
    assertNotPublished(target);
  }
});

test('case 34, 37: a body in a codec that was not announced is not taken', async (t) => {
  const target = await Target.open(t, { compression: createCompression(['gzip']) });
  const sent = await target.play({ entries, bend: lying({ codec: ZSTD, body: zstd }, 2) });
  assert.equal(sent.code, 'protocol-error');
  assertNotPublished(target);
  const hello = JSON.parse(sent.peer.seen[0]?.payload.toString() ?? '') as { codecs: unknown };
  assert.deepEqual(hello.codecs, ['gzip']);
});

test('case 35: what decodes to the right length with another digest is not taken, and its sender is told', async (t) => {
  const other = Buffer.from(raw);
  other[1000] = 0;
  for (const parts of [
    { codec: ZSTD, body: zlib.zstdCompressSync(other) },
    { codec: GZIP, body: zlib.gzipSync(other) },
    { body: other },
    { digest: Buffer.alloc(32) },
  ]) {
    const target = await Target.open(t);
    const twice = await target.play({ entries, bend: lying(parts, 2) });
    assert.equal(twice.code, 'protocol-error');
    assertNotPublished(target);
    const once = await target.play({ entries, bend: lying(parts, 1), transfer: 'cd'.repeat(16) });
    assert.ok(once.receipt !== undefined);
  }
});

test('case 35: in a pack, one wrong file is enough for none of them to be taken', async (t) => {
  const target = await Target.open(t);
  const files = [Buffer.from('one'), Buffer.from('two')];
  const small = [
    { path: 'a', content: Buffer.from('one') },
    { path: 'b', content: Buffer.from('two') },
  ];
  const parts = { body: Buffer.from('oneTWO') };
  const bend = (frame: WickedFrame, name: string): readonly WickedFrame[] =>
    name === 'data 0'
      ? [{ type: TYPES.data, payload: dataPayload({ kind: 'pack', files }, parts) }]
      : [frame];
  await target.assertRefused('a pack', { entries: small, bend });
});

/** What our sender said of `bytes`, as one file, to a receiver with this hello: the `data` payloads. */
async function dataFor(
  t: Parameters<typeof scratchFolder>[0],
  bytes: Uint8Array,
  hello: Readonly<Record<string, unknown>>,
): Promise<readonly Buffer[]> {
  const file = join(scratchFolder(t), 'file');
  writeFileSync(file, bytes);
  const prey = await Prey.open(t, [file]);
  // Its receipt may be wrong, for it takes bodies as stored; what was sent is all that is looked at.
  const { peer } = await prey.play({ hello });
  return peer.seen.filter(({ name }) => name === 'data').map(({ payload }) => payload);
}

const codecOf = (payload: Buffer): number => payload[36] ?? -1;

test('case 36: what does not compress is sent stored, and grows by less than a thousandth', async (t) => {
  const bytes = noise(3 * MIB, 36);
  const data = await dataFor(t, bytes, { codecs: ['zstd', 'gzip'] });
  assert.deepEqual([...new Set(data.map(codecOf))], [0]);
  const sent = data.reduce((sum, payload) => sum + 16 + payload.length, 0);
  assert.ok(sent <= bytes.length * 1.001, `${sent} bytes for ${bytes.length}`);
});

test('case 37: our sender speaks the best codec that both have, and none that only one has', async (t) => {
  // The first chunk is sent before anything is known of the path, so it is compressed if anything is.
  const used = async (codecs: readonly string[]): Promise<ReadonlySet<number>> =>
    new Set((await dataFor(t, content, { codecs })).map(codecOf));
  assert.ok((await used(['zstd', 'gzip'])).has(ZSTD));
  assert.ok((await used(['brotli', 'gzip', 'lz4'])).has(GZIP));
  assert.deepEqual(await used(['brotli', 'stored', 'lz4', 'ZSTD', 'zstd ']), new Set([0]));
  assert.deepEqual(await used([]), new Set([0]));
});

test('case 38: a level, a window or threads that a peer asks for change nothing', async (t) => {
  const plain = await dataFor(t, raw, { codecs: ['zstd'] });
  const greedy = await dataFor(t, raw, {
    codecs: ['zstd', 'zstd;level=22', 'zstd:22'],
    level: 22,
    threads: 256,
    limits: { openWants: 64, level: 22, threads: 256, windowLog: 31, chunkBytes: 1 },
  });
  assert.deepEqual(greedy, plain);
});
