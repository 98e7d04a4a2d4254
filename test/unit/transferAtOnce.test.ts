/** A receiver that takes whatever is listed: data flows while the sender still lists. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { assertArrived, assertFailed, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { JoinOptions } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

/** Several pages. */
const FILES = 9000;
const tree = treeOf(
  Object.fromEntries(
    Array.from({ length: FILES }, (_, at): [string, number] => [`f${String(at).padStart(5, '0')}`, 10]),
  ),
);
const AT_ONCE = { consentsAtOnce: true };

/** Lists all but the last of the files, and comes back when nothing happens any more. */
async function almostListed(options: JoinOptions = AT_ONCE) {
  const joined = joinTransfers(tree, { ...options, source: { listsFreely: FILES - 1 } });
  joined.source.listing.shut();
  await joined.start();
  return joined;
}

test('the first files are written before the last one is listed', async () => {
  const joined = await almostListed();
  assert.equal(joined.source.listed, FILES - 1);
  assert.ok(joined.destination.stagedBytes > (FILES * 10) / 2, `${joined.destination.stagedBytes} bytes`);
  assert.equal(joined.incoming.snapshot().state, 'moving');
  assert.equal(joined.reports.incoming, undefined, 'nothing is published before all is known');
  assert.equal(joined.destination.published.size, 0);
  joined.source.listing.open();
  assertArrived(tree, joined, await joined.finish());
  const order = joined.events.filter((event) => /opened 0|knows/u.test(event));
  assert.deepEqual(order, [
    'receiver opened 00112233445566778899aabbccddeeff',
    `receiver knows of ${FILES} entries`,
  ]);
});

test('what is asked for comes first: the list goes on when it has been looked up', async () => {
  const joined = joinTransfers(tree, AT_ONCE);
  joined.source.reading.shut();
  await joined.start();
  assert.ok(joined.source.reading.waiting > 0);
  const { listed } = joined.source;
  assert.ok(listed < FILES / 2, `${listed} are listed`);
  joined.source.reading.open();
  assertArrived(tree, joined, await joined.finish());
});

test('while the path holds up what was looked up, the list goes on', async () => {
  const big = treeOf({
    a: 8 * 1024 * 1024,
    ...Object.fromEntries([...tree.keys()].map((path) => [path, 10])),
  });
  const joined = joinTransfers(big, { ...AT_ONCE, toReceiver: { capacityBytes: 100_000 } });
  joined.destination.writing.shut();
  await joined.start();
  assert.equal(joined.source.listed, FILES + 1);
  joined.destination.writing.open();
  assertArrived(big, joined, await joined.finish());
});

test('without that, nothing is asked for before all is listed', async () => {
  const joined = await almostListed({});
  assert.equal(countFrames(joined.link.toSender, 'answer'), 0);
  joined.source.listing.open();
  assertArrived(tree, joined, await joined.finish());
});

suite('ends in the middle of the list', () => {
  test('because listing fails', async () => {
    const joined = joinTransfers(tree, {
      ...AT_ONCE,
      source: { listFault: new CourierError('source-missing', 'gone') },
    });
    assertFailed(joined, await joined.run(), 'source-missing');
  });

  test('because the connection breaks', async () => {
    for (const cutAfterBytes of [50, 300, 100_000, 250_000]) {
      const joined = joinTransfers(tree, { ...AT_ONCE, toReceiver: { cutAfterBytes } });
      assertFailed(joined, await joined.run(), 'connection-lost');
    }
  });

  test('because either side cancels', async () => {
    for (const side of ['outgoing', 'incoming'] as const) {
      const joined = await almostListed();
      joined[side].cancel();
      joined.source.listing.open();
      assertFailed(joined, await joined.finish(), 'cancelled');
    }
  });

  test('because the disk is full', async () => {
    const joined = joinTransfers(tree, { ...AT_ONCE, destination: { freeBytes: 50_000 } });
    assertFailed(joined, await joined.run(), 'disk-full');
  });
});
