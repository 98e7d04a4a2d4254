import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { requests } from '../../src/rpc/contract.ts';
import { accept, pairedHomes, send } from '../support/engine.ts';
import type { EngineHome, EngineWindow } from '../support/engine.ts';
import { makeFiles } from '../support/engineFiles.ts';
import { noise } from '../support/noise.ts';
import { takeSnapshot } from '../support/trees.ts';

/** What the windows see of an interruption, what they can do about it, and what was agreed to. */

/** So that an interruption comes in the middle; nothing here depends on how fast it really is. */
const RATE = { limitBytesPerSecond: 16_000_000 };

interface Interrupted {
  readonly a: EngineHome;
  readonly b: EngineHome;
  readonly windowA: EngineWindow;
  readonly windowB: EngineWindow;
  /** B's fingerprint. */
  readonly peer: string;
  readonly id: string;
  /** What is sent. */
  readonly folder: string;
}

/** A transfer was in its middle when both engines were killed; they run again, and B does not listen yet. */
async function interrupted(
  t: TestContext,
  { bytes = 32_000_000, until = 8_000_000 } = {},
): Promise<Interrupted> {
  const { a, b, engineA, engineB, windowA, windowB, peer } = await pairedHomes(t, { a: RATE });
  const folder = makeFiles(a, 'big', { files: 2, bytes: bytes / 2 });
  const id = await send(windowA, peer, folder);
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > until);
  for (const engine of [engineA, engineB]) engine.kill('SIGKILL');
  await Promise.all([engineA.ended, engineB.ended]);
  await Promise.all([a.start(), b.start()]);
  const [nextA, nextB] = await Promise.all([a.attach(), b.attach()]);
  return { a, b, windowA: nextA, windowB: nextB, peer, id, folder };
}

/** Has B listen, and tells A where. */
async function reconnect({ b, windowA, windowB, peer }: Interrupted): Promise<void> {
  await windowB.connection.sendRequest(requests.startReceiver);
  const address = await windowB.find('an address', ({ receiver }) =>
    receiver.state === 'listening' ? receiver.addresses[0] : undefined,
  );
  const name = b.settings.deviceName;
  await windowA.connection.sendRequest(requests.addPeer, { address, fingerprint: peer, name });
}

/** Bytes of all files in a folder. */
function bytesBelow(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const isInterrupted = ({ phase }: { readonly phase: string }): boolean => phase === 'interrupted';
const isDone = ({ phase }: { readonly phase: string }): boolean => phase === 'done';

test('after a restart both lists show how far it was; at another port it goes on, once that is known', async (t) => {
  // At this rate it takes so long that it was written down once.
  const both = await interrupted(t, { bytes: 80_000_000, until: 48_000_000 });
  const { b, windowA, windowB, folder } = both;
  const left = await windowA.transfer(
    'interrupted',
    (each) => isInterrupted(each) && each.failure !== undefined,
  );
  assert.equal(left.failure?.code, 'not-listening');
  assert.ok(left.retryAtMs);
  assert.ok(left.progress.bytesDone > 0, 'the sender does not begin at nothing');
  assert.equal(left.heldBytes, undefined);
  const held = await windowB.transfer('interrupted', isInterrupted);
  assert.ok((held.heldBytes ?? 0) > 0 && held.progress.bytesDone > 0, JSON.stringify(held));
  assert.ok(held.progress.bytesTotal >= 80_000_000);
  await reconnect(both);
  const moving = await windowB.transfer('moving', ({ phase }) => phase === 'moving');
  assert.ok(moving.progress.bytesDone >= held.progress.bytesDone, 'progress goes on where it was');
  await Promise.all([windowA.transfer('done', isDone), windowB.transfer('done', isDone)]);
  assert.deepEqual(windowB.prompts, []);
  assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  assert.deepEqual(readdirSync(b.received), ['big']);
});

test('a file that has grown meanwhile is within what was agreed to', async (t) => {
  const both = await interrupted(t);
  const { b, windowB, folder } = both;
  appendFileSync(join(folder, 'file 1.bin'), noise(8_000_000, 4));
  await reconnect(both);
  await windowB.transfer('done', isDone);
  assert.deepEqual(windowB.prompts, []);
  assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
});

test('far more than was agreed to is asked about again; what has arrived stays for a yes to the same', async (t) => {
  const both = await interrupted(t);
  const { b, windowB, folder, id } = both;
  appendFileSync(join(folder, 'file 1.bin'), noise(40_000_000, 4));
  await reconnect(both);
  assert.equal(await windowB.prompted(), id);
  const staging = join(b.received, '.peer-courier', id);
  const held = bytesBelow(staging);
  assert.ok(held > 4_000_000);
  await accept(windowB, id);
  await windowB.transfer('moving', ({ phase }) => phase === 'moving');
  assert.ok(bytesBelow(staging) >= held, 'it does not begin anew');
  await windowB.transfer('done', isDone);
  assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  assert.deepEqual(readdirSync(b.received), ['big']);
});

test('far more than was agreed to goes elsewhere: what had arrived in the first place is removed', async (t) => {
  const both = await interrupted(t);
  const { b, windowB, folder, id } = both;
  appendFileSync(join(folder, 'file 1.bin'), noise(40_000_000, 4));
  await reconnect(both);
  assert.equal(await windowB.prompted(), id);
  const elsewhere = b.folder('elsewhere');
  await accept(windowB, id, elsewhere);
  await windowB.transfer('done', isDone);
  assert.deepEqual(takeSnapshot(join(elsewhere, 'big')), takeSnapshot(folder));
  assert.deepEqual(readdirSync(b.received), []);
});

test('the receive folder is away: both say so, nothing is made in its place, and it goes on when it is back', async (t) => {
  const both = await interrupted(t);
  const { b, windowA, windowB, folder } = both;
  const away = join(b.root, 'away');
  renameSync(b.received, away);
  await reconnect(both);
  const told = await windowA.transfer('told', ({ failure }) => failure?.code === 'destination-unwritable');
  assert.equal(told.failure?.origin, 'remote');
  const { failure } = await windowB.transfer(
    'kept',
    (each) => isInterrupted(each) && each.failure !== undefined,
  );
  assert.equal(failure?.code, 'destination-unwritable');
  assert.deepEqual(
    readdirSync(b.root).filter((name) => name === 'received'),
    [],
  );
  renameSync(away, b.received);
  // Nobody waits longer than needed.
  await windowA.connection.sendRequest(requests.resumeTransfer, { id: both.id });
  await windowB.transfer('done', isDone);
  assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  assert.deepEqual(windowB.prompts, []);
});

test('discarded on both sides: off the lists, for good, and nothing is held', async (t) => {
  const { a, b, windowA, windowB, id } = await interrupted(t);
  for (const window of [windowA, windowB]) {
    await window.transfer('interrupted', isInterrupted);
    await window.connection.sendRequest(requests.discardTransfer, { id });
    await window.find('an empty list', ({ transfers }) => transfers.length === 0);
  }
  assert.deepEqual(readdirSync(b.received), []);
  assert.deepEqual(readdirSync(join(a.storage, 'jobs')), []);
  assert.deepEqual(readdirSync(join(b.storage, 'accepted')), []);
});

test('discarded by the sender while it moves: the receiver hears of it and keeps nothing', async (t) => {
  const { b, windowA, windowB, peer, a } = await pairedHomes(t, { a: RATE });
  const id = await send(windowA, peer, makeFiles(a, 'big', { files: 1, bytes: 32_000_000 }));
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
  await windowA.connection.sendRequest(requests.discardTransfer, { id });
  await windowA.find('an empty list', ({ transfers }) => transfers.length === 0);
  await windowB.transfer('cancelled', ({ phase }) => phase === 'cancelled');
  assert.deepEqual(readdirSync(b.received), []);
});
