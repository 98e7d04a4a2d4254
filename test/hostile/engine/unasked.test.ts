/** With `accept` set to `known`: what one peer may have accepted without a question, in all its offers together. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../../src/base/logger.ts';
import { Courier } from '../../../src/engine/courier.ts';
import { UnaskedAllowance } from '../../../src/engine/unaskedAllowance.ts';
import { createIdentity } from '../../../src/node/identity/identityText.ts';
import { MemoryClock } from '../../support/memoryClock.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { readInvite, wickedDial } from '../support/wickedPeer.ts';
import type { WickedAddress, WickedPeer } from '../support/wickedPeer.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';
import { idOf, makeOffer } from './device.ts';

const HOUR_MS = 3_600_000;

test('in a day, as much is accepted unasked from one peer as ten offers of the largest size', async () => {
  const clock = new MemoryClock();
  const allowance = new UnaskedAllowance(clock);
  const take = (peer: string, bytes: number): boolean => allowance.take(peer, { bytes, entries: 1 }, 100);
  assert.deepEqual(
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 1, 0].map((bytes) => take('one', bytes)),
    [true, true, true, true, true, true, true, true, true, true, false, true],
  );
  assert.equal(take('another', 100), true);
  await clock.advance(24 * HOUR_MS - 1);
  assert.equal(take('one', 1), false);
  await clock.advance(1);
  assert.equal(take('one', 100), true);
});

test('in a day, a million entries are accepted unasked from one peer; an offer of nothing counts as one', () => {
  const allowance = new UnaskedAllowance(new MemoryClock());
  for (let number = 0; number < 9; number += 1) {
    assert.equal(allowance.take('peer', { bytes: 0, entries: 100_000 }, 0), true);
  }
  for (let number = 0; number < 100_000; number += 1) {
    assert.equal(allowance.take('peer', { bytes: 0, entries: 0 }, 0), true);
  }
  assert.equal(allowance.take('peer', { bytes: 0, entries: 0 }, 0), false);
});

/** A device that accepts from known peers, and whom it asks. */
async function open(t: TestContext, acceptLimitBytes: number) {
  const scene = scratchFolder(t);
  const storage = join(scene, 'storage');
  const folder = join(scene, 'received');
  mkdirSync(storage);
  mkdirSync(folder);
  const asked: string[] = [];
  let wake = Promise.withResolvers<void>();
  const courier = new Courier({
    storage,
    settings: {
      receiveFolder: folder,
      host: '127.0.0.1',
      port: 0,
      deviceName: 'victim',
      accept: 'known',
      acceptLimitBytes,
      compression: 'off',
      limitBytesPerSecond: 0,
      discovery: 'off',
    },
    logger: silentLogger,
    onChange: () => {
      wake.resolve();
      wake = Promise.withResolvers();
    },
    onOffer: (id) => void asked.push(id),
    workspaceFolders: () => [],
  });
  courier.identify(await createIdentity());
  await courier.startReceiver();
  t.after(() => courier.stopReceiver());
  const wicked = wickedIdentity();
  courier.addPeer({
    address: '127.0.0.1:9',
    fingerprint: wicked.fingerprint.toString('hex'),
    name: 'wicked',
  });
  const { address } = readInvite(courier.createInvite().text);
  return {
    courier,
    asked,
    folder,
    dial: () => dial(t, address, wicked),
    until: async (isSo: () => boolean) => {
      while (!isSo()) await wake.promise;
    },
  };
}

async function dial(t: TestContext, address: WickedAddress, wicked: WickedIdentity): Promise<WickedPeer> {
  const peer = await wickedDial(address, wicked);
  t.after(() => peer.socket.destroy());
  return peer;
}

test('offers that are small one by one are asked about once they are large together', async (t) => {
  const { courier, asked, folder, dial: again, until } = await open(t, 1000);
  for (let number = 0; number < 11; number += 1) {
    const entries = [{ path: 'note', content: Buffer.alloc(900, number) }];
    assert.ok((await playSender(await again(), { entries, transfer: idOf(number) })) !== undefined);
  }
  assert.equal(readdirSync(folder).filter((name) => name.startsWith('note')).length, 11);
  assert.deepEqual(asked, []);
  const peer = await again();
  peer.say('hello', HELLO);
  makeOffer(peer, idOf(11), [{ path: 'note', content: Buffer.alloc(900) }]);
  await until(() => courier.pendingOffers.length === 1);
  assert.deepEqual(asked, [idOf(11)]);
});

test('a peer that leaves sixteen unfinished is asked about from then on', async (t) => {
  const { courier, asked, dial: again, until } = await open(t, 0);
  const offer = async (number: number): Promise<WickedPeer> => {
    const peer = await again();
    peer.say('hello', HELLO);
    makeOffer(peer, idOf(number), [{ path: 'note', content: Buffer.alloc(900) }]);
    return peer;
  };
  const left = (): number => courier.transfers.filter(({ phase }) => phase === 'interrupted').length;
  for (let number = 0; number < 16; number += 1) {
    const peer = await offer(number);
    await peer.expect('want');
    peer.drop();
    await until(() => left() === number + 1);
  }
  assert.deepEqual(asked, []);
  await offer(16);
  await until(() => asked.length === 1);
  assert.deepEqual(asked, [idOf(16)]);
});
