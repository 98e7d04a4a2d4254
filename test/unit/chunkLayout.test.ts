import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chunkBytesFor,
  chunkCountFor,
  chunkLength,
  DECISIONS,
  isPacked,
  PageLayout,
} from '../../src/protocol/chunkLayout.ts';
import type { Chunk, Decision } from '../../src/protocol/chunkLayout.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { testProperty } from '../support/random.ts';
import { file, folder } from '../support/samples.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** A layout made in the most obvious way: one list of all chunks. */
function layOutNaively(
  entries: readonly Entry[],
  decisions: readonly Decision[],
  firstChunk: number,
): Chunk[] {
  const chunks: Chunk[] = [];
  let waiting: { at: number; size: number }[] = [];
  const close = (): void => {
    if (waiting.length === 0) return;
    const index = firstChunk + chunks.length;
    chunks.push({
      kind: 'pack',
      index,
      entries: waiting.map(({ at }) => at),
      sizes: waiting.map(({ size }) => size),
    });
    waiting = [];
  };
  entries.forEach((entry, at) => {
    if (entry.kind === 'folder' || decisions[at] !== 'take') return;
    const { size } = entry;
    if (size >= 256 * KIB) {
      let step = 256 * KIB;
      for (const next of [512 * KIB, MIB, 2 * MIB, 4 * MIB]) if (size / step > 512) step = next;
      for (let offset = 0, ordinal = 0; offset < size; offset += step, ordinal += 1) {
        const length = Math.min(step, size - offset);
        chunks.push({ kind: 'range', index: firstChunk + chunks.length, entry: at, offset, length, ordinal });
      }
      return;
    }
    const total = waiting.reduce((sum, each) => sum + each.size, 0);
    if (waiting.length === 1024 || total + size > MIB) close();
    waiting.push({ at, size });
  });
  close();
  return chunks;
}

function chunksOf(layout: PageLayout): Chunk[] {
  return Array.from({ length: layout.chunkCount }, (_, at) => layout.chunkAt(layout.firstChunk + at));
}

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.nat(4 * KIB) },
  { weight: 4, arbitrary: fc.nat(256 * KIB) },
  { weight: 2, arbitrary: fc.nat(3 * MIB) },
  { weight: 1, arbitrary: fc.nat(300 * MIB) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(0, 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 128 * MIB, 128 * MIB + 1),
  },
);

const pages = fc
  .record({
    items: fc.array(
      fc.record({ size: sizes, isFolder: fc.nat(9), decision: fc.constantFrom(...DECISIONS, 'take') }),
      {
        maxLength: 60,
      },
    ),
    firstChunk: fc.oneof(fc.constant(0), fc.nat(2 ** 43)),
  })
  .map(({ items, firstChunk }) => ({
    entries: items.map(({ size, isFolder }, at): Entry =>
      isFolder === 0 ? folder(`e${at}`) : file(`e${at}`, size),
    ),
    decisions: items.map(({ decision }): Decision => decision),
    firstChunk,
  }));

testProperty(
  'agrees with the naive layout at every index, and throws outside',
  pages,
  ({ entries, decisions, firstChunk }) => {
    const layout = PageLayout.of(entries, decisions, firstChunk);
    const expected = layOutNaively(entries, decisions, firstChunk);
    assert.equal(layout.firstChunk, firstChunk);
    assert.equal(layout.chunkCount, expected.length);
    assert.equal(layout.endChunk, firstChunk + expected.length);
    assert.deepEqual(chunksOf(layout), expected);
    for (const outside of [firstChunk - 1, layout.endChunk, layout.endChunk + 1, -1, 2 ** 53 - 1]) {
      assert.throws(() => layout.chunkAt(outside), RangeError, `index ${outside}`);
    }
  },
  500,
);

testProperty(
  'every byte of every taken file lies in exactly one chunk, whose limits hold',
  pages,
  ({ entries, decisions, firstChunk }) => {
    const nextByte = new Map<number, number>();
    const cover = (entry: number, offset: number, length: number): void => {
      assert.equal(nextByte.get(entry) ?? 0, offset, `entry ${entry} has a gap or an overlap`);
      nextByte.set(entry, offset + length);
    };
    for (const [at, chunk] of chunksOf(PageLayout.of(entries, decisions, firstChunk)).entries()) {
      assert.equal(chunk.index, firstChunk + at);
      if (chunk.kind === 'range') {
        cover(chunk.entry, chunk.offset, chunk.length);
        assert.ok(chunk.length > 0 && chunk.length <= limits.largestChunkBytes);
      } else {
        assert.ok(chunk.entries.length > 0 && chunk.entries.length <= limits.packEntries);
        assert.ok(chunkLength(chunk) <= limits.packBytes);
        for (const [place, entry] of chunk.entries.entries()) cover(entry, 0, chunk.sizes[place] ?? -1);
      }
    }
    const taken = entries.flatMap((entry, at) =>
      entry.kind === 'file' && decisions[at] === 'take' ? [[at, entry.size] as const] : [],
    );
    assert.deepEqual(new Map([...nextByte].toSorted(([left], [right]) => left - right)), new Map(taken));
  },
  500,
);

testProperty(
  'does not depend on the sizes of what is not taken',
  fc.tuple(pages, sizes),
  ([{ entries, decisions, firstChunk }, size]) => {
    const others = entries.map((entry, at) =>
      entry.kind === 'file' && decisions[at] !== 'take' ? file(entry.path, size) : entry,
    );
    assert.deepEqual(
      chunksOf(PageLayout.of(others, decisions, firstChunk)),
      chunksOf(PageLayout.of(entries, decisions, firstChunk)),
    );
  },
);

testProperty(
  'chunks are powers of two between the limits, and as small as 512 a file allow',
  fc.integer({ min: 256 * KIB, max: 2 ** 43 }),
  (size) => {
    const bytes = chunkBytesFor(size);
    assert.ok([256 * KIB, 512 * KIB, MIB, 2 * MIB, 4 * MIB].includes(bytes));
    if (bytes < 4 * MIB) assert.ok(size <= 512 * bytes, 'too small');
    if (bytes > 256 * KIB) assert.ok(size > 512 * (bytes / 2), 'too large');
    assert.equal(BigInt(chunkCountFor(size)), (BigInt(size) + BigInt(bytes) - 1n) / BigInt(bytes));
  },
  2000,
);

/** `length` is that of the last chunk. */
function check(size: number, count: number, length: number): void {
  test(`${size >= 4 * GIB - 1 ? 'case 92' : 'case 91'}: a file of ${size} bytes has ${count} chunks, the last of ${length} bytes`, () => {
    const layout = PageLayout.of([file('a', size)], ['take'], 7);
    assert.equal(layout.chunkCount, count);
    const last = layout.chunkAt(7 + count - 1);
    assert.equal(chunkLength(last), length);
    assert.equal(last.kind, size < 256 * KIB ? 'pack' : 'range');
    assert.equal(isPacked(size), last.kind === 'pack');
    if (last.kind === 'range') assert.equal(last.offset + last.length, size);
  });
}

check(0, 1, 0);
check(1, 1, 1);
check(256 * KIB - 1, 1, 256 * KIB - 1);
check(256 * KIB, 1, 256 * KIB);
check(256 * KIB + 1, 2, 1);
check(512 * KIB - 1, 2, 256 * KIB - 1);
check(512 * KIB, 2, 256 * KIB);
check(512 * KIB + 1, 3, 1);
check(128 * MIB - 1, 512, 256 * KIB - 1);
check(128 * MIB, 512, 256 * KIB);
check(128 * MIB + 1, 257, 1);
check(GIB, 512, 2 * MIB);
check(GIB + 1, 257, 1);
check(2 * GIB, 512, 4 * MIB);
check(2 * GIB + 1, 513, 1);
check(4 * GIB - 1, 1024, 4 * MIB - 1);
check(4 * GIB, 1024, 4 * MIB);
check(4 * GIB + 1, 1025, 1);
check(2 ** 43 - 1, 2 ** 21, 4 * MIB - 1);
check(2 ** 43, 2 ** 21, 4 * MIB);

test('a page of nothing has no chunks', () => {
  for (const decision of DECISIONS) assert.equal(PageLayout.of([folder('a')], [decision], 5).chunkCount, 0);
  const empty = PageLayout.of([], [], 5);
  assert.deepEqual([empty.firstChunk, empty.chunkCount, empty.endChunk], [5, 0, 5]);
  assert.throws(() => empty.chunkAt(5), RangeError);
});

test('a pack closes at 1,024 files and at 1 MiB, and not for a big file in between', () => {
  const takeAll = (entries: readonly Entry[]): string[] =>
    chunksOf(
      PageLayout.of(
        entries,
        entries.map(() => 'take'),
        0,
      ),
    ).map((chunk) => (chunk.kind === 'pack' ? `pack of ${chunk.entries.length}` : `range of ${chunk.entry}`));
  assert.deepEqual(takeAll(Array.from({ length: 1024 }, () => file('a'))), ['pack of 1024']);
  assert.deepEqual(takeAll(Array.from({ length: 1025 }, () => file('a'))), ['pack of 1024', 'pack of 1']);
  assert.deepEqual(takeAll(Array.from({ length: 8 }, () => file('a', 128 * KIB))), ['pack of 8']);
  assert.deepEqual(takeAll([...Array.from({ length: 8 }, () => file('a', 128 * KIB)), file('b', 1)]), [
    'pack of 8',
    'pack of 1',
  ]);
  assert.deepEqual(takeAll([file('a', 1), file('b', MIB / 2), file('c', 1)]), [
    'range of 1',
    'range of 1',
    'pack of 2',
  ]);
});

test('indices near the end of the safe integers stay exact', () => {
  const firstChunk = 2 ** 53 - 4;
  const layout = PageLayout.of([file('a', 768 * KIB)], ['take'], firstChunk);
  assert.deepEqual(
    chunksOf(layout).map(({ index }) => index),
    [firstChunk, firstChunk + 1, firstChunk + 2],
  );
});
