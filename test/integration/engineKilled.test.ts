import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sendPaths } from '../../src/engine/sender.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { identityOf } from '../../src/node/identity/identity.ts';
import { requests } from '../../src/rpc/contract.ts';
import { accept, EngineHome, pairedHomes, send } from '../support/engine.ts';
import { makeFiles } from '../support/engineFiles.ts';
import { takeSnapshot } from '../support/trees.ts';

/**
 * An engine is killed while it sends or receives; the next one goes on. The rate is limited so that the
 * kill comes in the middle; nothing here depends on how fast it really is.
 */
const RATE = { limitBytesPerSecond: 16_000_000 };

for (const victim of ['sender', 'receiver', 'both'] as const) {
  test(`case 185, 186: ${victim} killed in the middle: it goes on by itself, nobody is asked again`, async (t) => {
    const { a, b, engineA, engineB, windowA, windowB, peer } = await pairedHomes(t, { a: RATE });
    const port = Number(
      /\d+$/u.exec(
        await windowB.find('an address', ({ receiver }) =>
          receiver.state === 'listening' ? receiver.addresses[0] : undefined,
        ),
      )?.[0],
    );
    // The next engine must be found where this one was.
    b.settings = { ...b.settings, port };
    const folder = makeFiles(a, 'big', { files: 3, bytes: 8_000_000 });
    makeFiles(a, join('big', 'small'), { files: 300, bytes: 1000 });
    const id = await send(windowA, peer, folder);
    await accept(windowB, id);
    const before = await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 4_000_000);

    let [lastA, lastB] = [windowA, windowB];
    if (victim !== 'receiver') {
      engineA.kill('SIGKILL');
      await engineA.ended;
    }
    if (victim !== 'sender') {
      engineB.kill('SIGKILL');
      await engineB.ended;
    }
    if (victim !== 'sender') {
      await b.start();
      lastB = await b.attach();
      await lastB.connection.sendRequest(requests.startReceiver);
    } else {
      const interrupted = await windowB.transfer('interrupted', ({ phase }) => phase === 'interrupted');
      assert.ok(interrupted.progress.bytesDone > 0, 'progress does not go back to nothing');
    }
    if (victim !== 'receiver') {
      await a.start();
      lastA = await a.attach();
    }

    const sent = await lastA.transfer('done', ({ phase }) => phase === 'done');
    const received = await lastB.transfer('done', ({ phase }) => phase === 'done');
    assert.equal(sent.id, before.id);
    assert.equal(sent.digest, received.digest);
    assert.deepEqual(lastB.prompts.slice(lastB === windowB ? 1 : 0), []);
    assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
    assert.deepEqual(readdirSync(b.received), ['big']);
  });
}

test('what comes again under the id of an accepted transfer is no more than what was accepted', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  const folder = makeFiles(a, 'agreed', { files: 2, bytes: 1000 });
  const id = await send(windowA, peer, folder);
  await accept(windowB, id);
  await windowA.transfer('done', ({ phase }) => phase === 'done');
  const other = makeFiles(a, 'other', { files: 1, bytes: 10 });
  const identity = identityOf(a.identity ?? assert.fail('no identity'));
  const again = sendPaths({
    state: new StateFolder(a.storage, () => Promise.resolve(identity)),
    paths: [other],
    target: { kind: 'known', to: 'Boris' },
    name: 'Anna',
    transfer: id,
    observer: { connected: () => undefined, started: () => undefined },
    signal: new AbortController().signal,
  });
  assert.equal(await windowB.prompted(1), id);
  await windowB.connection.sendRequest(requests.declineOffer, { id });
  const { end, receipt } = await again;
  assert.equal(receipt, undefined);
  assert.equal(end.close.code, 'declined');
  assert.deepEqual(readdirSync(b.received), ['agreed']);
});

test('a transfer under the id of another peer is not let through', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t, { a: RATE });
  const folder = makeFiles(a, 'big', { files: 1, bytes: 32_000_000 });
  const id = await send(windowA, peer, folder);
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
  const thief = new EngineHome(t, { deviceName: 'Carla' });
  await thief.start();
  const windowC = await thief.attach();
  const { text } = await windowB.connection.sendRequest(requests.createInvite);
  await windowC.connection.sendRequest(requests.useInvite, { text });
  const identity = identityOf(thief.identity ?? assert.fail('no identity'));
  const { end } = await sendPaths({
    state: new StateFolder(thief.storage, () => Promise.resolve(identity)),
    paths: [makeFiles(thief, 'stolen', { files: 1, bytes: 10 })],
    target: { kind: 'known', to: 'Boris' },
    name: 'Carla',
    transfer: id,
    observer: { connected: () => undefined, started: () => undefined },
    signal: new AbortController().signal,
  });
  assert.notEqual(end.close.code, 'done');
  await windowA.transfer('done', ({ phase }) => phase === 'done');
  assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  assert.deepEqual(readdirSync(b.received), ['big']);
  assert.deepEqual(windowB.prompts, [id]);
});

test('an interrupted transfer can be discarded by the receiver; what it had is removed', async (t) => {
  const { a, b, engineA, windowA, windowB, peer } = await pairedHomes(t, { a: RATE });
  const folder = makeFiles(a, 'big', { files: 1, bytes: 32_000_000 });
  const id = await send(windowA, peer, folder);
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
  engineA.kill('SIGKILL');
  await windowB.transfer('interrupted', ({ phase }) => phase === 'interrupted');
  assert.deepEqual(readdirSync(b.received), ['.peer-courier']);
  await windowB.connection.sendRequest(requests.cancelTransfer, { id });
  await windowB.transfer('cancelled', ({ phase }) => phase === 'cancelled');
  assert.deepEqual(readdirSync(b.received), []);
});

test('a paused transfer stays paused over the death of its engine', async (t) => {
  const { a, b, engineA, windowA, windowB, peer } = await pairedHomes(t, { a: RATE });
  const folder = makeFiles(a, 'big', { files: 1, bytes: 16_000_000 });
  const id = await send(windowA, peer, folder);
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
  await windowA.connection.sendRequest(requests.pauseTransfer, { id });
  engineA.kill('SIGKILL');
  await engineA.ended;
  await a.start();
  const again = await a.attach();
  await again.transfer('paused', ({ phase }) => phase === 'paused');
  await again.connection.sendRequest(requests.resumeTransfer, { id });
  await again.transfer('done', ({ phase }) => phase === 'done');
  const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  assert.equal(digest(join(b.received, 'big', 'file 0.bin')), digest(join(folder, 'file 0.bin')));
});
