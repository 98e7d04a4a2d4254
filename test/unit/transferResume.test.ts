import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { REPLY_HEAD_BYTES } from '../../src/protocol/chunkReply.ts';
import type { MemoryDestination } from '../support/memoryDestination.ts';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import {
  assertArrived,
  assertFailed,
  countFrames,
  framesIn,
  joinTransfers,
} from '../support/memoryTransfer.ts';
import type { Joined, JoinOptions } from '../support/memoryTransfer.ts';
import { randomTree, treeBytes, treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;

const tree = treeOf({
  a: 0,
  b: 5000,
  big: 3000 * KIB + 1,
  folder: null,
  'folder/c': 70_000,
  'folder/d': 256 * KIB,
  'folder/e': 200_000,
  'folder/f': 255 * KIB,
  'folder/g': 255 * KIB,
  'folder/h': 255 * KIB,
  z: 1,
});

/** Bytes of files that went over the link; what is sent here does not shrink. */
function sentContent({ link }: Joined): number {
  return framesIn(link.toReceiver)
    .filter(({ name }) => name === 'data')
    .reduce((sum, { payload }) => sum + payload.length - REPLY_HEAD_BYTES, 0);
}

/** A session that does not end well; returns what it leaves, if it came so far. */
async function interrupted(
  offered: MemoryTree,
  options: JoinOptions,
): Promise<{ readonly joined: Joined; readonly left: MemoryDestination | undefined }> {
  const joined = joinTransfers(offered, { ...options, keepsInterrupted: true });
  const { incoming } = await joined.run();
  assert.notEqual(incoming.end.close.code, 'done');
  return { joined, left: joined.destination.isSuspended ? joined.destination : undefined };
}

/** The transfer is offered again, and arrives. */
async function resumed(offered: MemoryTree, left: MemoryDestination | undefined): Promise<Joined> {
  const joined = joinTransfers(offered, {
    keepsInterrupted: true,
    destination: left === undefined ? {} : { left },
  });
  const reports = await joined.run();
  assertArrived(offered, joined, reports);
  assert.equal(joined.incoming.snapshot().bytesDone, treeBytes(offered));
  assert.equal(joined.destination.isAbandoned, true, 'nothing is kept of what is done');
  return joined;
}

/** Bytes of `offered` that lie right in what was left: whole small files, whole chunks of big ones. */
async function checkOnlyTheRest(offered: MemoryTree, left: MemoryDestination | undefined): Promise<void> {
  const joined = await resumed(offered, left);
  const heads = countFrames(joined.link.toReceiver, 'data') * 512;
  const most = treeBytes(offered) - (left?.stagedBytes ?? 0) + heads;
  assert.ok(sentContent(joined) <= most, `${sentContent(joined)} bytes were sent, ${most} were missing`);
}

suite('the link is cut, and the transfer is offered again', () => {
  for (const direction of ['toReceiver', 'toSender'] as const) {
    test(`after each sixteenth of what goes ${direction}: only what is missing is sent`, async () => {
      const whole = joinTransfers(tree, { keepsInterrupted: true });
      await whole.run();
      const total = whole.link[direction].sentBytes;
      const points = Array.from({ length: 16 }, (_, at) => Math.floor(((at + 1) * total) / 17));
      let kept = 0;
      for (const cutAfterBytes of [1, ...points, total - 60]) {
        for (const cutsSilently of [false, true]) {
          const { left } = await interrupted(tree, {
            toReceiver: { cutsSilently, capacityBytes: 300_000 },
            toSender: { cutsSilently },
            [direction]: { cutsSilently, cutAfterBytes, capacityBytes: 300_000 },
          });
          if ((left?.stagedBytes ?? 0) > 0) kept += 1;
          await checkOnlyTheRest(tree, left);
        }
      }
      assert.ok(kept > 8, `only ${kept} cuts left something`);
    });
  }

  test('random trees, cut again and again', async () => {
    for (const seed of seeds(15)) {
      const random = new MemoryRandom(seed);
      const offered = randomTree(random);
      let left: MemoryDestination | undefined;
      for (let time = 0; time < 4; time += 1) {
        const cutAfterBytes = 500 + random.below(1 + Math.floor(treeBytes(offered) / 3));
        const joined: Joined = joinTransfers(offered, {
          keepsInterrupted: true,
          toReceiver: { cutAfterBytes },
          destination: left === undefined ? {} : { left },
        });
        await joined.run();
        if (joined.destination.isSuspended) left = joined.destination;
      }
      await assert.doesNotReject(resumed(offered, left), `SEED=${seed}`);
    }
  });

  test('what is sent again is bounded by the window, whatever the size', async () => {
    const large = treeOf({ large: 48 * 1024 * KIB });
    for (const share of [0.3, 0.9]) {
      const cutAfterBytes = Math.floor(treeBytes(large) * share);
      const { joined, left } = await interrupted(large, { toReceiver: { cutAfterBytes } });
      const again = await resumed(large, left);
      const twice = sentContent(joined) + sentContent(again) - treeBytes(large);
      assert.ok(twice <= 16 * 1024 * KIB, `${twice} bytes were sent twice`);
      assert.ok(countFrames(again.link.toReceiver, 'same') > 0);
    }
  });

  test('the receipt is lost: nothing is sent again', async () => {
    const whole = joinTransfers(tree, { keepsInterrupted: true });
    await whole.run();
    const cutAfterBytes = whole.link.toSender.sentBytes - 1;
    const { joined, left } = await interrupted(tree, { toSender: { cutAfterBytes } });
    assert.ok(joined.destination.isPublished && joined.reports.incoming?.receipt !== undefined);
    assert.equal(joined.reports.outgoing?.receipt, undefined);
    const again = await resumed(tree, left);
    assert.equal(countFrames(again.link.toReceiver, 'data'), 0);
    assert.deepEqual(
      again.destination.calls.filter((call) => call.startsWith('write')),
      [],
    );
    for (const side of ['outgoing', 'incoming'] as const) {
      assert.equal(again[side].snapshot().bytesPerSecond, 0, `${side}: what was there is no speed`);
    }
  });
});

suite('what was left is not what is offered now', () => {
  const half = Math.floor(treeBytes(tree) * 0.7);
  const leave = () => interrupted(tree, { toReceiver: { cutAfterBytes: half, capacityBytes: 100_000 } });

  const others: Readonly<Record<string, MemoryTree>> = {
    'other contents': treeOf({ a: 0, b: new Uint8Array(5000).fill(1), big: new Uint8Array(3000 * KIB + 1) }),
    'a big file is longer': treeOf({ big: 3500 * KIB, z: 1 }),
    'a big file is shorter': treeOf({ big: 1000 * KIB + 7, z: 1 }),
    'a big file is small now': treeOf({ big: 500, z: 1 }),
    'a small file is big now': treeOf({ a: 900 * KIB, b: 900 * KIB, z: 1 }),
    'a file is a folder now': treeOf({ big: null, 'big/b': 10, folder: 300 }),
    'more before it': new Map([...treeOf({ '0': 10, '1': 600 * KIB }), ...tree]),
    'less of it': new Map([...tree].filter(([path]) => path !== 'b' && path !== 'folder/d')),
  };
  for (const [name, offered] of Object.entries(others)) {
    test(name, async () => {
      const { left } = await leave();
      assert.ok(left !== undefined && left.stagedBytes > 0);
      const joined = await resumed(offered, left);
      if (name !== 'more before it' && name !== 'less of it') return;
      const same = [...offered].filter(([path]) => left.staged.has(path));
      assert.ok(same.length > 0);
      assert.ok(sentContent(joined) < treeBytes(offered) - 1000 * KIB, 'what did not change is not sent');
    });
  }

  test('every file was damaged: it is sent again, the rest of it is not', async () => {
    const { left } = await leave();
    assert.ok(left !== undefined);
    for (const bytes of left.staged.values()) {
      const middle = Math.floor(bytes.length / 2);
      if (bytes.length > 0) bytes[middle] = 255 - (bytes[middle] ?? 0);
    }
    const joined = await resumed(tree, left);
    assert.ok(countFrames(joined.link.toReceiver, 'same') > 2);
  });
});

suite('how a session ends decides what is kept', () => {
  const endings: Readonly<
    Record<string, readonly [code: string, keeps: boolean, end: (joined: Joined) => void]>
  > = {
    'the link is cut': ['connection-lost', true, ({ link }) => link.cut()],
    'the receiver has to go': ['connection-lost', true, ({ incoming }) => incoming.interrupt()],
    'the sender has to go': ['connection-lost', true, ({ outgoing }) => outgoing.interrupt()],
    'the receiver cancels': ['cancelled', false, ({ incoming }) => incoming.cancel()],
    'the sender cancels': ['cancelled', false, ({ outgoing }) => outgoing.cancel()],
  };
  for (const [name, [code, keeps, end]] of Object.entries(endings)) {
    for (const keepsInterrupted of [true, false]) {
      test(`${name}, ${keepsInterrupted ? 'interruptions are kept' : 'nothing is kept'}`, async () => {
        const joined = joinTransfers(tree, { keepsInterrupted });
        joined.destination.writing.shut();
        await joined.start();
        end(joined);
        joined.destination.writing.open();
        assertFailed(joined, await joined.finish(), code);
        const { isSuspended, isAbandoned } = joined.destination;
        const isKept = keeps && keepsInterrupted;
        assert.deepEqual({ isSuspended, isAbandoned }, { isSuspended: isKept, isAbandoned: !isKept });
      });
    }
  }

  test('the disk is full: kept, so that room can be made', async () => {
    const fault = (operation: string, path: string, time: number) =>
      operation === 'write' && path === 'big' && time === 3 ? ('disk-full' as const) : undefined;
    const joined = joinTransfers(tree, { keepsInterrupted: true, destination: { fault } });
    assertFailed(joined, await joined.run(), 'disk-full');
    await resumed(tree, joined.destination);
  });

  test('declined: no destination ever opens', async () => {
    const joined = joinTransfers(tree, { keepsInterrupted: true, consent: () => Promise.resolve(false) });
    assertFailed(joined, await joined.run(), 'declined');
    assert.deepEqual(joined.destination.calls, []);
  });
});
