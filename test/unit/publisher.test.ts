import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Publisher } from '../../src/engine/publisher.ts';
import type { StateChange } from '../../src/rpc/model.ts';
import { MemoryClock } from '../support/memoryClock.ts';

function open() {
  const clock = new MemoryClock();
  const told: { readonly at: number; readonly sections: readonly string[] }[] = [];
  const moving = { is: false };
  const publisher = new Publisher({
    clock,
    isMoving: () => moving.is,
    sections: (names) => Object.fromEntries([...names].map((name) => [name, []])) as StateChange,
    publish: (change) => void told.push({ at: clock.now(), sections: Object.keys(change).toSorted() }),
  });
  return { clock, told, moving, publisher };
}

test('the first change is told at once, what changes together together', async () => {
  const { clock, told, publisher } = open();
  publisher.changed('peers');
  publisher.changed('receiver');
  await clock.advance(0);
  assert.deepEqual(told, [{ at: 0, sections: ['peers', 'receiver'] }]);
});

test('a thousand changes a second are told four times', async () => {
  const { clock, told, publisher } = open();
  for (let at = 0; at < 1000; at += 1) {
    publisher.changed('transfers');
    await clock.advance(1);
  }
  assert.deepEqual(
    told.map(({ at }) => at),
    [0, 250, 500, 750, 1000],
  );
});

test('what moves is sampled until it stands still; then nothing is armed', async () => {
  const { clock, told, moving, publisher } = open();
  moving.is = true;
  publisher.changed('transfers');
  await clock.advance(600);
  moving.is = false;
  await clock.advance(1000);
  assert.deepEqual(
    told.map(({ at }) => at),
    [0, 250, 500, 750],
  );
  assert.equal(clock.armed, 0);
});
