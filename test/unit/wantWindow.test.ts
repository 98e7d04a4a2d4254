import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Chunk } from '../../src/protocol/chunkLayout.ts';
import { WantWindow } from '../../src/transfer/wantWindow.ts';
import { quiet } from '../support/memoryClock.ts';

const MIB = 1024 * 1024;

function range(index: number, length: number): Chunk {
  return { kind: 'range', index, entry: 0, offset: index * length, length, ordinal: index };
}

/** How many chunks of this length have room at once. */
async function roomFor(window: WantWindow, length: number): Promise<number> {
  let inside = 0;
  const chunks = Array.from({ length: 400 }, (_, index) => range(index, length));
  for (const chunk of chunks) void window.acquire(chunk).then(() => (inside += 1));
  await quiet();
  return inside;
}

test('any path has sixteen mebibytes open', async () => {
  assert.equal(await roomFor(new WantWindow(), 256 * 1024), 64);
  assert.equal(await roomFor(new WantWindow(), 4 * MIB), 4);
});

suite('a path that holds more', () => {
  test('has twice of what it holds open, and never more than 48 MiB', async () => {
    for (const [bytesPerSecond, delayMs, mebibytes] of [
      [100 * MIB, 50, 16],
      [100 * MIB, 100, 20],
      [100 * MIB, 200, 40],
      [500 * MIB, 200, 48],
    ] as const) {
      const window = new WantWindow();
      window.replied(delayMs);
      window.flows(bytesPerSecond);
      assert.equal(await roomFor(window, MIB), mebibytes, `${bytesPerSecond} at ${delayMs}`);
    }
  });

  test('is as long as its fastest reply says: later ones have waited behind others', async () => {
    const window = new WantWindow();
    for (const delayMs of [400, 100, 900]) window.replied(delayMs);
    window.flows(100 * MIB);
    assert.equal(await roomFor(window, MIB), 20);
  });

  test('gets narrow again when it slows down; what is open stays', async () => {
    const window = new WantWindow();
    window.replied(200);
    window.flows(100 * MIB);
    assert.equal(await roomFor(window, MIB), 40);
    window.flows(MIB);
    for (let index = 0; index < 24; index += 1) window.release(range(index, MIB));
    let isIn = false;
    void window.acquire(range(500, MIB)).then(() => (isIn = true));
    await quiet();
    assert.equal(isIn, false, 'sixteen are open, and others wait before it');
  });
});

test('several lanes have two chunks each, as far as 48 MiB go', async () => {
  for (const [lanes, chunkBytes, chunks] of [
    [1, 4 * MIB, 4],
    [4, 4 * MIB, 8],
    [16, 4 * MIB, 12],
    [16, 256 * 1024, 64],
  ] as const) {
    const window = new WantWindow();
    window.spread(lanes);
    assert.equal(await roomFor(window, chunkBytes), chunks, `${lanes} lanes`);
  }
});

test('a pack of tiny files takes a kilobyte for each', async () => {
  const window = new WantWindow();
  const pack = (index: number): Chunk => ({
    kind: 'pack',
    index,
    entries: Array.from({ length: 1024 }, (_, at) => at),
    sizes: Array.from({ length: 1024 }, () => 1),
  });
  let inside = 0;
  for (let index = 0; index < 40; index += 1) void window.acquire(pack(index)).then(() => (inside += 1));
  await quiet();
  assert.equal(inside, 16);
});

test('many transfers in one process have less open each, and one chunk at least', async () => {
  for (const [members, mebibytes] of [
    [5, 16],
    [8, 10],
    [20, 4],
    [1000, 1],
  ] as const) {
    const window = new WantWindow();
    window.share(members);
    assert.equal(await roomFor(window, MIB), mebibytes, `${members}`);
  }
  const window = new WantWindow();
  window.share(20);
  window.share(1);
  assert.equal(await roomFor(window, MIB), 16);
});
