import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { quiet } from '../support/memoryClock.ts';
import { assertArrived, assertFailed, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { Joined, JoinOptions } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const KIB = 1024;
/** More chunks than may be wanted or served at once. */
const tree = treeOf({ big: 40_000 * KIB, pack: 1000, folder: null, 'folder/other': 600 * KIB });
const SIDES = ['incoming', 'outgoing'] as const;
type Side = (typeof SIDES)[number];

const frames = ({ link }: Joined, side: Side): number =>
  side === 'incoming' ? countFrames(link.toSender, 'want') : countFrames(link.toReceiver, 'data');

/** A transfer that one side pauses when the first chunk is written; it comes back when all is quiet. */
async function pausedMidway(side: Side, options: JoinOptions = {}): Promise<Joined> {
  const moment: { pause?: () => void } = {};
  const joined = joinTransfers(tree, { ...options, destination: { onWrite: () => moment.pause?.() } });
  let atPause: number | undefined;
  moment.pause = () => {
    joined[side].pause();
    atPause ??= frames(joined, side);
  };
  await joined.start();
  assert.deepEqual(joined.reports, {});
  assert.ok(atPause !== undefined);
  // One want was said and waited for the link; up to four chunks were being read.
  const allowed = side === 'incoming' ? 1 : 4;
  assert.ok(frames(joined, side) <= atPause + allowed, `${frames(joined, side)} after ${atPause}`);
  moment.pause = () => undefined;
  return joined;
}

for (const side of SIDES) {
  suite(`${side}: a pause`, () => {
    test('holds everything, keeps the session alive, and ends when it is told to', async () => {
      const joined = await pausedMidway(side);
      const before = frames(joined, side);
      joined[side].pause();
      await joined.clock.advance(3_600_000);
      assert.deepEqual(joined.reports, {});
      assert.equal(frames(joined, side), before);
      const { state, bytesPerSecond, remainingMs, bytesDone } = joined[side].snapshot();
      assert.deepEqual(
        { state, bytesPerSecond, remainingMs },
        {
          state: 'paused',
          bytesPerSecond: 0,
          remainingMs: undefined,
        },
      );
      assert.ok(bytesDone < 40_000 * KIB);
      const other = side === 'incoming' ? 'outgoing' : 'incoming';
      assert.equal(joined[other].snapshot().state, 'moving');
      joined[side].resume();
      assert.equal(joined[side].snapshot().state, 'moving');
      joined[side].resume();
      assertArrived(tree, joined, await joined.finish());
    });

    test('does not count into the speed', async () => {
      const joined = await pausedMidway(side);
      await joined.clock.advance(3_600_000);
      joined.destination.writing.shut();
      joined[side].resume();
      await quiet();
      joined.destination.writing.step();
      await quiet();
      await joined.clock.advance(200);
      // A chunk in a fifth of a second, and not in an hour.
      assert.ok(joined[side].snapshot().bytesPerSecond > 1_000_000);
      joined.destination.writing.open();
      assertArrived(tree, joined, await joined.finish());
    });

    test('again and again', async () => {
      const moment: { act?: () => void } = {};
      const joined = joinTransfers(tree, { destination: { onWrite: () => moment.act?.() } });
      moment.act = () => joined[side].pause();
      await joined.start();
      let rounds = 0;
      for (; joined.reports.incoming === undefined && rounds < 1000; rounds += 1) {
        assert.equal(joined[side].snapshot().state, 'paused');
        joined[side].resume();
        await quiet();
        await joined.clock.advance(1000);
      }
      assert.ok(rounds > 3 && rounds < 1000, `${rounds}`);
      assertArrived(tree, joined, await joined.finish());
    });

    test('before anything else', async () => {
      const joined = joinTransfers(tree);
      joined[side].pause();
      assert.equal(joined[side].snapshot().state, 'paused');
      await joined.start();
      assert.equal(frames(joined, side), 0);
      joined[side].resume();
      assertArrived(tree, joined, await joined.finish());
    });

    test('and nothing to wait for: nothing is published meanwhile', async () => {
      const joined = joinTransfers(tree, { destination: { decide: () => 'skip' } });
      joined.incoming.pause();
      await joined.start();
      assert.equal(joined.destination.isPublished, false);
      joined.incoming.resume();
      await joined.finish();
      assert.equal(joined.destination.isPublished, true);
    });

    const endings: Readonly<Record<string, readonly [code: string, end: (joined: Joined) => void]>> = {
      'the link is cut': ['connection-lost', ({ link }) => link.cut()],
      'this side cancels': ['cancelled', (joined) => joined[side].cancel()],
      'the receiver is interrupted': ['connection-lost', ({ incoming }) => incoming.interrupt()],
      'the sender is interrupted': ['connection-lost', ({ outgoing }) => outgoing.interrupt()],
    };
    for (const [name, [code, end]] of Object.entries(endings)) {
      test(`does not outlive the session: ${name}`, async () => {
        const joined = await pausedMidway(side);
        end(joined);
        assertFailed(joined, await joined.finish(), code);
        joined[side].pause();
        assert.equal(joined[side].snapshot().state, 'failed');
      });
    }
  });
}
