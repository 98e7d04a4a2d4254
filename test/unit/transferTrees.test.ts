import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import { assertArrived, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { JoinOptions } from '../support/memoryTransfer.ts';
import { randomTree, treeBytes, treeOf } from '../support/memoryTree.ts';
import type { MemoryNode, MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

async function check(tree: MemoryTree, options: JoinOptions = {}) {
  const joined = joinTransfers(tree, options);
  const reports = await joined.run();
  assertArrived(tree, joined, reports);
  for (const { bytesDone, bytesTotal } of [joined.outgoing.snapshot(), joined.incoming.snapshot()]) {
    assert.deepEqual({ bytesDone, bytesTotal }, { bytesDone: treeBytes(tree), bytesTotal: treeBytes(tree) });
  }
  return joined;
}

const shapes: Readonly<Record<string, MemoryTree>> = {
  'one empty file': treeOf({ empty: 0 }),
  'one byte': treeOf({ byte: 1 }),
  'an empty folder': treeOf({ hollow: null }),
  'empty folders in folders': treeOf({ a: null, 'a/b': null, 'a/b/c': null, z: null }),
  'the largest packed file': treeOf({ file: 256 * KIB - 1 }),
  'the smallest file of ranges': treeOf({ file: 256 * KIB }),
  'a file one byte longer than its chunks': treeOf({ file: 512 * KIB + 1 }),
  'several MiB': treeOf({ file: 5 * MIB + 7 }),
  'only empty files': treeOf({ a: 0, b: 0, c: 0 }),
  'a pack that is exactly full': treeOf({
    a: 255 * KIB,
    b: 255 * KIB,
    c: 255 * KIB,
    d: 255 * KIB,
    e: 4 * KIB,
    f: 1,
  }),
  'more files than a pack holds': new Map(
    Array.from({ length: 2100 }, (_, at) => [`f${at}`, { kind: 'file', bytes: Uint8Array.of(at % 256) }]),
  ),
};

for (const [name, tree] of Object.entries(shapes)) {
  test(`it arrives: ${name}`, async () => {
    await check(tree);
  });
}

test('random trees arrive', async () => {
  for (const seed of seeds(30)) {
    await check(randomTree(new MemoryRandom(seed))).catch((cause: unknown) => {
      throw new Error(`SEED=${seed}`, { cause });
    });
  }
});

test('pieces of any size make no difference', async () => {
  for (const seed of seeds(12)) {
    const random = new MemoryRandom(seed);
    const most = [1, 2, 15, 16, 17, 1000, 70_000][seed % 7] ?? 1;
    const tree = most < 100 ? treeOf({ a: 0, b: 3, 'c d': 3000, e: null, 'e/f': 9000 }) : randomTree(random);
    const pieceBytes = (): number => 1 + random.below(most);
    await check(tree, {
      toReceiver: { pieceBytes, capacityBytes: most },
      toSender: { pieceBytes, capacityBytes: 1 },
    });
  }
});

test('what compresses is compressed, what does not is not', async () => {
  const random = new MemoryRandom(1);
  const text = await check(new Map([['text', { kind: 'file', bytes: random.bytes(MIB, false) }]]));
  assert.equal(text.compression.receiver.calls.decompress, 4);
  assert.ok(text.link.toReceiver.sentBytes < 100 * KIB);
  const { sender, receiver } = text.compression;
  assert.equal(sender.released.length, 4, 'what was sent is given back');
  assert.deepEqual(receiver.released, [MIB / 4, MIB / 4, MIB / 4, MIB / 4]);
  const noise = await check(treeOf({ noise: MIB }));
  assert.deepEqual(noise.compression.sender.calls, { measure: 2, compress: 0, decompress: 0 });
  const old = await check(new Map([['text', { kind: 'file', bytes: random.bytes(MIB, false) }]]), {
    codecs: ['zstd'],
  });
  assert.equal(old.compression.sender.calls.compress, 0, 'no codec in common');
});

test('what is compressed is given back once it has left, and not earlier', async () => {
  const random = new MemoryRandom(2);
  const tree: MemoryTree = new Map([
    ['big', { kind: 'file', bytes: random.bytes(MIB, false) }],
    ['small', { kind: 'file', bytes: random.bytes(100 * KIB, false) }],
  ]);
  // A pipe that holds next to nothing: what is given back too early arrives as something else.
  const { compression } = await check(tree, { toReceiver: { pieceBytes: () => 100, capacityBytes: 1 } });
  assert.deepEqual([compression.sender.released.length, compression.receiver.released.length], [5, 5]);
});

test('progress counts what is written, never goes back and ends at the total', async () => {
  const tree = treeOf({ a: 900 * KIB, b: 100, c: 700 * KIB, d: null, 'd/e': 3 * MIB });
  const seen: { readonly here: number; readonly there: number; readonly written: number }[] = [];
  const joined = joinTransfers(tree, {
    destination: {
      onWrite: () => {
        joined.clock.tick(150);
        const [here, there] = [joined.outgoing.snapshot(), joined.incoming.snapshot()];
        assert.deepEqual([here.state, there.state], ['moving', 'moving']);
        assert.ok(here.remainingMs === undefined || here.remainingMs > 0);
        seen.push({ here: here.bytesDone, there: there.bytesDone, written: joined.destination.stagedBytes });
      },
    },
  });
  assertArrived(tree, joined, await joined.run());
  for (const [at, { here, there, written }] of seen.entries()) {
    assert.ok(here <= there && there <= written, 'the sender never knows more than what is written');
    assert.ok(
      at === 0 || (here >= (seen[at - 1]?.here ?? 0) && there >= (seen[at - 1]?.there ?? 0)),
      'it went back',
    );
  }
  assert.ok((seen.at(-1)?.here ?? 0) > MIB, 'the sender hears of progress while it happens');
  assert.ok(countFrames(joined.link.toSender, 'progress') >= 3);
  assert.equal(joined.outgoing.snapshot().bytesDone, treeBytes(tree));
  assert.ok(joined.outgoing.snapshot().bytesPerSecond > 0);
});

test('what has arrived and is not written yet is no progress', async () => {
  const tree = treeOf({ a: 100, b: 700 * KIB });
  const joined = joinTransfers(tree);
  joined.destination.writing.shut();
  await joined.start();
  assert.equal(joined.destination.writing.waiting, 4);
  for (const { bytesDone } of [joined.outgoing.snapshot(), joined.incoming.snapshot()]) {
    assert.equal(bytesDone, 0);
  }
  joined.destination.writing.open();
  assertArrived(tree, joined, await joined.finish());
});

/** Pages of some 50 entries: long paths fill a page soon. */
function manyPages(): MemoryTree {
  const random = new MemoryRandom(3);
  const folders = Array.from({ length: 14 }, (_, depth) => String(depth).padEnd(240, 'x'));
  const tree = new Map<string, MemoryNode>();
  for (const at of folders.keys()) tree.set(folders.slice(0, at + 1).join('/'), { kind: 'folder' });
  for (let at = 0; at < 4100; at += 1) {
    // Now and then a file of several chunks, which keeps its page in memory.
    const length = at % 900 === 0 ? 600 * KIB : at % 4;
    tree.set(`${folders.join('/')}/${at}`, { kind: 'file', bytes: random.bytes(length) });
  }
  return tree;
}

test('many pages arrive, more than stay in memory, and each is read back a few times only', async () => {
  // With consent all pages are there before the first is answered.
  const joined = await check(manyPages(), { consent: () => Promise.resolve(true) });
  const pages = countFrames(joined.link.toReceiver, 'page');
  assert.ok(pages >= 80, `${pages} pages`);
  for (const { loaded } of [joined.stores.sender, joined.stores.receiver]) {
    assert.ok(
      loaded.manifest > 72 && loaded.manifest < 6 * pages,
      `${loaded.manifest} loads of ${pages} pages`,
    );
  }
});
