import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { decodeHeader, encodeHeader } from '../../../src/protocol/frame.ts';
import { PageLayout } from '../../../src/protocol/chunkLayout.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import { decodeMessage } from '../../../src/protocol/messages.ts';
import { utf8 } from '../../../src/base/bytes.ts';
import { noise } from '../../support/noise.ts';
import { portPictureOf } from '../../support/portPicture.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';
import { safePath } from '../../support/memoryTree.ts';
import { assertReceipt, send } from '../sources/sending.ts';

/** Sizes from nothing to more than there is. */

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK = limits.smallestChunkBytes;

/** By path below what is sent: so many bytes, or `null` for a folder. */
type Sizes = Readonly<Record<string, number | null>>;

/** Sends this, and looks for it on the disk after the power has gone: exactly this, once. */
async function arrives(t: TestContext, sizes: Sizes): Promise<void> {
  const source = join(scratchFolder(t), 'sent');
  mkdirSync(source);
  const expected: Record<string, string> = { sent: '<folder>' };
  for (const [path, size] of Object.entries(sizes)) {
    const content = size === null ? undefined : noise(size, size);
    if (content === undefined) mkdirSync(join(source, path));
    else writeFileSync(join(source, path), content);
    expected[`sent/${path}`] = content === undefined ? '<folder>' : Buffer.from(content).toString('latin1');
  }
  const receiver = new SimDisk();
  const sent = await send(source, receiver);
  assertReceipt(sent);
  assert.deepEqual(sent.failed, []);
  const afterwards = receiver.imageAfter(receiver.operations.length, { keeps: () => false });
  const found = portPictureOf(afterwards.mount(), '/home/somebody/received', STAGING_FOLDER);
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(expected).toSorted());
  for (const [path, content] of Object.entries(expected)) {
    assert.ok(found[path] === content, `${path} is not what was sent`);
  }
}

const nothings: Readonly<Record<string, Sizes>> = {
  'an empty folder': {},
  'empty folders only': { a: null, 'a/b': null, 'a/b/c': null, z: null },
  'a file of no bytes': { empty: 0 },
  'folders with files of no bytes': { a: null, 'a/one': 0, 'a/two': 0, b: null, 'b/three': 0 },
};

for (const [name, sizes] of Object.entries(nothings)) {
  test(`case 90: ${name}: there once, and still there after a power loss`, (t) => arrives(t, sizes));
}

const edges: Readonly<Record<string, Sizes>> = {
  'one byte': { file: 1 },
  'around one chunk': { below: CHUNK - 1, exactly: CHUNK, above: CHUNK + 1 },
  'around several chunks': { below: 3 * CHUNK - 1, exactly: 3 * CHUNK, above: 3 * CHUNK + 1 },
  'a pack that is full to the byte, and one file more': {
    ...Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`a${at}`, 255 * KIB])),
    b: MIB - 4 * 255 * KIB,
    c: 1,
  },
  'a byte too many for a pack': {
    ...Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`a${at}`, 255 * KIB])),
    b: MIB - 4 * 255 * KIB + 1,
  },
  'a file more than a pack takes': Object.fromEntries(
    Array.from({ length: limits.packEntries + 1 }, (_, at) => [`file ${at}`, at % 3]),
  ),
};

for (const [name, sizes] of Object.entries(edges)) {
  test(`case 91: ${name}: arrives, and is still there after a power loss`, (t) => arrives(t, sizes));
}

function layoutOf(size: number, firstChunk: number): PageLayout {
  const entry = { kind: 'file', path: safePath('a'), size, mtimeMs: 0, isExecutable: false } as const;
  return PageLayout.of([entry], ['take'], firstChunk);
}

test('case 92: files around 2^32 bytes, and of 2^43: each byte in one chunk, at its place', () => {
  for (const size of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 43]) {
    const layout = layoutOf(size, 0);
    let next = 0;
    for (let index = 0; index < layout.endChunk; index += 1) {
      const chunk = layout.chunkAt(index);
      assert.ok(chunk.kind === 'range' && chunk.offset === next && chunk.length > 0);
      next += chunk.length;
    }
    assert.equal(next, size);
  }
});

test('case 93: a file of more than 2^43 bytes, and so of more chunks than 2^21, is refused', () => {
  const page = (size: number): Uint8Array => utf8(JSON.stringify({ entries: [['f', 'a', size, 0, false]] }));
  assert.equal(layoutOf(limits.fileBytes, 0).chunkCount, 2 ** 21);
  assert.equal(decodeMessage('page', page(limits.fileBytes)).entries.length, 1);
  for (const size of [limits.fileBytes + 1, 2 ** 32 * limits.largestChunkBytes, 2 ** 53, 1e300, -1, 0.5]) {
    assert.throws(() => decodeMessage('page', page(size)), /page/u, String(size));
  }
});

test('case 93: chunks are counted beyond 2^32 in one transfer, and no index wraps', () => {
  const firstChunk = 2 ** 32 - 2;
  const layout = layoutOf(4 * CHUNK, firstChunk);
  for (let ordinal = 0; ordinal < 4; ordinal += 1) {
    const index = firstChunk + ordinal;
    const chunk = layout.chunkAt(index);
    assert.ok(chunk.kind === 'range' && chunk.index === index && chunk.offset === ordinal * CHUNK);
    assert.equal(decodeHeader(encodeHeader({ type: 6, length: 0, index })).index, index);
  }
  assert.throws(() => layout.chunkAt(2), RangeError);
});
