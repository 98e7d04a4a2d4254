/** What a user decides on a known peer, between two engines: its name, what it may do, and that it is no more one. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { requests } from '../../src/rpc/contract.ts';
import type { EngineSettings, PeerPolicy, PeerSummary, TransferSummary } from '../../src/rpc/model.ts';
import { accept, EngineHome, pairedHomes, send } from '../support/engine.ts';
import type { EngineWindow } from '../support/engine.ts';
import { makeFiles } from '../support/engineFiles.ts';
import { takeSnapshot } from '../support/trees.ts';

/** Anna, who sends, and Boris, who knows her. */
async function annaAndBoris(
  t: TestContext,
  settings: { readonly a?: Partial<EngineSettings>; readonly b?: Partial<EngineSettings> } = {},
) {
  const homes = await pairedHomes(t, settings);
  const { windowB } = homes;
  const anna = await windowB.find('Anna', ({ peers }) => peers[0]?.fingerprint);
  const setPolicy = (policy: PeerPolicy): Promise<PeerSummary> =>
    windowB.connection.sendRequest(requests.setPeerPolicy, { peer: anna, policy });
  return { ...homes, anna, setPolicy };
}

const isDone = ({ phase }: TransferSummary): boolean => phase === 'done';
const hasFailed = ({ phase }: TransferSummary): boolean => phase === 'failed';

function forget(window: EngineWindow, peer: string): Promise<void> {
  return window.connection.sendRequest(requests.forgetPeer, { peer });
}

test('a peer is renamed for good, also where its transfers are listed; a name that is taken is refused', async (t) => {
  const { a, b, engineB, windowA, windowB, peer, anna } = await annaAndBoris(t);
  const rename = (name: string): Promise<PeerSummary> =>
    windowB.connection.sendRequest(requests.renamePeer, { peer: anna, name });
  const id = await send(windowA, peer, makeFiles(a, 'notes', { files: 1, bytes: 10 }));
  await windowB.prompted();
  assert.equal((await rename('  Anna from work ')).name, 'Anna from work');
  await windowB.find('the new name', ({ peers }) => peers[0]?.name === 'Anna from work');
  await windowB.transfer('the new name', (each) => each.peer.name === 'Anna from work');
  await accept(windowB, id);
  await windowA.transfer('done', isDone);
  const other = new EngineHome(t, { deviceName: 'Carla' });
  await other.start();
  const windowC = await other.attach();
  const { text } = await windowB.connection.sendRequest(requests.createInvite);
  await windowC.connection.sendRequest(requests.useInvite, { text });
  await windowB.find('Carla', ({ peers }) => peers.some(({ name }) => name === 'Carla'));
  await assert.rejects(rename('Carla'), /peer-name-taken/u);
  await assert.rejects(rename('  '), /peer-name-taken/u);
  engineB.kill('SIGKILL');
  await engineB.ended;
  await b.start();
  const { state } = await b.attach();
  assert.deepEqual(state.peers.map(({ name }) => name).toSorted(), ['Anna from work', 'Carla']);
});

suite('what is accepted by itself', () => {
  test('up to a size, into a folder of its own, and nothing there is replaced; more is asked about', async (t) => {
    const { a, b, windowA, windowB, peer, setPolicy } = await annaAndBoris(t);
    const folder = join(b.root, 'from Anna');
    const { policy } = await setPolicy({ kind: 'accept', upToBytes: 5000, folder });
    assert.deepEqual(policy, { kind: 'accept', upToBytes: 5000, folder });
    mkdirSync(join(folder, 'small'));
    writeFileSync(join(folder, 'small', 'mine.txt'), 'mine');
    const small = makeFiles(a, 'small', { files: 1, bytes: 4000 });
    const first = await send(windowA, peer, small);
    await windowA.transfer('done', (each) => each.id === first && isDone(each));
    assert.deepEqual(windowB.prompts, []);
    assert.deepEqual(
      readdirSync(folder)
        .toSorted()
        .filter((name) => !name.startsWith('.')),
      ['small', 'small (2)'],
    );
    assert.equal(readFileSync(join(folder, 'small', 'mine.txt'), 'utf8'), 'mine');
    assert.deepEqual(takeSnapshot(join(folder, 'small (2)')), takeSnapshot(small));
    assert.ok(!existsSync(b.received));
    const large = await send(windowA, peer, makeFiles(a, 'large', { files: 1, bytes: 6000 }));
    const asking = await windowB.transfer('asking', ({ id, phase }) => id === large && phase === 'asking');
    assert.equal(asking.offer?.folder, folder);
  });

  for (const [what, prepare] of Object.entries({
    'what programs obey': ({ files }: { files: string }) => {
      mkdirSync(join(files, '.git'));
      writeFileSync(join(files, '.git', 'config'), 'x');
    },
    'a folder that has gone, which is not made anew': ({ folder }: { folder: string }) =>
      rmSync(folder, { recursive: true }),
    'a folder that is open in a window': undefined,
    'a policy that cannot be read': ({ policyFile }: { policyFile: string }) =>
      writeFileSync(policyFile, '{}'),
  })) {
    test(`asked about all the same: ${what}`, async (t) => {
      const { a, b, windowA, windowB, peer, anna, setPolicy } = await annaAndBoris(t, {
        b: { accept: 'known', acceptLimitBytes: 0 },
      });
      const folder = join(b.root, 'from Anna');
      await setPolicy({ kind: 'accept', upToBytes: 5000, folder });
      const files = makeFiles(a, 'small', { files: 1, bytes: 100 });
      const policyFile = join(b.storage, 'peers', anna, 'policy.json');
      if (prepare === undefined) await b.attach('another window', [folder]);
      else prepare({ files, folder, policyFile });
      const id = await send(windowA, peer, files);
      const asking = await windowB.transfer('asking', (each) => each.id === id && each.phase === 'asking');
      assert.ok(asking.offer !== undefined);
      const isGone = what.startsWith('a folder that has gone');
      assert.equal(existsSync(folder), !isGone);
    });
  }

  test('nothing of a peer whose user wants to be asked, whatever the settings say', async (t) => {
    const { a, windowA, windowB, peer, setPolicy } = await annaAndBoris(t, {
      b: { accept: 'known', acceptLimitBytes: 0 },
    });
    await setPolicy({ kind: 'ask' });
    const id = await send(windowA, peer, makeFiles(a, 'small', { files: 1, bytes: 100 }));
    await windowB.transfer('asking', (each) => each.id === id && each.phase === 'asking');
    await windowB.connection.sendRequest(requests.declineOffer, { id });
    await setPolicy({ kind: 'default' });
    const again = await send(windowA, peer, makeFiles(a, 'again', { files: 1, bytes: 100 }));
    await windowA.transfer('done', (each) => each.id === again && isDone(each));
    assert.deepEqual(windowB.prompts, [id]);
  });

  test('a folder that cannot be received into is refused when it is named, and the policy stays', async (t) => {
    const { b, windowB, setPolicy } = await annaAndBoris(t);
    writeFileSync(join(b.root, 'a file'), 'x');
    await assert.rejects(
      setPolicy({ kind: 'accept', upToBytes: 5, folder: join(b.root, 'a file') }),
      /destination-unwritable/u,
    );
    assert.deepEqual(windowB.state.peers[0]?.policy, { kind: 'default' });
  });
});

suite('a blocked peer', () => {
  test('hears what a stranger hears, is shown nowhere, spends no invite, and nothing is sent to it', async (t) => {
    const { a, windowA, windowB, peer, anna, setPolicy } = await annaAndBoris(t, {
      b: { accept: 'known', acceptLimitBytes: 0 },
    });
    await setPolicy({ kind: 'block' });
    const files = makeFiles(a, 'small', { files: 1, bytes: 100 });
    await send(windowA, peer, files);
    const failed = await windowA.transfer('failed', hasFailed);
    assert.deepEqual([failed.failure?.code, failed.failure?.origin], ['not-paired', 'remote']);
    const { text } = await windowB.connection.sendRequest(requests.createInvite);
    await assert.rejects(
      windowA.connection.sendRequest(requests.useInvite, { text }),
      /invite-refused/u,
      'as if it had been used before',
    );
    await assert.rejects(
      windowA.connection.sendRequest(requests.pairByCode, {
        id: 'x',
        address: windowA.state.peers[0]?.addresses[0],
      }),
      /not-pairing/u,
    );
    assert.deepEqual([windowB.prompts, windowB.state.transfers], [[], []]);
    await assert.rejects(send(windowB, anna, files), /peer-blocked/u);
    await assert.rejects(
      windowB.connection.sendRequest(requests.addPeer, {
        address: '127.0.0.1:9',
        fingerprint: anna,
        name: 'Anna',
      }),
      /peer-blocked/u,
    );
    // The invite is as good as it was.
    const other = new EngineHome(t, { deviceName: 'Carla' });
    await other.start();
    const windowC = await other.attach();
    await windowC.connection.sendRequest(requests.useInvite, { text });
    await setPolicy({ kind: 'default' });
    const again = await send(windowA, peer, files);
    await windowA.transfer('done', (each) => each.id === again && isDone(each));
  });

  test('in the middle of a transfer it is cut off; once it is let in again, the transfer can go on', async (t) => {
    const { a, b, windowA, windowB, peer, setPolicy } = await annaAndBoris(t, {
      a: { limitBytesPerSecond: 8_000_000 },
    });
    const folder = makeFiles(a, 'big', { files: 4, bytes: 4_000_000 });
    const id = await send(windowA, peer, folder);
    await accept(windowB, id);
    await windowB.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    await setPolicy({ kind: 'block' });
    const failed = await windowA.transfer('failed', hasFailed);
    assert.equal(failed.failure?.code, 'not-paired');
    await windowB.transfer('interrupted', ({ phase }) => phase === 'interrupted');
    await setPolicy({ kind: 'default' });
    await windowA.connection.sendRequest(requests.retryTransfer, { id });
    await windowA.transfer('done', isDone);
    assert.deepEqual(windowB.prompts, [id], 'nobody was asked again');
    assert.deepEqual(takeSnapshot(join(b.received, 'big')), takeSnapshot(folder));
  });
});

suite('a peer that is forgotten in the middle of a transfer', () => {
  test('by its receiver: nothing of it stays, and the sender is a stranger', async (t) => {
    const { a, b, windowA, windowB, peer, anna } = await annaAndBoris(t, {
      a: { limitBytesPerSecond: 4_000_000 },
    });
    const files = makeFiles(a, 'big', { files: 4, bytes: 4_000_000 });
    const id = await send(windowA, peer, files);
    await accept(windowB, id);
    await windowB.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    await forget(windowB, anna);
    await windowA.transfer('the end', ({ phase }) => phase === 'cancelled');
    await windowB.find('nothing', ({ peers, transfers }) => peers.length === 0 && transfers.length === 0);
    assert.deepEqual(readdirSync(b.received), []);
    assert.deepEqual(readdirSync(join(b.storage, 'peers')), []);
    assert.deepEqual(readdirSync(join(b.storage, 'accepted')), []);
    const again = await send(windowA, peer, files);
    const failed = await windowA.transfer('failed', (each) => each.id === again && hasFailed(each));
    assert.equal(failed.failure?.code, 'not-paired');
    await assert.rejects(forget(windowB, anna), /not-paired/u);
  });

  test('by its sender: the receiver is told, and keeps nothing', async (t) => {
    const { a, b, windowA, windowB, peer } = await annaAndBoris(t, {
      a: { limitBytesPerSecond: 4_000_000 },
    });
    const id = await send(windowA, peer, makeFiles(a, 'big', { files: 4, bytes: 4_000_000 }));
    await accept(windowB, id);
    await windowB.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    await forget(windowA, peer);
    await windowA.find('nothing', ({ peers, transfers }) => peers.length === 0 && transfers.length === 0);
    await windowB.transfer('the end', ({ phase }) => phase === 'cancelled');
    assert.deepEqual(readdirSync(b.received), []);
    assert.deepEqual(readdirSync(join(a.storage, 'jobs')), []);
    await assert.rejects(send(windowA, peer, a.folder('files')), /not-paired/u);
  });

  test('while it waits to go on: what is held of it is removed, and paired again it has to ask anew', async (t) => {
    const { a, b, engineA, windowA, windowB, peer, anna } = await annaAndBoris(t, {
      a: { limitBytesPerSecond: 4_000_000 },
    });
    const files = makeFiles(a, 'big', { files: 4, bytes: 4_000_000 });
    const id = await send(windowA, peer, files);
    await accept(windowB, id);
    await windowB.transfer('some progress', ({ progress }) => progress.bytesDone > 0);
    engineA.kill('SIGKILL');
    await windowB.transfer('interrupted', ({ phase }) => phase === 'interrupted');
    await forget(windowB, anna);
    await windowB.find('nothing', ({ transfers }) => transfers.length === 0);
    assert.deepEqual(readdirSync(b.received), []);
    await a.start();
    const nextA = await a.attach();
    await nextA.transfer('failed', (each) => hasFailed(each) && each.failure?.code === 'not-paired');
    const { text } = await windowB.connection.sendRequest(requests.createInvite);
    await nextA.connection.sendRequest(requests.useInvite, { text });
    await nextA.connection.sendRequest(requests.retryTransfer, { id });
    await windowB.transfer('asking', ({ phase }) => phase === 'asking');
  });
});
