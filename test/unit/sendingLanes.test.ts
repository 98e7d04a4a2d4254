import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendingLanes } from '../../src/transfer/sendingLanes.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';

/** The lanes of a transfer that has one; what is said over it leaves when the test says so. */
function scene() {
  const leaving: (() => void)[] = [];
  const idle: boolean[] = [];
  const lanes: SendingLanes = new SendingLanes({
    clock: new MemoryClock(),
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
  return { lanes, idle, send, leave };
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
