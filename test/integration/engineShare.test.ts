/** A receiver dials the sender: windows share, and redeem what is shared. Real engines, real TLS. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { requests } from '../../src/rpc/contract.ts';
import type { EngineSettings, TransferSummary } from '../../src/rpc/model.ts';
import { accept, EngineHome } from '../support/engine.ts';
import type { EngineWindow } from '../support/engine.ts';
import { makeFiles } from '../support/engineFiles.ts';

const OPTIONS = { useGitignore: false, leaveOutSecrets: false };
/** Slow enough for a kill to come in the middle; nothing depends on how fast it really is. */
const RATE = { limitBytesPerSecond: 16_000_000 };

async function share(window: EngineWindow, ...paths: string[]) {
  return window.connection.sendRequest(requests.share, { paths, options: OPTIONS, outbox: undefined });
}

function redeem(window: EngineWindow, text: string) {
  return window.connection.sendRequest(requests.redeemShare, { text });
}

async function twoHomes(t: TestContext, settings: Partial<EngineSettings> = {}) {
  const a = new EngineHome(t, { deviceName: 'Anna', ...settings });
  const b = new EngineHome(t, { deviceName: 'Boris' });
  const [engineA, engineB] = await Promise.all([a.start(), b.start()]);
  const [windowA, windowB] = await Promise.all([a.attach('a'), b.attach('b')]);
  return { a, b, engineA, engineB, windowA, windowB };
}

/** Where a window's engine listens: the next one must be found where this one was. */
async function portOf(window: EngineWindow): Promise<number> {
  const address = await window.find('an address', ({ receiver }) =>
    receiver.state === 'listening' ? receiver.addresses[0] : undefined,
  );
  return Number(/\d+$/u.exec(address)?.[0]);
}

const isDone = ({ phase }: TransferSummary): boolean => phase === 'done';

test('what is shared waits for somebody, is asked about, fetched, and both know each other', async (t) => {
  const { a, b, windowA, windowB } = await twoHomes(t);
  const folder = makeFiles(a, 'reports', { files: 3, bytes: 300_000 });
  const { id, label, text, expiresAtMs } = await share(windowA, folder);
  // The window names it before it hears of the transfer, which is told with what else changes.
  assert.equal(label, 'reports');
  assert.ok(expiresAtMs > Date.now());
  const waiting = await windowA.transfer('shared', ({ phase }) => phase === 'shared');
  assert.deepEqual([waiting.id, waiting.peer], [id, { name: '', fingerprint: '' }]);
  assert.equal(windowA.state.receiver.state, 'listening', 'sharing turns the receiver on');

  const peer = await redeem(windowB, text);
  assert.equal(peer.name, 'Anna');
  assert.equal((await windowA.transfer('waiting', ({ phase }) => phase === 'waiting')).peer.name, 'Boris');
  const offered = await windowB.transfer('asking', ({ phase }) => phase === 'asking');
  assert.deepEqual([offered.id, offered.label, offered.offer?.files], [id, 'reports', 3]);
  await accept(windowB, id);
  const [sent, received] = await Promise.all([
    windowA.transfer('sent', isDone),
    windowB.transfer('got', isDone),
  ]);
  assert.equal(sent.digest, received.digest);
  assert.deepEqual(
    readFileSync(join(b.received, 'reports', 'file 0.bin')),
    readFileSync(join(folder, 'file 0.bin')),
  );
  assert.deepEqual([windowB.state.receiver.state, windowB.state.peers.length], ['off', 1]);
  assert.equal(windowA.state.peers[0]?.name, 'Boris');
  assert.deepEqual(
    windowA.state.peers[0]?.addresses,
    [],
    'whoever dials comes from a port that leads nowhere',
  );
});

suite('what does not come to be', () => {
  test('an offer that is declined, and an invite that is used twice', async (t) => {
    const { a, windowA, windowB } = await twoHomes(t);
    const { id, text } = await share(windowA, makeFiles(a, 'reports', { files: 1, bytes: 10 }));
    await redeem(windowB, text);
    await windowB.find('the prompt', () => windowB.prompts.includes(id));
    const c = new EngineHome(t, { deviceName: 'Clara' });
    await c.start();
    const windowC = await c.attach();
    await assert.rejects(redeem(windowC, text), /invite-refused/u);
    // Windows hear of changes a few times a second.
    await windowA.find('the peer', () => windowA.state.peers.length > 0);
    assert.deepEqual([windowC.state.peers, windowA.state.peers.length], [[], 1]);
    await windowB.connection.sendRequest(requests.declineOffer, { id });
    await windowA.transfer('declined', ({ phase }) => phase === 'declined');
    await windowB.transfer('declined', ({ phase }) => phase === 'declined');
    await assert.rejects(redeem(windowB, text), /invite-refused/u);
  });

  test('one that is cancelled before anybody has come', async (t) => {
    const { a, windowA, windowB } = await twoHomes(t);
    const { id, text } = await share(windowA, makeFiles(a, 'reports', { files: 1, bytes: 10 }));
    await windowA.connection.sendRequest(requests.cancelTransfer, { id });
    await windowA.transfer('cancelled', ({ phase }) => phase === 'cancelled');
    await assert.rejects(redeem(windowB, text), /invite-refused/u);
    await assert.rejects(windowA.connection.sendRequest(requests.retryTransfer, { id }), /gone/u);
  });

  test('copies that were made for it go with it', async (t) => {
    const { windowA } = await twoHomes(t);
    const { folder } = await windowA.connection.sendRequest(requests.makeOutbox);
    writeFileSync(join(folder, 'copy.txt'), 'a copy');
    const { id } = await windowA.connection.sendRequest(requests.share, {
      paths: [join(folder, 'copy.txt')],
      options: OPTIONS,
      outbox: folder,
    });
    await windowA.connection.sendRequest(requests.cancelTransfer, { id });
    await windowA.transfer('cancelled', ({ phase }) => phase === 'cancelled');
    // One request is answered after another.
    await windowA.connection.sendRequest(requests.createInvite);
    assert.equal(existsSync(folder), false);
  });

  test('an invite of the other kind, of this device, garbled, or to a place where nobody listens', async (t) => {
    const { a, windowA, windowB } = await twoHomes(t);
    const { text } = await share(windowA, makeFiles(a, 'reports', { files: 1, bytes: 10 }));
    const { text: ordinary } = await windowA.connection.sendRequest(requests.createInvite);
    await assert.rejects(redeem(windowB, ordinary), /other-invite/u);
    await assert.rejects(windowB.connection.sendRequest(requests.useInvite, { text }), /other-invite/u);
    await assert.rejects(redeem(windowA, text), /invite-refused/u);
    await assert.rejects(redeem(windowB, `${text}x`), /invite-garbled/u);
    await windowA.connection.sendRequest(requests.stopReceiver);
    await assert.rejects(redeem(windowB, text), /not-listening/u);
    assert.deepEqual([windowA.state.peers, windowB.state.peers], [[], []]);
  });

  test('something that is not there to be sent: then nothing listens either', async (t) => {
    const { a, windowA } = await twoHomes(t);
    await assert.rejects(share(windowA, join(a.root, 'nowhere')), /source-missing/u);
    assert.equal(windowA.state.receiver.state, 'off');
  });
});

for (const victim of ['sender', 'receiver', 'both'] as const) {
  test(`${victim} killed in the middle: the receiver dials again, and nobody is asked again`, async (t) => {
    const { a, b, engineA, engineB, windowA, windowB } = await twoHomes(t, RATE);
    const folder = makeFiles(a, 'big', { files: 3, bytes: 8_000_000 });
    const { id, text } = await share(windowA, folder);
    await redeem(windowB, text);
    await accept(windowB, id);
    await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 4_000_000);
    a.settings = { ...a.settings, port: await portOf(windowA) };
    let [lastA, lastB] = [windowA, windowB];
    if (victim !== 'receiver') {
      engineA.kill('SIGKILL');
      await engineA.ended;
    }
    if (victim !== 'sender') {
      engineB.kill('SIGKILL');
      await engineB.ended;
      await b.start();
      lastB = await b.attach();
    }
    if (victim !== 'receiver') {
      await lastB.transfer('interrupted', ({ phase }) => phase === 'interrupted');
      await a.start();
      lastA = await a.attach();
      await lastA.connection.sendRequest(requests.startReceiver);
    }
    const sent = await lastA.transfer('done', isDone);
    const received = await lastB.transfer('done', isDone);
    assert.deepEqual([sent.id, sent.digest], [id, received.digest]);
    assert.deepEqual(lastB.prompts.slice(lastB === windowB ? 1 : 0), []);
    assert.deepEqual(
      readFileSync(join(b.received, 'big', 'file 2.bin')),
      readFileSync(join(folder, 'file 2.bin')),
    );
  });
}

test('one that was shared survives its engine, and its invite is as good as before', async (t) => {
  const { a, engineA, windowA, windowB } = await twoHomes(t);
  const { id, text } = await share(windowA, makeFiles(a, 'reports', { files: 1, bytes: 10 }));
  a.settings = { ...a.settings, port: await portOf(windowA) };
  engineA.kill('SIGKILL');
  await engineA.ended;
  await a.start();
  const again = await a.attach();
  await again.transfer('shared', ({ phase }) => phase === 'shared');
  await again.connection.sendRequest(requests.startReceiver);
  await redeem(windowB, text);
  await accept(windowB, id);
  await again.transfer('done', isDone);
});

test('both know where the other is, and dial each other: one session goes on, and nothing fails', async (t) => {
  const { a, b, engineB, windowA, windowB } = await twoHomes(t, RATE);
  await windowB.connection.sendRequest(requests.startReceiver);
  const { text: ordinary } = await windowB.connection.sendRequest(requests.createInvite);
  await windowA.connection.sendRequest(requests.useInvite, { text: ordinary });
  const { id, text } = await share(windowA, makeFiles(a, 'big', { files: 3, bytes: 8_000_000 }));
  await redeem(windowB, text);
  await accept(windowB, id);
  await windowA.transfer('some progress', ({ progress }) => progress.bytesDone > 4_000_000);
  b.settings = { ...b.settings, port: await portOf(windowB) };
  engineB.kill('SIGKILL');
  await engineB.ended;
  await windowA.transfer('interrupted', ({ phase }) => phase === 'interrupted');
  await b.start();
  const again = await b.attach();
  // From here on Anna's retries find it, and it dials itself.
  await again.connection.sendRequest(requests.startReceiver);
  const [sent, received] = await Promise.all([
    windowA.transfer('sent', isDone),
    again.transfer('got', isDone),
  ]);
  assert.equal(sent.digest, received.digest);
  assert.deepEqual([again.prompts, again.state.received.length], [[], 1]);
  assert.deepEqual([windowA.state.transfers.length, again.state.transfers.length], [1, 1]);
});
