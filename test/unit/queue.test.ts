import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsyncQueue } from '../../src/base/queue.ts';

/** Consumes `queue` in the background; `taken` grows as items come out. */
function consume(queue: AsyncQueue<number>): { taken: number[]; ended: Promise<void> } {
  const taken: number[] = [];
  const run = async (): Promise<void> => {
    for await (const item of queue) taken.push(item);
  };
  return { taken, ended: run() };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test('hands out what was pushed before, in order, and ends', async () => {
  const queue = new AsyncQueue<number>();
  for (const item of [1, 2, 3]) queue.push(item);
  queue.end();
  const { taken, ended } = consume(queue);
  await ended;
  assert.deepEqual(taken, [1, 2, 3]);
});

test('wakes its consumer for each item', async () => {
  const queue = new AsyncQueue<number>();
  const { taken } = consume(queue);
  const seen: number[][] = [];
  for (const items of [[], [1], [2, 3], [0]]) {
    for (const item of items) queue.push(item);
    await settle();
    seen.push([...taken]);
  }
  assert.deepEqual(seen, [[], [1], [1, 2, 3], [1, 2, 3, 0]]);
});

test('an end wakes the consumer that waits', async () => {
  const queue = new AsyncQueue<number>();
  const { taken, ended } = consume(queue);
  await settle();
  queue.end();
  await ended;
  assert.deepEqual(taken, []);
});

test('what is pushed after the end is dropped; ending twice is ending once', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.end();
  queue.push(2);
  queue.end();
  const { taken, ended } = consume(queue);
  await ended;
  assert.deepEqual(taken, [1]);
});

test('an item pushed while another is worked on is not lost', async () => {
  const queue = new AsyncQueue<number>();
  queue.push(3);
  const taken: number[] = [];
  for await (const item of queue) {
    taken.push(item);
    if (item > 0) queue.push(item - 1);
    else queue.end();
  }
  assert.deepEqual(taken, [3, 2, 1, 0]);
});

test('several consumers share the items, each item once', async () => {
  const queue = new AsyncQueue<number>();
  const consumers = [1, 2, 3].map(() => consume(queue));
  for (const items of [[1], [2, 3], [4, 5, 6, 7]]) {
    for (const item of items) queue.push(item);
    await settle();
  }
  queue.end();
  await Promise.all(consumers.map(({ ended }) => ended));
  const taken = consumers.flatMap((consumer) => consumer.taken);
  assert.deepEqual(new Set(taken), new Set([1, 2, 3, 4, 5, 6, 7]));
  assert.equal(taken.length, 7);
});
