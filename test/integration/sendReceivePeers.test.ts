import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Receiver } from '../../src/engine/receiver.ts';
import { StateFolder } from '../../src/engine/stateFolder.ts';
import { createCompression } from '../../src/node/codec/zlibCompression.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import type { IncomingReport } from '../../src/transfer/incomingTransfer.ts';
import { eventOf, Scene } from '../support/cli.ts';
import type { Program } from '../support/cli.ts';
import { compressible, sendInProcess } from '../support/inProcess.ts';
import { asReceived, file, folder, makeTree, takeSnapshot } from '../support/trees.ts';
import { onTerminal } from '../support/wrappings.ts';

/** Who sends to whom: several at once, again without an invite, with other codecs, once. */

test('four senders at once, two of them with the same name', async (t) => {
  const scene = new Scene(t);
  // Whoever is asked can make all of them wait until all of them are there.
  const receiver = await scene.receive({ words: ['--accept', 'ask'], within: onTerminal });
  const names = ['one', 'two', 'same', 'same'];
  const senders: Program[] = [];
  for (const [at, name] of names.entries()) {
    makeTree(scene.path(`source-${at}`), {
      [`${name}/big`]: file(Buffer.alloc(20_000_000, `${at} big `)),
      [`${name}/small`]: file(`${at} small`),
      [`${name}/empty`]: folder(),
    });
    const invite = await scene.invite(`invite-${at}`);
    const words = ['--invite-file', invite, '--state', scene.path(`sender-${at}`)];
    senders.push(scene.startSend([scene.path(`source-${at}`, name)], { words }));
  }
  for (const [at] of names.entries()) await receiver.nth('offered', at);
  for (const [at] of names.entries()) {
    await receiver.nth('asking', at);
    await receiver.shows(new RegExp(String.raw`(?:Accept\? \[y/N\] [^]*){${at + 1}}`, 'u'));
    receiver.type('y\n');
  }
  const published = await Promise.all(
    senders.map(async (sender) => {
      const ended = await sender.ended;
      assert.equal(ended.status, 0, ended.stdout);
      const { root } = eventOf(ended, 'sent');
      const { names: told } = await receiver.event('received', (event) => event['root'] === root);
      return String((told as unknown[])[0]);
    }),
  );
  assert.deepEqual(published.toSorted(), ['one', 'same', 'same (2)', 'two']);
  for (const [at, name] of names.entries()) {
    const original = asReceived(takeSnapshot(scene.path(`source-${at}`, name)), scene.umask);
    assert.deepEqual(takeSnapshot(join(scene.received, published[at] ?? '')), original);
  }
  assert.deepEqual(readdirSync(scene.received).toSorted(), ['one', 'same', 'same (2)', 'two']);
});

test('who was invited once needs no invite any more: by name and by address', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { first: file('1'), second: file('2'), third: file('3') });
  const receiver = await scene.receive();
  const sent = await scene.send([scene.path('first')]);
  assert.equal(sent.status, 0);
  const { peer, fingerprint, address } = eventOf(sent, 'connected');
  assert.deepEqual([peer, fingerprint, address], [hostname(), receiver.fingerprint, receiver.address]);

  for (const [name, to] of [
    ['second', hostname()],
    ['third', receiver.address],
  ] as const) {
    const again = await scene.send([scene.path(name)], { words: ['--to', to] });
    assert.equal(again.status, 0, JSON.stringify(again));
    await receiver.event('received', ({ label }) => label === name);
  }
  assert.deepEqual(readdirSync(scene.received).toSorted(), ['first', 'second', 'third']);
});

test('known peers and identities outlive the processes', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { first: file('1'), second: file('2') });
  const before = await scene.receive();
  assert.equal((await scene.send([scene.path('first')])).status, 0);
  assert.equal((await before.stop()).status, 130);
  const after = await scene.receive({ words: ['--port', String(before.port)] });
  assert.equal(after.fingerprint, before.fingerprint);
  assert.equal((await scene.send([scene.path('second')], { words: ['--to', hostname()] })).status, 0);
});

test('--once ends after the first transfer and takes its invite along', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { first: file('1') });
  const receiver = await scene.receive({ words: ['--once'] });
  assert.equal((await scene.send([scene.path('first')])).status, 0);
  assert.equal((await receiver.ended).status, 0);
  assert.equal(existsSync(scene.inviteFile), false);
  assert.equal(readFileSync(join(scene.received, 'first'), 'utf8'), '1');
});

test('the invite and the keys are for their owner only', async (t) => {
  const scene = new Scene(t);
  await scene.receive();
  for (const path of [scene.inviteFile, join(scene.receiverState, 'identity.pem')]) {
    assert.equal(statSync(path).mode & 0o777, 0o600, path);
  }
});

/** Sends with these codecs on our side; tells which were used. */
async function sendWith(scene: Scene, only: Parameters<typeof createCompression>[0]) {
  const compression = createCompression(only);
  const used = new Set<string>();
  const { receipt } = await sendInProcess(scene, [scene.path('source')], {
    ...compression,
    compress(codec, bytes, effort) {
      used.add(codec);
      return compression.compress(codec, bytes, effort);
    },
  });
  return { root: receipt?.root, used: [...used] };
}

for (const [only, codec] of [
  [['gzip'], ['gzip']],
  [['zstd', 'gzip'], ['zstd']],
  [[], []],
] as const) {
  test(`a sender with ${only.join(' and ') || 'no codec'} uses ${codec.join() || 'none'}`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, {
      'source/text': file(compressible(2_000_000)),
      'source/packed': file(gzipSync(Buffer.alloc(100_000, 'x'))),
      'source/small': file(compressible(2000)),
    });
    const receiver = await scene.receive();
    const { root, used } = await sendWith(scene, only);
    assert.deepEqual(used, codec);
    assert.equal((await receiver.event('received'))['root'], root);
    const expected = asReceived(takeSnapshot(scene.path('source')), scene.umask);
    assert.deepEqual(takeSnapshot(join(scene.received, 'source')), expected);
  });
}

test('a receiver that has no zstd is sent gzip', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'source/text': file(compressible(2_000_000)) });
  const done = Promise.withResolvers<IncomingReport>();
  const decoded = new Set<string>();
  const compression = createCompression(['gzip']);
  const receiver = await Receiver.prepare({
    state: new StateFolder(scene.receiverState),
    name: 'in process',
    host: '127.0.0.1',
    port: 0,
    consent: () => Promise.resolve({ folder: ReceiveFolder.open(scene.received), onConflict: 'keep-both' }),
    keepsInterrupted: false,
    compression: {
      ...compression,
      decompress(codec, bytes, rawLength) {
        decoded.add(codec);
        return compression.decompress(codec, bytes, rawLength);
      },
    },
    observer: {
      started: () => undefined,
      entryFailed: () => undefined,
      refused: () => undefined,
      ended: (_receiving, report) => done.resolve(report),
    },
    logger: { debug: () => undefined, warn: () => undefined },
  });
  t.after(() => receiver.close());
  writeFileSync(scene.inviteFile, receiver.createInvite(await receiver.listen()));
  const sent = await scene.send([scene.path('source')]);
  assert.equal(sent.status, 0, JSON.stringify(sent));
  assert.equal((await done.promise).receipt?.root, eventOf(sent, 'sent')['root']);
  assert.deepEqual([...decoded], ['gzip']);
  const expected = asReceived(takeSnapshot(scene.path('source')), scene.umask);
  assert.deepEqual(takeSnapshot(join(scene.received, 'source')), expected);
});
