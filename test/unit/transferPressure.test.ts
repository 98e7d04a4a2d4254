import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quiet } from '../support/memoryClock.ts';
import { assertArrived, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { Joined } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const WINDOW_BYTES = 16 * MIB;
const OPEN_WANTS = 64;

/** More than a window of big files and of packs. */
const tree = treeOf(
  Object.fromEntries([
    ...Array.from({ length: 3 }, (_, at): [string, number] => [`big${at}`, 9 * MIB + at]),
    ...Array.from({ length: 80 }, (_, at): [string, number] => [`small${at}`, 255 * KIB]),
  ]),
);

/** Bytes that have been read for the receiver and are not in its files yet: what is in memory, or under way. */
function bytesUnderWay({ source, destination }: Joined): number {
  let read = 0;
  for (const range of source.reads.keys()) {
    const [path, offset] = range.split('@');
    const node = tree.get(path ?? '');
    const size = node?.kind === 'file' ? node.bytes.length : 0;
    read += size < 256 * KIB ? size : Math.min(256 * KIB, size - Number(offset));
  }
  return read - destination.stagedBytes;
}

test('case 117: a slow destination holds the sender back: never more than the window is under way', async () => {
  const joined = joinTransfers(tree);
  joined.destination.writing.shut();
  await joined.start();
  assert.ok(joined.destination.writing.waiting > 0);
  let most = 0;
  for (let step = 0; joined.destination.writing.waiting > 0; step += 1) {
    most = Math.max(most, bytesUnderWay(joined));
    assert.ok(
      bytesUnderWay(joined) <= WINDOW_BYTES,
      `${bytesUnderWay(joined)} bytes under way at step ${step}`,
    );
    assert.ok(joined.destination.writing.waiting <= OPEN_WANTS);
    assert.equal(joined.reports.outgoing, undefined);
    joined.destination.writing.step();
    await quiet();
  }
  assert.ok(most > WINDOW_BYTES - MIB, `the window is used: ${most}`);
  assertArrived(tree, joined, await joined.finish());
});

test('case 114: a channel without room holds the sender back: it reads no more than the chunks it serves at once', async () => {
  const joined = joinTransfers(tree);
  joined.link.toReceiver.delivery.shut();
  await joined.start();
  joined.link.toReceiver.delivery.open();
  joined.source.reading.shut();
  await quiet();
  // All wants are there; the link is shut again and the source lets everything through.
  joined.link.toReceiver.delivery.shut();
  joined.source.reading.open();
  await quiet();
  assert.ok(joined.source.reads.size <= 4 * 4, `${joined.source.reads.size} files were read`);
  assert.ok(joined.link.toReceiver.bufferedBytes <= 5 * MIB);
  joined.link.toReceiver.delivery.open();
  assertArrived(tree, joined, await joined.finish());
  assert.ok(joined.source.mostReadsUnderWay <= 4);
});

for (const openWants of [1, 5, 64, 1000]) {
  test(`case 118: a sender that takes ${openWants} wants at once is asked for no more`, async () => {
    const joined = joinTransfers(tree, { openWants });
    joined.source.reading.shut();
    await joined.start();
    // The window holds as many of the smallest chunks as we would ask for at most.
    assert.equal(countFrames(joined.link.toSender, 'want'), Math.min(openWants, OPEN_WANTS));
    joined.source.reading.open();
    assertArrived(tree, joined, await joined.finish());
  });
}

test('memory is given back once it is used no more, on both sides', async () => {
  const joined = joinTransfers(treeOf({ big: 3 * MIB }));
  assertArrived(treeOf({ big: 3 * MIB }), joined, await joined.run());
  // Twelve chunks that were read, and the twelve frames that they travelled in.
  assert.equal(joined.recycled.length, 24);
});

test('the manifest is not listed ahead of the channel', async () => {
  const long = Object.fromEntries(
    Array.from({ length: 6000 }, (_, at): [string, number] => [`f${at}`.padEnd(250, '-'), 0]),
  );
  const joined = joinTransfers(treeOf(long), { toReceiver: { capacityBytes: 1000 } });
  // The hello passes, then nothing.
  joined.source.listing.shut();
  await joined.start();
  joined.link.toReceiver.delivery.shut();
  joined.source.listing.open();
  await quiet();
  assert.ok(joined.link.toReceiver.bufferedBytes < 600 * KIB, 'a page and a bit');
  assert.ok(joined.source.listed < 1500, `${joined.source.listed} items listed, of which a page holds 650`);
  joined.link.toReceiver.delivery.open();
  assertArrived(treeOf(long), joined, await joined.finish());
});
