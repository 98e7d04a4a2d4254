/** What a paired peer can cause by offering, and what somebody can who is not: bounded lists, paced questions. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Receiving } from '../../../src/engine/receiver.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import type { OfferSummary } from '../../../src/transfer/offerSummary.ts';
import { pictureOf } from '../../support/folderPicture.ts';
import type { FolderPicture } from '../../support/folderPicture.ts';
import { said } from '../support/wickedFrames.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { proofOf } from '../support/wickedPeer.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';
import { Device, idOf, makeOffer, SMALL } from './device.ts';

/** What `hello` or a refusal says. */
async function codeOf(peer: WickedPeer): Promise<string | undefined> {
  return (await peer.ended()).code;
}

test('case 107: 10,000 offers that are cancelled: three questions, a hundred rows, nothing on the disk', async (t) => {
  const device = await Device.open(t);
  const fingerprint = parseFingerprint(device.pair().fingerprint.toString('hex'));
  assert.ok(fingerprint !== undefined);
  const peer = { name: 'wicked', fingerprint };
  for (let number = 0; number < 10_000; number += 1) {
    const over = new AbortController();
    const session = sessionOf(idOf(number), peer);
    device.transfers.started(session);
    const consent = device.transfers.consent(peer, summaryOf(idOf(number)), { signal: over.signal });
    // The offer is open, and its question asked if ever, before the sender takes it back.
    await device.until(() => device.find(idOf(number))?.phase === 'asking');
    over.abort();
    assert.equal(await consent, undefined);
    device.transfers.ended(session, CANCELLED);
  }
  assert.deepEqual(device.prompts, [idOf(0), idOf(1), idOf(2)]);
  const rows = device.transfers.summaries();
  assert.equal(rows.length, 100);
  assert.equal(rows.at(-1)?.id, idOf(9999));
  assert.equal(device.transfers.isMoving, false);
  assert.ok(JSON.stringify(rows).length < 100_000);
  assert.equal(existsSync(join(device.state.location, 'accepted')), false);
  assert.deepEqual(readdirSync(device.folder), []);
});

test('case 107: one peer has eight offers open, the ninth is told to wait, and another peer’s is asked about', async (t) => {
  const device = await Device.open(t);
  const wicked = device.pair();
  const open: WickedPeer[] = [];
  for (let number = 0; number < 8; number += 1) {
    open.push(await device.offer(t, wicked, idOf(number)));
    await device.until(() => device.find(idOf(number))?.phase === 'asking');
  }
  const ninth = await device.dial(t, wicked);
  ninth.say('hello', HELLO);
  assert.equal(await codeOf(ninth), 'busy');
  assert.deepEqual(device.prompts, [idOf(0), idOf(1), idOf(2)]);
  // All of them are in the list; those that were held back are not put before another window either.
  assert.equal(device.transfers.summaries().length, 8);
  assert.deepEqual(device.transfers.pendingOffers, device.prompts);

  await device.offer(t, device.pair(), idOf(100));
  await device.until(() => device.prompts.length === 4);
  assert.equal(device.prompts.at(-1), idOf(100));

  // One that is still open when its turn comes is asked about then; it can be answered before, in the list.
  open[3]?.say('close', { code: 'cancelled' });
  await device.until(() => device.find(idOf(3))?.phase !== 'asking');
  device.transfers.decline(idOf(4));
  await device.until(() => device.find(idOf(4))?.phase === 'declined');
  await device.clock.advance(20_000);
  assert.equal(device.prompts.at(-1), idOf(5));
  assert.equal(device.prompts.length, 5);
});

test('case 109: of 100 connections of a paired peer eight are kept', async (t) => {
  const device = await Device.open(t);
  const wicked = device.pair();
  const codes: (string | undefined)[] = [];
  for (let number = 0; number < 100; number += 1) {
    const peer = await device.dial(t, wicked);
    peer.say('hello', HELLO);
    const answer = await peer.next();
    codes.push(answer?.name === 'close' ? 'busy' : answer?.name);
    if (answer?.name === 'close') assert.deepEqual(said(answer), { code: 'busy' });
  }
  assert.equal(codes.filter((code) => code === 'hello').length, 8);
  assert.equal(codes.filter((code) => code === 'busy').length, 92);
  assert.deepEqual(device.transfers.summaries(), []);
});

test('case 106: whoever is not let in causes no question, no row and no peer, however often it asks', async (t) => {
  const device = await Device.open(t);
  const changes = device.transfers.summaries().length;
  const invite = {
    fingerprint: (await device.state.identity()).fingerprint,
    id: randomBytes(8),
    token: randomBytes(16),
  };
  for (let number = 0; number < 50; number += 1) {
    const stranger = wickedIdentity();
    const peer = await device.dial(t, stranger);
    const proof = proofOf(
      { ...invite, fingerprint: Buffer.from(invite.fingerprint, 'hex') },
      stranger.fingerprint,
      peer.exporter,
    );
    peer.say('hello', number % 2 === 0 ? HELLO : { ...HELLO, proof });
    // It does not wait for an answer.
    makeOffer(peer, idOf(number), [SMALL]);
    assert.equal(await codeOf(peer), number % 2 === 0 ? 'not-paired' : 'invite-refused');
  }
  await device.until(() => device.refused.length === 50);
  assert.deepEqual(device.prompts, []);
  assert.equal(device.transfers.summaries().length, changes);
  assert.deepEqual(device.state.peers.list(), []);
  assert.deepEqual(device.ended, []);
});

test('one id offered many times at once by its own peer is one row, and the last of them is asked about', async (t) => {
  const device = await Device.open(t);
  const wicked = device.pair();
  const id = idOf(7);
  const peers: WickedPeer[] = [];
  for (let number = 0; number < 24; number += 1) peers.push(await device.offer(t, wicked, id));
  // Each but the last has made room for the next, or was told that too many are open.
  const last = peers.pop();
  await Promise.all(peers.map(codeOf));
  assert.ok(last !== undefined);
  await device.until(() => device.find(id)?.phase === 'asking');
  assert.equal(device.transfers.summaries().length, 1);
  assert.ok(device.prompts.length <= 3);
  device.transfers.accept(id, { onConflict: 'keep-both' });
  await last.expect('answer');
});

test('two peers that offer one id: the second is sent away, and the first goes on', async (t) => {
  const device = await Device.open(t);
  const [first, second] = [device.pair(), device.pair()];
  const id = idOf(9);
  const peer = await device.dial(t, first);
  const receipt = playSender(peer, { entries: [SMALL], transfer: id });
  await device.until(() => device.find(id)?.phase === 'asking');
  const other = await device.offer(t, second, id);
  assert.equal(await codeOf(other), 'cancelled');
  assert.equal(device.find(id)?.phase, 'asking');
  device.transfers.accept(id, { onConflict: 'keep-both' });
  assert.ok((await receipt) !== undefined);
  await device.until(() => device.find(id)?.phase === 'done');
  assert.deepEqual(
    device.history.list().map(({ peer: { fingerprint } }) => fingerprint),
    [first.fingerprint.toString('hex')],
  );
  assert.match(device.logged.join('\n'), /^offered under the id of another transfer: by wicked/mu);
});

test('going on with another peer’s interrupted transfer: sent away, and nothing kept is touched', async (t) => {
  const device = await Device.open(t);
  const [owner, thief] = [device.pair(), device.pair()];
  const id = idOf(11);
  const big = { path: 'big', content: randomBytes(1_500_000) };
  const peer = await device.dial(t, owner);
  // Serves one chunk and is gone.
  void playSender(peer, {
    entries: [big],
    transfer: id,
    bend: (frame, name) => (name.startsWith('data') && name !== 'data 0' ? [] : [frame]),
  });
  await device.until(() => device.find(id)?.phase === 'asking');
  device.transfers.accept(id, { onConflict: 'keep-both' });
  while (!peer.seen.some(({ name }) => name === 'progress')) await peer.whenSeen(peer.seen.length + 1);
  peer.drop();
  await device.until(() => device.find(id)?.phase === 'interrupted');
  const kept = keptBy(device);
  assert.ok(
    Object.values(kept.received)
      .join('')
      .includes(big.content.toString('latin1', 0, 256 * 1024)),
  );

  for (const entries of [[big], [{ path: 'big', content: Buffer.alloc(1_500_000) }], [SMALL]]) {
    const other = await device.offer(t, thief, id, entries);
    assert.equal(await codeOf(other), 'cancelled');
    await device.until(() => device.ended.at(-1)?.report.end.close.code === 'cancelled');
    device.ended.pop();
    assert.equal(
      other.seen.some(({ name }) => name === 'answer' || name === 'want'),
      false,
    );
  }
  assert.equal(device.find(id)?.phase, 'interrupted');
  assert.equal(device.find(id)?.peer.fingerprint, owner.fingerprint.toString('hex'));
  assert.deepEqual(keptBy(device), kept);
  assert.equal(device.prompts.length, 1);

  // Its owner comes back, is not asked about again, and finds what it left.
  const again = await device.dial(t, owner);
  assert.ok((await playSender(again, { entries: [big], transfer: id })) !== undefined);
  assert.deepEqual(
    readdirSync(device.folder).filter((name) => !name.startsWith('.')),
    ['big'],
  );
});

test('an id that is that of something this device sends is refused', async (t) => {
  const ours = idOf(13);
  const device = await Device.open(t, { isTaken: (id) => id === ours });
  const wicked = device.pair();
  const peer = await device.offer(t, wicked, ours);
  assert.equal(await codeOf(peer), 'cancelled');
  await device.until(() => device.ended.length === 1);
  assert.deepEqual(device.transfers.summaries(), []);
  await device.offer(t, wicked, idOf(14));
  await device.until(() => device.prompts.length === 1);
});

test('what ended is listed a hundred times; what is interrupted always, and what its peer may not have heard of goes with its row', async (t) => {
  const device = await Device.open(t);
  const fingerprint = parseFingerprint(device.pair().fingerprint.toString('hex'));
  assert.ok(fingerprint !== undefined);
  const peer = { name: 'wicked', fingerprint };
  const receive = async (id: string, report: IncomingReport): Promise<void> => {
    const session = sessionOf(id, peer);
    device.transfers.started(session);
    const consent = device.transfers.consent(peer, summaryOf(id), { signal: new AbortController().signal });
    await device.until(() => device.find(id)?.phase === 'asking');
    device.transfers.accept(id, { onConflict: 'keep-both' });
    assert.ok((await consent) !== undefined);
    device.transfers.ended(session, report);
  };
  for (let number = 0; number < 5; number += 1) await receive(idOf(number), LOST);
  for (let number = 100; number < 220; number += 1) await receive(idOf(number), UNHEARD);
  const rows = device.transfers.summaries();
  assert.deepEqual(
    rows.filter(({ phase }) => phase === 'interrupted').map(({ id }) => id),
    [0, 1, 2, 3, 4].map(idOf),
  );
  assert.equal(rows.filter(({ phase }) => phase === 'done').length, 100);
  const ids = device.records.list().map(({ id }) => id);
  assert.equal(ids.length, 105);
  assert.equal(ids.includes(idOf(119)), false);
  assert.equal(ids.includes(idOf(120)), true);
});

/** A session that the test ends itself. */
function sessionOf(id: string, peer: Receiving['peer']): Receiving {
  const nothing = (): void => undefined;
  return {
    peer,
    id,
    label: 'wicked',
    isFetched: false,
    isPreferred: false,
    snapshot: () => ({
      state: 'waiting',
      bytesDone: 0,
      bytesTotal: 5,
      entriesDone: 0,
      entriesTotal: 1,
      bytesPerSecond: 0,
      remainingMs: undefined,
    }),
    pause: nothing,
    resume: nothing,
    cancel: nothing,
    interrupt: nothing,
    giveWay: nothing,
  };
}

function summaryOf(transfer: string): OfferSummary {
  return {
    transfer,
    label: 'wicked',
    leftOut: 0,
    totals: { entries: 1, files: 1, bytes: 5 },
    roots: ['note'],
    rootCount: 1,
    largest: [],
    notable: { count: 0, first: [] },
  };
}

const CANCELLED: IncomingReport = {
  end: { origin: 'remote', close: { code: 'cancelled' } },
  receipt: undefined,
  transfer: undefined,
  label: 'wicked',
  leftOut: 0,
  isAnswered: false,
};
const LOST: IncomingReport = {
  ...CANCELLED,
  end: { origin: 'remote', close: { code: 'connection-lost' } },
  isAnswered: true,
};
const UNHEARD: IncomingReport = {
  ...LOST,
  receipt: {
    root: '0'.repeat(64),
    counts: { published: 1, same: 0, skipped: 0, failed: 0, bytes: 5 },
    names: ['note'],
  },
};

/** All that is kept of transfers: records, and whatever lies in the receive folder. */
function keptBy(device: Device): { readonly records: unknown; readonly received: FolderPicture } {
  return { records: device.records.list(), received: pictureOf(device.folder) };
}
