import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { TransferLocks } from '../../src/engine/transferLock.ts';
import { runTask } from '../support/children.ts';
import { scratchFolder } from '../support/scratch.ts';

const ID = 'a'.repeat(32);
const isBusy = (error: unknown): boolean => CourierError.is(error, 'busy');

test('case 76: a transfer is taken once, and free again when it is let go', async (t) => {
  const state = scratchFolder(t);
  const [one, other] = [new TransferLocks(state), new TransferLocks(state)];
  assert.equal(await other.isTaken(ID), false);
  const lock = await one.take(ID);
  await assert.rejects(other.take(ID), isBusy);
  await assert.rejects(one.take(ID), isBusy);
  assert.equal(await other.isTaken(ID), true);
  const elsewhere = await other.take('b'.repeat(32));
  lock.release();
  const again = await other.take(ID);
  again.release();
  elsewhere.release();
  assert.equal(await one.isTaken(ID), false);
  assert.deepEqual(readdirSync(join(state, 'locks')), []);
});

test('case 76: of several that want it at once one gets it', async (t) => {
  const locks = new TransferLocks(scratchFolder(t));
  const wanted = await Promise.allSettled(Array.from({ length: 8 }, () => locks.take(ID)));
  const got = wanted.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  assert.equal(got.length, 1);
  for (const lock of got) lock.release();
});

test('case 76: what a killed process held is free, though its name is still there', async (t) => {
  const state = scratchFolder(t);
  await assert.rejects(runTask('holdTransfer', [state, ID]), /ended without a word/u);
  assert.deepEqual(readdirSync(join(state, 'locks')), [`${ID}.sock`]);
  const lock = await new TransferLocks(state).take(ID);
  lock.release();
});

test('a state folder whose path is too long for a socket has locks all the same', async (t) => {
  const state = join(scratchFolder(t), 'long'.repeat(30));
  mkdirSync(state);
  const lock = await new TransferLocks(state).take(ID);
  await assert.rejects(new TransferLocks(state).take(ID), isBusy);
  lock.release();
});
