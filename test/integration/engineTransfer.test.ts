import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requests } from '../../src/rpc/contract.ts';
import { accept, pairedHomes, send } from '../support/engine.ts';
import { makeFiles } from '../support/engineFiles.ts';
import { takeSnapshot } from '../support/trees.ts';

test('a folder is offered, accepted and received; both sides show the same digest', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  const folder = makeFiles(a, 'reports', { files: 20, bytes: 10_000 });
  const id = await send(windowA, peer, folder);
  assert.equal(await windowB.prompted(), id);
  const asking = await windowB.transfer('the offer', ({ phase }) => phase === 'asking');
  assert.equal(asking.peer.name, 'Anna');
  assert.equal(asking.label, 'reports');
  assert.deepEqual(asking.offer?.roots, ['reports']);
  assert.equal(asking.offer.files, 20);
  assert.equal(asking.offer.folders, 1);
  assert.equal(asking.offer.bytes, 200_000);
  assert.equal(asking.offer.conflicts, 0);
  assert.equal(asking.offer.folder, b.received);
  await windowA.transfer('waiting', ({ phase }) => phase === 'waiting');
  await accept(windowB, id);
  const sent = await windowA.transfer('done', ({ phase }) => phase === 'done');
  const received = await windowB.transfer('done', ({ phase }) => phase === 'done');
  assert.equal(sent.digest, received.digest);
  assert.equal(sent.progress.bytesDone, 200_000);
  assert.deepEqual(takeSnapshot(join(b.received, 'reports')), takeSnapshot(folder));
  const item = await windowB.find('the history', ({ received: [latest] }) => latest);
  assert.equal(item.digest, sent.digest);
  assert.deepEqual(item.names, ['reports']);
  assert.deepEqual(readdirSync(b.received), ['reports']);
});

test('an offer can be received elsewhere; declining it tells the sender', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  const folder = makeFiles(a, 'reports', { files: 2, bytes: 1000 });
  const first = await send(windowA, peer, folder);
  const elsewhere = b.folder('elsewhere');
  await accept(windowB, first, elsewhere);
  await windowA.transfer('done', ({ id, phase }) => id === first && phase === 'done');
  assert.deepEqual(takeSnapshot(join(elsewhere, 'reports')), takeSnapshot(folder));
  const second = await send(windowA, peer, folder);
  assert.equal(await windowB.prompted(1), second);
  await windowB.connection.sendRequest(requests.declineOffer, { id: second });
  await windowA.transfer('declined', ({ id, phase }) => id === second && phase === 'declined');
  await windowB.transfer('declined', ({ id, phase }) => id === second && phase === 'declined');
});

test('case 178: known peers are accepted up to the limit, but never into an open workspace', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t, {
    b: { accept: 'known', acceptLimitBytes: 5000 },
  });
  const small = await send(windowA, peer, makeFiles(a, 'small', { files: 1, bytes: 4000 }));
  await windowA.transfer('done', ({ id, phase }) => id === small && phase === 'done');
  const large = await send(windowA, peer, makeFiles(a, 'large', { files: 1, bytes: 8000 }));
  assert.equal(await windowB.prompted(), large);
  await windowB.connection.sendRequest(requests.declineOffer, { id: large });
  await b.attach('another window', [b.root]);
  const again = await send(windowA, peer, makeFiles(a, 'small again', { files: 1, bytes: 4000 }));
  const asking = await windowB.transfer('asking', ({ id, phase }) => id === again && phase === 'asking');
  assert.equal(asking.offer?.isInWorkspace, true);
});

for (const side of ['sender', 'receiver'] as const) {
  test(`cancelled by the ${side} while it moves: both say so, nothing is left`, async (t) => {
    const { a, b, windowA, windowB, peer } = await pairedHomes(t, { a: { limitBytesPerSecond: 4_000_000 } });
    const id = await send(windowA, peer, makeFiles(a, 'big', { files: 4, bytes: 4_000_000 }));
    await accept(windowB, id);
    const window = side === 'sender' ? windowA : windowB;
    await window.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    await window.connection.sendRequest(requests.cancelTransfer, { id });
    await windowA.transfer('cancelled', ({ phase }) => phase === 'cancelled');
    await windowB.transfer('cancelled', ({ phase }) => phase === 'cancelled');
    assert.deepEqual(readdirSync(b.received), []);
  });
}

for (const side of ['sender', 'receiver'] as const) {
  test(`paused and resumed by the ${side}`, async (t) => {
    const { a, b, windowA, windowB, peer } = await pairedHomes(t, { a: { limitBytesPerSecond: 8_000_000 } });
    const folder = makeFiles(a, 'big', { files: 4, bytes: 4_000_000 });
    const id = await send(windowA, peer, folder);
    await accept(windowB, id);
    const window = side === 'sender' ? windowA : windowB;
    await window.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    await window.connection.sendRequest(requests.pauseTransfer, { id });
    await window.transfer('paused', ({ phase }) => phase === 'paused');
    await window.connection.sendRequest(requests.resumeTransfer, { id });
    await windowA.transfer('done', ({ phase }) => phase === 'done');
    assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  });
}

test('a cancel does not wait behind what the limit holds back', async (t) => {
  const { a, windowA, windowB, peer } = await pairedHomes(t, { a: { limitBytesPerSecond: 50_000 } });
  const id = await send(windowA, peer, makeFiles(a, 'big', { files: 1, bytes: 16_000_000 }));
  await accept(windowB, id);
  await windowA.transfer('moving', ({ phase }) => phase === 'moving');
  await windowA.connection.sendRequest(requests.cancelTransfer, { id });
  // The peer hears that it was a decision, and not that the connection broke.
  const theirs = await windowB.transfer(
    'the end',
    ({ phase }) => phase === 'cancelled' || phase === 'interrupted',
  );
  assert.equal(theirs.phase, 'cancelled');
});

test('a transfer without a peer fails with its reason and can be tried again', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  await windowB.connection.sendRequest(requests.stopReceiver);
  const id = await send(windowA, peer, makeFiles(a, 'reports', { files: 1, bytes: 10 }));
  const failed = await windowA.transfer('failed', ({ phase }) => phase === 'failed');
  assert.equal(failed.failure?.code, 'not-listening');
  const port = Number(/:(\d+)$/u.exec(windowA.state.peers[0]?.addresses[0] ?? '')?.[1]);
  await windowB.connection.sendRequest(requests.configure, { ...b.settings, port });
  await windowB.connection.sendRequest(requests.startReceiver);
  await windowA.connection.sendRequest(requests.retryTransfer, { id });
  await accept(windowB, id);
  await windowA.transfer('done', ({ phase }) => phase === 'done');
});

test('what lay in an outbox is removed with its transfer; nothing else can be removed that way', async (t) => {
  const { a, windowA, windowB, peer } = await pairedHomes(t);
  const { folder } = await windowA.connection.sendRequest(requests.makeOutbox);
  cpSync(makeFiles(a, 'copied', { files: 1, bytes: 10 }), join(folder, 'copied'), { recursive: true });
  const { id } = await windowA.connection.sendRequest(requests.send, {
    paths: [join(folder, 'copied')],
    peer,
    options: { useGitignore: false, leaveOutSecrets: false },
    outbox: folder,
  });
  await accept(windowB, id);
  await windowA.transfer('done', ({ phase }) => phase === 'done');
  await windowA.connection.sendRequest(requests.removeTransfer, { id });
  assert.deepEqual(readdirSync(join(folder, '..')), []);
  await assert.rejects(windowA.connection.sendRequest(requests.discardOutbox, { folder: a.root }));
});
