import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { limits } from '../../src/protocol/limits.ts';
import { parseSafePath } from '../../src/protocol/wirePath.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import { quiet } from '../support/memoryClock.ts';
import {
  assertArrived,
  assertFailed,
  helloOf,
  joinTransfers,
  TRANSFER_ID,
} from '../support/memoryTransfer.ts';
import type { Joined, JoinOptions, Reports } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const KIB = 1024;
const tree = treeOf({
  a: 0,
  b: 5000,
  big: 900 * KIB + 1,
  folder: null,
  'folder/c': 70_000,
  'folder/d': 256 * KIB,
});
const older = new Map([['folder/d', new Uint8Array(256 * KIB)]]);
const options: JoinOptions = { destination: { older } };

/** Whatever happened: both sides ended, and what stands in the receive folder is all or nothing. */
function checkAllOrNothing(joined: Joined, { outgoing, incoming }: Reports, name: string): void {
  if (outgoing.receipt !== undefined) assert.ok(incoming.receipt, `${name}: a receipt that nobody gave`);
  if (incoming.receipt !== undefined) {
    assert.ok(joined.destination.isPublished, `${name}: a receipt for nothing`);
  }
  // The link may break between the last name and the receipt: then everything is there, and still counts as failed.
  assert.equal(joined.destination.published.size, joined.destination.isPublished ? tree.size : 0, name);
  assert.equal(joined.outgoing.snapshot().state, outgoing.receipt === undefined ? 'failed' : 'done');
  assert.equal(joined.incoming.snapshot().state, incoming.receipt === undefined ? 'failed' : 'done');
}

/** Fiftieths of what a whole session sends, and the first and last bytes. */
async function cutPoints(direction: 'toReceiver' | 'toSender'): Promise<number[]> {
  const joined = joinTransfers(tree, options);
  assertArrived(tree, joined, await joined.run());
  const total = joined.link[direction].sentBytes;
  return [
    1,
    15,
    16,
    17,
    total - 1,
    total,
    ...Array.from({ length: 50 }, (_, at) => Math.floor(((at + 1) * total) / 51)),
  ];
}

suite('the link is cut', () => {
  for (const direction of ['toReceiver', 'toSender'] as const) {
    for (const cutsSilently of [false, true]) {
      test(`${direction}, ${cutsSilently ? 'as an end' : 'as an error'}`, async () => {
        const seen = new Set<string>();
        for (const cutAfterBytes of await cutPoints(direction)) {
          const pipe = { cutsSilently };
          const cut = { cutsSilently, cutAfterBytes };
          const joined = joinTransfers(tree, {
            ...options,
            toReceiver: direction === 'toReceiver' ? cut : pipe,
            toSender: direction === 'toSender' ? cut : pipe,
          });
          const reports = await joined.run();
          checkAllOrNothing(joined, reports, `${direction} ${cutAfterBytes}`);
          for (const { end } of [reports.outgoing, reports.incoming]) seen.add(end.close.code);
        }
        seen.delete('done');
        assert.deepEqual([...seen], ['connection-lost']);
      });
    }
  }

  for (const at of ['planning', 'writing', 'readingHeld', 'publishing'] as const) {
    test(`while the destination is ${at}: it is abandoned only after that`, async () => {
      const joined = joinTransfers(tree, options);
      joined.destination[at].shut();
      await joined.start();
      assert.ok(joined.destination[at].waiting > 0);
      joined.link.cut();
      await quiet();
      assert.equal(joined.destination.isAbandoned, false);
      assert.ok(joined.reports.outgoing, 'the sender need not wait for that');
      joined.destination[at].open();
      const reports = await joined.finish();
      checkAllOrNothing(joined, reports, at);
      assert.equal(reports.incoming.receipt, undefined);
      assert.ok(joined.destination.isAbandoned);
    });
  }

  test('while the source is reading: it is closed only after that', async () => {
    const joined = joinTransfers(tree, options);
    joined.source.reading.shut();
    await joined.start();
    assert.equal(joined.source.readsUnderWay, 4);
    joined.link.cut();
    await quiet();
    assert.equal(joined.source.isClosed, false);
    joined.source.reading.open();
    assertFailed(joined, await joined.finish(), 'connection-lost');
  });

  test('one read fails while others are under way: the source is closed only after them', async () => {
    const fault = (path: string, offset: number) =>
      path === 'big' && offset === 0 ? ('internal' as const) : undefined;
    const joined = joinTransfers(tree, { source: { fault } });
    joined.source.reading.shut();
    await joined.start();
    joined.source.reading.step();
    await quiet();
    assert.equal(joined.source.isClosed, false);
    joined.source.reading.open();
    assertFailed(joined, await joined.finish(), 'internal');
  });

  test('one page cannot be planned while another is being compared: nothing is abandoned under it', async () => {
    const long = treeOf(Object.fromEntries(Array.from({ length: 2100 }, (_, at) => [`f${at}`, 1])));
    const fault = (operation: string, path: string) =>
      operation === 'plan' && path !== 'f0' ? ('disk-full' as const) : undefined;
    const joined = joinTransfers(long, {
      destination: { fault, older: new Map([['f0', Uint8Array.of(0)]]) },
    });
    joined.destination.readingHeld.shut();
    joined.destination.planning.shut();
    await joined.start();
    joined.destination.planning.step();
    await quiet();
    assert.equal(joined.destination.readingHeld.waiting, 1);
    joined.destination.planning.open();
    await quiet();
    assert.equal(joined.destination.isAbandoned, false);
    joined.destination.readingHeld.open();
    assertFailed(joined, await joined.finish(), 'disk-full');
  });

  test('one write fails while others are under way: nothing is abandoned under them', async () => {
    const fault = (operation: string, path: string, time: number) =>
      operation === 'write' && path === 'big' && time === 1 ? ('disk-full' as const) : undefined;
    const joined = joinTransfers(tree, { destination: { fault } });
    joined.destination.writing.shut();
    await joined.start();
    joined.destination.writing.step();
    await quiet();
    assert.equal(joined.destination.isAbandoned, false);
    joined.destination.writing.open();
    assertFailed(joined, await joined.finish(), 'disk-full');
  });
});

suite('somebody cancels', () => {
  for (const side of ['outgoing', 'incoming'] as const) {
    for (const direction of ['toReceiver', 'toSender'] as const) {
      test(`${side}, at points of what goes ${direction}`, async () => {
        const codes = new Set<string>();
        for (const point of await cutPoints(direction)) {
          const onSend = (sentBytes: number): void => {
            if (sentBytes >= point) joined[side].cancel();
          };
          const joined: Joined = joinTransfers(tree, {
            ...options,
            [direction]: { onSend, capacityBytes: 1000 },
          });
          const reports = await joined.run();
          checkAllOrNothing(joined, reports, `${side} ${direction} ${point}`);
          if (reports.incoming.receipt === undefined) {
            const { outgoing, incoming } = reports;
            codes.add(`${outgoing.end.close.code} ${incoming.end.close.code}`);
          }
        }
        assert.deepEqual([...codes], ['cancelled cancelled']);
      });
    }

    test(`${side}, before it runs`, async () => {
      const joined = joinTransfers(tree);
      joined[side].cancel();
      await quiet();
      const reports = await joined.run();
      checkAllOrNothing(joined, reports, side);
      assert.equal(reports[side].end.close.code, 'cancelled');
    });

    test(`${side}, twice`, async () => {
      const joined = joinTransfers(tree);
      joined.destination.writing.shut();
      await joined.start();
      joined[side].cancel();
      joined[side].cancel();
      joined.destination.writing.open();
      assertFailed(joined, await joined.finish(), 'cancelled');
    });
  }
});

suite('the peer falls silent', () => {
  test('case 120: both links stop: both sides give up, even with a frame half out', async () => {
    for (const point of [0, 1000, 300 * KIB]) {
      const joined: Joined = joinTransfers(tree, {
        toReceiver: {
          capacityBytes: 1000,
          pieceBytes: () => 1000,
          onSend: (sentBytes) => {
            if (sentBytes < point) return;
            joined.link.toReceiver.delivery.shut();
            joined.link.toSender.delivery.shut();
          },
        },
      });
      await joined.start();
      assert.deepEqual(joined.reports, {});
      await joined.clock.advance(120_000);
      assertFailed(joined, await joined.finish(), 'timed-out');
    }
  });

  test('a session that is only idle lives on', async () => {
    const joined = joinTransfers(tree);
    joined.destination.writing.shut();
    await joined.start();
    await joined.clock.advance(3_600_000);
    assert.deepEqual(joined.reports, {});
    joined.destination.writing.open();
    assertArrived(tree, joined, await joined.finish());
  });

  test('a sender that never answers a want: the receiver gives up when it stops answering pings', async () => {
    const joined = joinTransfers(tree);
    const session = new SenderSession({ isDialler: true, hello: helloOf('sender'), now: 0 });
    const { conversation } = session;
    const parsed = parseSafePath('file');
    assert.ok('path' in parsed);
    const entry = { kind: 'file', path: parsed.path, size: 10, mtimeMs: 0, isExecutable: false } as const;
    let wants = 0;
    const peer = (async () => {
      await joined.link.sender.send(conversation.takeOutput());
      for await (const bytes of joined.link.sender.inbound) {
        for (const event of conversation.receive(bytes, 0)) {
          if (event.type === 'wanted') wants += 1;
          if (event.type === 'answered') session.serveUpTo(1);
          if (event.type !== 'opened') continue;
          session.offer(TRANSFER_ID, 'never');
          session.sendPage([entry]);
          session.endOffer(0);
          await joined.link.sender.send(conversation.takeOutput());
        }
      }
    })();
    void joined.incoming.run().then((report) => (joined.reports.incoming = report));
    await quiet();
    await joined.clock.advance(limits.deadAfterMs - 1000);
    assert.equal(wants, 1);
    assert.deepEqual(joined.reports, {});
    await joined.clock.advance(2000);
    const { incoming } = joined.reports;
    assert.equal(incoming?.end.close.code, 'timed-out');
    assert.ok(joined.destination.isAbandoned);
    await peer;
  });
});
