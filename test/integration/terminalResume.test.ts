import assert from 'node:assert/strict';
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KnownPeers } from '../../src/node/state/knownPeers.ts';
import type { KnownPeer } from '../../src/node/state/knownPeers.ts';
import { formatAddress, parseAddress } from '../../src/peers/address.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import { eventOf } from '../support/cli.ts';
import type { Scene } from '../support/cli.ts';
import { leftOf, midTransfer, PATIENT } from '../support/interrupted.ts';
import { takeSnapshot } from '../support/trees.ts';

/** `send` and `receive` are killed, stopped, or moved, in the middle; what they had goes on. */

const STATUS = { lost: 29, wrongIdentity: 13, interrupted: 130 };

test('the receiver is killed and started again: it goes on by itself, and nobody is asked', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  await receiver.stop('SIGKILL');
  const interrupted = await sender.event('interrupted');
  assert.equal(interrupted['message'], 'the connection was lost');
  assert.ok(Number(interrupted['retryInMs']) <= 500);
  const bytesDone = Number(interrupted['bytesDone']);
  assert.ok(bytesDone > 0);

  const before = path.bytesForward;
  path.letGo();
  const again = await scene.receive({ words: ['--once'] });
  path.leadTo(again.port);
  const resumed = await sender.event('resumed');
  assert.ok(Number(resumed['bytesDone']) >= bytesDone);
  const [sent, received] = await Promise.all([sender.ended, again.ended]);
  assert.deepEqual([sent.status, received.status], [0, 0], sent.stdout.slice(-500));
  assert.equal(eventOf(sent, 'sent')['root'], eventOf(received, 'received')['root']);
  scene.assertArrived();
  // What had arrived is not sent again, but for what one window holds.
  assert.ok(path.bytesForward - before < scene.bytes - bytesDone + 17 * 1024 ** 2);
  for (const { event, bytesDone: shown } of [...sent.events, ...received.events].slice(0, -1)) {
    if (event === 'resumed') assert.ok(Number(shown) > 0, 'progress goes on where it was');
  }
  assert.deepEqual([await scene.left('sender'), await scene.left('receiver')], [[], []]);
});

test('the sender is killed: it is listed, and resume goes on where it was', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  await sender.stop('SIGKILL');
  path.cut('rst');
  const interrupted = await receiver.event('interrupted');
  assert.equal(interrupted['code'], 'connection-lost');
  const left = await leftOf(scene, 'sender');
  assert.deepEqual(
    [left['direction'], left['label'], left['isRunning'], left['paths']],
    ['outgoing', 'tree', false, [scene.path('tree')]],
  );
  assert.ok(Number(left['bytesTotal']) >= scene.bytes);
  const held = await leftOf(scene, 'receiver');
  assert.equal(held['id'], left['id']);
  assert.deepEqual([held['direction'], held['folder']], ['incoming', scene.received]);
  assert.ok(Number(held['heldBytes']) > 0 && Number(held['percent']) > 0);

  path.letGo();
  const resumed = await scene.startWith('sender', ['resume', String(left['id']).slice(0, 4)]).ended;
  assert.equal(resumed.status, 0, resumed.stdout.slice(-500) + resumed.stderr);
  assert.ok(resumed.events.some(({ event }) => event === 'resumed'));
  await receiver.event('received');
  assert.deepEqual(
    receiver.events.filter(({ event }) => event === 'failed'),
    [],
  );
  scene.assertArrived();
  assert.deepEqual([await scene.left('sender'), await scene.left('receiver')], [[], []]);
});

test('both are killed, and the receiver comes back at another port', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  await Promise.all([sender.stop('SIGKILL'), receiver.stop('SIGKILL')]);
  const { id } = await leftOf(scene, 'sender');
  const again = await scene.receive();
  path.cut('rst');
  const missed = await scene.startWith('sender', ['resume', String(id), '--retry-for', '0']).ended;
  assert.notEqual(missed.status, 0, 'the old address leads nowhere');
  assert.equal(eventOf(missed, 'failed')['transfer'], id);
  const found = await scene.startWith('sender', ['resume', String(id), '--to', again.address]).ended;
  assert.equal(found.status, 0, found.stdout.slice(-500));
  scene.assertArrived();
});

test('resume says so loudly when another device answers, and keeps the transfer', async (t) => {
  const { scene, path, sender } = await midTransfer(t);
  await sender.stop('SIGKILL');
  path.cut('rst');
  const { id } = await leftOf(scene, 'sender');
  const other = await scene.receive({
    words: ['--state', scene.path('stranger'), '--invite-file', scene.path('theirs')],
  });
  for (const words of [
    ['--to', other.address],
    ['--invite-file', scene.path('theirs')],
  ]) {
    const ended = await scene.startWith('sender', ['resume', String(id), ...words]).ended;
    assert.equal(ended.status, STATUS.wrongIdentity, ended.stdout);
    assert.match(String(eventOf(ended, 'failed')['message']), /^Another device answers there/u);
  }
  assert.equal((await leftOf(scene, 'sender'))['id'], id);
  assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
});

for (const how of ['fin', 'rst', 'half-open'] as const) {
  test(`the connection is cut (${how}): it goes on by itself`, async (t) => {
    const { scene, path, receiver, sender } = await midTransfer(t, { receive: { words: ['--once'] } });
    const interrupted = sender.event('interrupted');
    path.letGo();
    path.cut(how);
    await interrupted;
    const sent = await sender.ended;
    assert.equal(sent.status, 0, sent.stdout.slice(-500));
    // An interruption is not an end, and `--once` waits for one.
    assert.equal((await receiver.ended).status, 0);
    scene.assertArrived();
  });
}

test('every address of an invite is remembered once its device has answered at one', async (t) => {
  const { scene, path, sender } = await midTransfer(t, { alsoAt: ['127.0.0.1:9', 'nowhere.invalid:47470'] });
  path.letGo();
  assert.equal((await sender.ended).status, 0);
  assert.deepEqual(addressesOf(scene), [path.address, '127.0.0.1:9', 'nowhere.invalid:47470']);
});

test('other devices at the other addresses, this one too, are not taken for a change of identity', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  const stranger = await scene.receive({
    words: ['--state', scene.path('stranger'), '--invite-file', scene.path('theirs')],
  });
  const ourselves = await scene.receive({
    words: ['--state', scene.senderState, '--invite-file', scene.path('ours')],
  });
  addAddresses(scene, [stranger.address, ourselves.address]);
  await receiver.stop('SIGKILL');
  // Twice: the second comes from a dial that has found them all.
  await sender.event('interrupted');
  const { code } = await sender.nth('interrupted', 1);
  assert.ok(code === 'not-peer-courier' || code === 'unreachable', String(code));
  path.letGo();
  const again = await scene.receive();
  path.leadTo(again.port);
  assert.equal((await sender.ended).status, 0);
  scene.assertArrived();
});

test('two peers of one name: a transfer goes on with the one that has agreed to it', async (t) => {
  const { scene, path, sender } = await midTransfer(t);
  await sender.stop('SIGKILL');
  path.cut('rst');
  const namesake = await scene.receive({
    words: ['--state', scene.path('stranger'), '--invite-file', scene.path('theirs')],
  });
  const fingerprint = parseFingerprint(namesake.fingerprint) ?? assert.fail();
  const { name } = onlyPeer(scene);
  const address = parseAddress(namesake.address) ?? assert.fail();
  peersOf(scene).remember({ fingerprint, name: 'to be renamed', addresses: [address] });
  // As two processes may leave it that pair at the same time; the other one comes first.
  const file = scene.path('sender', 'peers', fingerprint, 'peer.json');
  writeFileSync(file, JSON.stringify({ version: 1, fingerprint, name, pairedAtMs: 0 }));
  path.letGo();
  const { id } = await leftOf(scene, 'sender');
  assert.equal((await scene.startWith('sender', ['resume', String(id)]).ended).status, 0);
  scene.assertArrived();
  assert.deepEqual(
    namesake.events.filter(({ event }) => event === 'offered'),
    [],
  );
});

test('without patience the first interruption is the end, and resume goes on', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  const { status, events, stderr } = await sender.ended;
  assert.equal(status, STATUS.lost);
  const failed = eventOf({ events, stderr }, 'failed');
  assert.match(String(failed['message']), /^The connection was lost\. Resume it\.$/u);
  assert.equal(
    failed['resume'],
    `peer-courier resume ${String(failed['transfer']).slice(0, 8)} --state ${scene.senderState}`,
  );
  await receiver.event('interrupted');
  path.letGo();
  const [, ...words] = failed['resume'].split(' ');
  assert.equal((await scene.run(words).ended).status, 0);
  scene.assertArrived();
});

test('patience has an end: status and sentence are those of the last failure', async (t) => {
  const { scene, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '1s'] });
  await receiver.stop('SIGKILL');
  const { status, events, stderr } = await sender.ended;
  assert.ok(events.filter(({ event }) => event === 'interrupted').length >= 2);
  assert.notEqual(status, 0);
  const failed = eventOf({ events, stderr }, 'failed');
  assert.equal(failed['status'], status);
  assert.equal((await leftOf(scene, 'sender'))['id'], failed['transfer']);
});

test('Ctrl-C stops the sender, keeps what has arrived, and says how to go on', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: PATIENT, isText: true });
  const { status, stderr } = await sender.stop();
  assert.equal(status, STATUS.interrupted);
  const { id } = await leftOf(scene, 'sender');
  const short = String(id).slice(0, 8);
  const state = scene.senderState;
  assert.match(stderr, /^Stopped at \d+ %\. What has arrived is kept\.$/mu);
  assert.ok(stderr.includes(`\nGo on:   peer-courier resume ${short} --state ${state}\n`), stderr);
  assert.ok(stderr.includes(`\nGive up: peer-courier discard ${short} --state ${state}\n`), stderr);
  path.cut('rst');
  await receiver.event('interrupted');
  path.letGo();
  assert.equal((await scene.startWith('sender', ['resume', short]).ended).status, 0);
  scene.assertArrived();
});

test('Ctrl-C stops the receiver, keeps what has arrived, and says how to go on', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { isReceiverText: true });
  const { status, stderr } = await receiver.stop();
  assert.equal(status, STATUS.interrupted);
  assert.match(stderr, /^Interrupted at \d+ %: tree from .+\. What has arrived is kept\.$/mu);
  const [, command = ''] = /^Go on: {3}peer-courier (?<words>.+)$/mu.exec(stderr) ?? [];
  assert.match(stderr, /^Give up: peer-courier discard [0-9a-f]{8} --state /mu);
  path.letGo();
  const again = scene.run([...command.split(' '), '--once']);
  assert.equal((await sender.ended).status, 0);
  const { status: last, stdout } = await again.ended;
  assert.equal(last, 0);
  assert.match(stdout, /^Waiting for .+ to come back with tree, interrupted at \d+ %\.$/mu);
  assert.match(stdout, /^Resumed tree from .+ at \d+ %\.$/mu);
  scene.assertArrived();
});

test('the receive folder is away for a while: nothing is put elsewhere, and it goes on when it is back', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  await receiver.stop('SIGKILL');
  const away = scene.path('away');
  renameSync(scene.received, away);
  const other = scene.makeFolder('other');
  path.letGo();
  const again = await scene.receive({ words: ['--folder', other] });
  path.leadTo(again.port);
  const reason = await sender.event('interrupted', ({ code }) => code === 'destination-unwritable');
  assert.equal(reason['message'], 'the receive folder cannot be used');
  assert.match(
    String((await again.event('interrupted'))['message']),
    /^the receive folder cannot be used \(.*received is not there\)$/u,
  );
  assert.equal((await leftOf(scene, 'receiver'))['heldBytes'], null);
  assert.deepEqual([takeSnapshot(other)['received'], readdirSync(other)], [undefined, []]);
  renameSync(away, scene.received);
  assert.equal((await sender.ended).status, 0);
  scene.assertArrived();
  assert.deepEqual(readdirSync(scene.received), ['tree']);
  assert.deepEqual(
    readdirSync(join(scene.received, 'tree')).toSorted(),
    readdirSync(scene.path('tree')).toSorted(),
  );
});

function peersOf(scene: Scene): KnownPeers {
  return new KnownPeers(scene.path('sender', 'peers'));
}

function onlyPeer(scene: Scene): KnownPeer {
  const [peer, ...more] = peersOf(scene).list();
  assert.deepEqual(more, []);
  return peer ?? assert.fail('nobody is known');
}

function addressesOf(scene: Scene): readonly string[] {
  return onlyPeer(scene).addresses.map(formatAddress);
}

/** Adds addresses behind those of the only known peer. */
function addAddresses(scene: Scene, more: readonly string[]): void {
  const { fingerprint } = onlyPeer(scene);
  const addresses = [...addressesOf(scene), ...more];
  writeFileSync(scene.path('sender', 'peers', fingerprint, 'reached.json'), JSON.stringify({ addresses }));
}
