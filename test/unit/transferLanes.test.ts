import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { limits } from '../../src/protocol/limits.ts';
import { quiet } from '../support/memoryClock.ts';
import type { MemoryLanesOptions } from '../support/memoryLanes.ts';
import {
  assertArrived,
  assertFailed,
  countFrames,
  framesIn,
  joinTransfers,
} from '../support/memoryTransfer.ts';
import type { JoinOptions } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Enough for several lanes: ranges of big files, and packs. */
const tree = treeOf({
  big: 4 * MIB + 1,
  other: MIB,
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, at): [string, number] => [`small${at}`, 90 * KIB + at]),
  ),
});

/** So narrow that a chunk takes a while, and each lane gets its part. */
const NARROW = { capacityBytes: 1000, pieceBytes: () => 1000 };

/** A path so long that it starts with eight lanes. */
const LONG = { most: limits.lanes, roundTripMs: 50 };

function joinOver(lanes: Partial<MemoryLanesOptions> = {}, options: JoinOptions = {}) {
  const joined = joinTransfers(tree, { ...options, lanes: { ...LONG, ...lanes } });
  const dialled = joined.lanes;
  assert.ok(dialled);
  return { ...joined, dialled };
}

/** How many chunks came over each lane, the first one included. */
function chunksByLane({ dialled, link }: ReturnType<typeof joinOver>): ReadonlyMap<number, number> {
  const others = [...dialled.links].map(
    ([lane, { toReceiver }]) => [lane, countFrames(toReceiver, 'data')] as const,
  );
  return new Map([[0, countFrames(link.toReceiver, 'data')], ...others]);
}

suite('a long path', () => {
  test('starts with eight lanes, and each carries a part', async () => {
    const joined = joinOver({ pipe: () => NARROW }, { toReceiver: NARROW });
    assertArrived(tree, joined, await joined.run());
    assert.deepEqual(joined.dialled.joined, [1, 2, 3, 4, 5, 6, 7]);
    const chunks = chunksByLane(joined);
    for (const [lane, count] of chunks) assert.ok(count > 0, `lane ${lane} carried ${count}`);
    const all = [...chunks.values()].reduce((sum, count) => sum + count, 0);
    assert.equal(all, countFrames(joined.link.toSender, 'want'), 'no chunk went twice');
  });

  test('over a lane goes nothing but data', async () => {
    const joined = joinOver();
    assertArrived(tree, joined, await joined.run());
    for (const { toReceiver, toSender } of joined.dialled.links.values()) {
      const [first, ...said] = framesIn(toReceiver).map(({ name }) => name);
      assert.equal(first, 'join');
      assert.equal(said.pop(), 'close');
      assert.ok(said.every((name) => name === 'data'));
      assert.deepEqual(
        framesIn(toSender)
          .map(({ name }) => name)
          .filter((name) => name !== 'close'),
        ['joined'],
      );
    }
  });

  test('a lane that is stuck holds up only what is in it', async () => {
    const joined = joinOver({ pipe: (lane) => (lane === 3 ? { capacityBytes: 1 } : {}) });
    await joined.start();
    joined.dialled.links.get(3)?.toReceiver.delivery.shut();
    await quiet();
    joined.dialled.links.get(3)?.toReceiver.delivery.open();
    assertArrived(tree, joined, await joined.finish());
  });
});

suite('fewer lanes', () => {
  test('a short path starts with one', async () => {
    const joined = joinOver({ roundTripMs: 1 });
    assertArrived(tree, joined, await joined.run());
    assert.equal(joined.dialled.links.size, 0);
  });

  test('the user allows fewer', async () => {
    const joined = joinOver({ most: 3 });
    assertArrived(tree, joined, await joined.run());
    assert.deepEqual([...joined.dialled.links.keys()], [1, 2]);
  });

  test('little is to be sent', async () => {
    const little = treeOf({ a: MIB, b: 100 });
    const joined = joinTransfers(little, { lanes: LONG });
    assertArrived(little, joined, await joined.run());
    assert.equal(joined.lanes?.links.size, 0);
  });

  test('nobody answers where the lanes should go, and the first connection carries everything', async () => {
    const joined = joinOver({ isReachable: () => false });
    assertArrived(tree, joined, await joined.run());
    assert.equal(joined.dialled.links.size, 0);
    assert.equal(countFrames(joined.link.toReceiver, 'lost'), 0);
  });

  test('one cannot be had, and the others carry their parts', async () => {
    const joined = joinOver(
      { pipe: () => NARROW, isReachable: (lane) => lane !== 3 },
      { toReceiver: NARROW },
    );
    assertArrived(tree, joined, await joined.run());
    const chunks = chunksByLane(joined);
    for (const lane of [1, 2, 4, 5, 6, 7]) assert.ok((chunks.get(lane) ?? 0) > 0, `lane ${lane}`);
  });

  test('the receiver does not know them: they are refused, and learn no more', async () => {
    const joined = joinOver({ isKnown: () => false });
    assertArrived(tree, joined, await joined.run());
    for (const { toSender } of joined.dialled.links.values()) {
      const [only, ...more] = framesIn(toSender);
      assert.deepEqual(
        [only?.name, String(only?.payload), more.length],
        ['close', '{"code":"not-paired"}', 0],
      );
    }
    assert.deepEqual(joined.dialled.joined, []);
  });
});

suite('a lane that breaks', () => {
  test('wherever: what was in it goes over another one, and everything arrives', async () => {
    const ends = [1, 80, 120, 137, 138, 300, 256 * KIB, 256 * KIB + 300, 700 * KIB, 1100 * KIB];
    for (const cutAfterBytes of ends) {
      for (const cutsSilently of [false, true]) {
        const joined = joinOver({ pipe: (lane) => (lane === 2 ? { cutAfterBytes, cutsSilently } : {}) });
        assertArrived(tree, joined, await joined.run());
      }
    }
  });

  test('the receiver asks again for what has not come, and for nothing else', async () => {
    const joined = joinOver(
      { pipe: (lane) => (lane === 2 ? { ...NARROW, cutAfterBytes: 300 * KIB } : NARROW) },
      { toReceiver: NARROW },
    );
    assertArrived(tree, joined, await joined.run());
    const [lost, ...more] = framesIn(joined.link.toReceiver).filter(({ name }) => name === 'lost');
    assert.ok(lost);
    assert.equal(more.length, 0);
    const { lane, chunks } = JSON.parse(String(lost.payload)) as { lane: number; chunks: number[] };
    assert.equal(lane, 2);
    const wants = framesIn(joined.link.toSender).filter(({ name }) => name === 'want');
    const again = wants.map(({ index }) => index).filter((index, at, all) => all.indexOf(index) !== at);
    // The first of them had come whole: 300 KiB hold one chunk and a part of the next.
    assert.deepEqual(again, chunks.slice(1));
  });

  test('what has come over it and is still being written is not asked for again', async () => {
    const joined = joinOver();
    joined.destination.writing.shut();
    await joined.start();
    const asked = countFrames(joined.link.toSender, 'want');
    for (const link of joined.dialled.links.values()) link.cut();
    await quiet();
    assert.ok(countFrames(joined.link.toReceiver, 'lost') > 0);
    assert.equal(countFrames(joined.link.toSender, 'want'), asked);
    joined.destination.writing.open();
    assertArrived(tree, joined, await joined.finish());
  });

  test('all of them: the first connection goes on alone', async () => {
    const joined = joinOver({ pipe: () => ({ cutAfterBytes: 400 * KIB }) });
    assertArrived(tree, joined, await joined.run());
  });

  test('says nothing for too long: it is given up, and the transfer goes on', async () => {
    const joined = joinOver({ pipe: (lane) => (lane === 4 ? { capacityBytes: 1 } : {}) });
    joined.source.reading.shut();
    await joined.start();
    const link = joined.dialled.links.get(4);
    assert.ok(link);
    // What goes in comes out nowhere, and nobody is told.
    link.toReceiver.delivery.shut();
    link.toSender.delivery.shut();
    joined.source.reading.open();
    await quiet();
    assert.equal(joined.reports.outgoing, undefined, 'it waits for what is in the lane');
    await joined.clock.advance(2 * limits.deadAfterMs);
    assertArrived(tree, joined, await joined.finish());
  });

  test('brings damaged data: the chunk is asked for again', async () => {
    const joined = joinOver({ pipe: (lane) => (lane === 1 ? { flips: [5000] } : {}) });
    assertArrived(tree, joined, await joined.run());
  });

  test('brings a damaged header: the lane is closed, not the transfer', async () => {
    const joined = joinOver({ pipe: (lane) => (lane === 1 ? { flips: [16 + 131 + 8] } : {}) });
    assertArrived(tree, joined, await joined.run());
  });
});

suite('the session', () => {
  test('ends with its first connection, and all lanes with it', async () => {
    const joined = joinOver({}, { toReceiver: { cutAfterBytes: 900 * KIB } });
    assertFailed(joined, await joined.run(), 'connection-lost');
  });

  test('is cancelled, and all lanes end', async () => {
    for (const side of ['outgoing', 'incoming'] as const) {
      const joined = joinOver();
      joined.destination.writing.shut();
      await joined.start();
      joined[side].cancel();
      joined.destination.writing.open();
      assertFailed(joined, await joined.finish(), 'cancelled');
    }
  });

  test('is paused and goes on', async () => {
    const joined = joinOver();
    joined.outgoing.pause();
    await joined.start();
    await joined.clock.advance(60_000);
    assert.equal(joined.reports.outgoing, undefined);
    joined.outgoing.resume();
    assertArrived(tree, joined, await joined.finish());
  });
});

suite('what a receiver takes in', () => {
  let dropped = 0;
  const connection = { drop: () => (dropped += 1) };

  test('before there is an offer, nothing', () => {
    const { incoming } = joinTransfers(tree);
    assert.equal(incoming.takeIn(1, connection), undefined);
  });

  test('as many lanes as the limit, each number once', async () => {
    const joined = joinTransfers(tree);
    joined.source.reading.shut();
    await joined.start();
    const { incoming } = joined;
    for (let lane = 1; lane < limits.lanes; lane += 1) assert.ok(incoming.takeIn(lane * 3, connection));
    assert.equal(incoming.takeIn(1000, connection), undefined, 'one too many');
    incoming.letGo(3);
    assert.equal(incoming.takeIn(3, connection), undefined, 'a number comes once');
    assert.ok(incoming.takeIn(1000, connection));
    joined.source.reading.open();
    assertArrived(tree, joined, await joined.finish());
    assert.equal(incoming.takeIn(4, connection), undefined, 'it is over');
    assert.equal(dropped, limits.lanes - 1, 'those that are left end with the session');
  });
});
