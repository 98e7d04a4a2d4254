import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendingLanes } from '../../src/transfer/sendingLanes.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';

/** The lanes of a transfer that has one; what is said over it leaves when the test says so. */
function scene() {
  const leaving: (() => void)[] = [];
  const idle: boolean[] = [];
  const clock = new MemoryClock();
  const lanes: SendingLanes = new SendingLanes({
    clock,
    first: {
      outlet: { sayBytes: () => undefined },
      flush: () => new Promise<void>((resolve) => leaving.push(resolve)),
      isGone: false,
    },
    dialler: undefined,
    onIdle: () => idle.push(lanes.isIdle),
    onLost: () => undefined,
  });
  const send = (index: number): void => void lanes.send(index, () => undefined);
  const leave = async (): Promise<void> => {
    leaving.shift()?.();
    await quiet();
  };
  return { clock, lanes, idle, send, leave };
}

test('a lane is idle until something is said, and again when all of it has left', async () => {
  const { lanes, idle, send, leave } = scene();
  assert.equal(lanes.isIdle, true);
  send(0);
  send(1);
  await quiet();
  assert.equal(lanes.isIdle, false);
  await leave();
  assert.deepEqual([lanes.isIdle, idle], [false, []], 'there is another one');
  await leave();
  assert.deepEqual([lanes.isIdle, idle], [true, [true]]);
});

test('a lane is not idle while chunks wait for it', async () => {
  const { lanes, idle, send, leave } = scene();
  for (const index of [0, 1, 2]) send(index);
  await quiet();
  await leave();
  await leave();
  assert.deepEqual([lanes.isIdle, idle], [false, []]);
  await leave();
  assert.deepEqual([lanes.isIdle, idle], [true, [true]]);
});

test('time in which all that may be ahead waits for a lane is counted', async () => {
  const { clock, lanes, send, leave } = scene();
  // Two are being said, and three wait: one more may be read meanwhile.
  for (const index of [0, 1, 2, 3, 4]) send(index);
  await quiet();
  clock.tick(100);
  assert.equal(lanes.stalledMs, 0);
  send(5);
  await quiet();
  clock.tick(30);
  assert.equal(lanes.stalledMs, 30);
  await leave();
  clock.tick(100);
  assert.equal(lanes.stalledMs, 30, 'one has left, and the next may be read');
});

test('of many transfers in one process each dials a few lanes, and more when the others have gone', async () => {
  const dialled: number[] = [];
  const lanes = new SendingLanes({
    clock: new MemoryClock(),
    first: { outlet: { sayBytes: () => undefined }, flush: () => Promise.resolve(), isGone: false },
    dialler: {
      most: 16,
      roundTripMs: 50,
      leastBytes: 0,
      dial(number) {
        dialled.push(number);
        return new Promise(() => undefined);
      },
    },
    onIdle: () => undefined,
    onLost: () => undefined,
  });
  lanes.share({ chunksAhead: 1, mostLanes: 2 });
  lanes.begin({ most: 16, offeredBytes: 1 });
  await quiet();
  assert.equal(dialled.length, 1, 'one beside the first');
  lanes.share({ chunksAhead: 4, mostLanes: 16 });
  await quiet();
  assert.equal(dialled.length, 7);
});
