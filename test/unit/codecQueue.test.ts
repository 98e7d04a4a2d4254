import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodecQueue } from '../../src/transfer/codecQueue.ts';

/** A queue, and what each chunk was told so far, in the order in which they were told. */
function scene(threads: number) {
  const told: string[] = [];
  const path = { isIdle: false };
  const queue = new CodecQueue(threads, () => path.isIdle);
  const enter = (name: string, mayLeave: boolean): void =>
    queue.enter((isForCodec) => told.push(`${name} ${isForCodec ? 'codec' : 'leaves'}`), mayLeave);
  return { queue, path, told, enter };
}

test('as many at once as there are threads; the others wait, first come first served', () => {
  const { queue, told, enter } = scene(2);
  for (const name of ['a', 'b', 'c', 'd']) enter(name, true);
  assert.deepEqual(told, ['a codec', 'b codec']);
  queue.leave();
  queue.leave();
  assert.deepEqual(told.slice(2), ['c codec', 'd codec']);
  queue.leave();
  enter('e', true);
  enter('f', true);
  assert.deepEqual(told.slice(4), ['e codec']);
});

test('one leaves when the path becomes idle, and another when it is so again', () => {
  const { queue, told, enter } = scene(1);
  for (const name of ['a', 'b', 'c']) enter(name, true);
  queue.relieve();
  assert.deepEqual(told, ['a codec', 'b leaves']);
  queue.relieve();
  queue.relieve();
  assert.deepEqual(told.slice(2), ['c leaves']);
  queue.leave();
  enter('d', true);
  assert.deepEqual(told.slice(3), ['d codec']);
});

test('a chunk that comes while the path is idle does not wait, but takes a free thread', () => {
  const { path, told, enter } = scene(1);
  path.isIdle = true;
  enter('a', true);
  enter('b', true);
  assert.deepEqual(told, ['a codec', 'b leaves']);
});

test('what may not leave waits, however idle the path is', () => {
  const { queue, path, told, enter } = scene(1);
  path.isIdle = true;
  enter('a', false);
  enter('b', false);
  path.isIdle = false;
  enter('c', true);
  queue.relieve();
  assert.deepEqual(told, ['a codec', 'c leaves']);
  queue.relieve();
  queue.leave();
  assert.deepEqual(told.slice(2), ['b codec']);
});
