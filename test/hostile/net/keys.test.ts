/** Who is told what before it is known who it is; and what happens to whoever meets itself. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CourierError } from '../../../src/base/failure.ts';
import { sendPaths } from '../../../src/engine/sender.ts';
import type { SendInit } from '../../../src/engine/sender.ts';
import { pairByInvite } from '../../../src/engine/pairing.ts';
import { parseInvite } from '../../../src/peers/invite.ts';
import { nodeHashing } from '../../../src/node/hashing.ts';
import { formatAddress } from '../../../src/peers/address.ts';
import { VictimReceiver, victimSends } from '../support/victims.ts';
import { message } from '../support/wickedFrames.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { wickedDial, wickedListen } from '../support/wickedPeer.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';
import type { Bend } from '../support/wickedSession.ts';

const timeout = 30_000;
const offer = message('offer', { transfer: 'ab'.repeat(16), label: 'wicked' });

test(
  'case 150: a dialler with an unknown key hears that and nothing else, whatever it says',
  { timeout },
  async (t) => {
    const victim = await VictimReceiver.open(t);
    const peer = await wickedDial(victim.address, wickedIdentity());
    peer.send(message('hello', HELLO), offer, message('alive'));
    assert.equal((await peer.ended()).code, 'not-paired');
    assert.deepEqual(
      peer.seen.map(({ name }) => name),
      ['close'],
    );
    assert.deepEqual(victim.refused, ['not-paired']);
    assert.deepEqual(victim.offers, []);
    victim.assertUnharmed();
  },
);

test(
  'case 150: a dialler that speaks out of turn is not even told whether it is known',
  { timeout },
  async (t) => {
    const victim = await VictimReceiver.open(t);
    for (const peer of [await victim.meet(t), await wickedDial(victim.address, wickedIdentity())]) {
      peer.send(offer);
      assert.equal((await peer.ended()).code, 'protocol-error');
      assert.equal(peer.seen.length, 1);
    }
    assert.deepEqual(victim.offers, []);
  },
);

test(
  'case 153: who dials says hello, and nothing more to a listener that does not',
  { timeout },
  async (t) => {
    const wicked = wickedIdentity();
    const listener = await wickedListen(wicked);
    t.after(() => listener.close());
    const sending = victimSends(t, listener, wicked, [import.meta.filename]);
    const peer = await listener.accept();
    await peer.expect('hello');
    // Its TLS has long believed in the handshake, and what is to be sent is listed meanwhile.
    for (let turns = 0; turns < 200; turns += 1) await new Promise(setImmediate);
    peer.say('close', { code: 'not-paired' });
    const report = await sending;
    assert.equal(report.end.close.code, 'not-paired');
    assert.deepEqual(
      peer.seen.map(({ name }) => name),
      ['hello'],
    );
  },
);

/** Sends from the victim's own state folder, so as who it is. */
function sendAsItself(victim: VictimReceiver, target: SendInit['target']): Promise<unknown> {
  return sendPaths({
    state: victim.state,
    paths: [import.meta.filename],
    target,
    name: 'victim',
    observer: { connected: () => undefined, started: () => undefined },
    signal: new AbortController().signal,
  });
}

test('case 165: who dials itself is told so, and nobody is paired by it', { timeout }, async (t) => {
  const victim = await VictimReceiver.open(t);
  const text = victim.receiver.createInvite(victim.address);
  const isOurselves = (error: unknown): boolean =>
    CourierError.is(error, 'unreachable') && error.message.includes('this device itself');
  const invite = parseInvite(nodeHashing, text);
  await assert.rejects(sendAsItself(victim, { kind: 'invite', invite }), isOurselves);
  const to = formatAddress(victim.address);
  await assert.rejects(sendAsItself(victim, { kind: 'known', to }), isOurselves);
  const identity = await victim.state.identity();
  const { signal } = new AbortController();
  await assert.rejects(
    pairByInvite(text, { state: victim.state, identity, name: 'victim', signal }),
    (error) => CourierError.is(error, 'invite-refused'),
  );
  assert.deepEqual(victim.state.peers.list(), []);
  assert.deepEqual(victim.offers, []);
});

test(
  'case 123: a peer that comes back from another address goes on where it was',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const victim = await VictimReceiver.open(t, { keepsInterrupted: true });
    const identity = wickedIdentity();
    const content = randomBytes(1024 * 1024);
    const entries = [{ path: 'big', content }];
    const first = await victim.meet(t, identity, { from: '127.0.0.2' });
    const bend: Bend = (frame, name) => (name.startsWith('data ') && name !== 'data 0' ? [] : [frame]);
    const lost = playSender(first, { entries, bend });
    // The first chunk is on the disk.
    while (!first.seen.some(({ name }) => name === 'progress')) await first.whenSeen(first.seen.length + 1);
    first.drop();
    assert.equal(await lost, undefined);
    assert.equal((await victim.report()).end.close.code, 'connection-lost');
    const second = await victim.meet(t, identity, { from: '127.0.0.3' });
    assert.ok((await playSender(second, { entries })) !== undefined);
    assert.equal((await victim.report()).end.close.code, 'done');
    const told = second.seen.filter(({ name, payload }) => name === 'want' && payload.length > 0);
    assert.ok(told.length > 0, 'it told of nothing that it held');
    assert.deepEqual(readFileSync(join(victim.folder, 'big')), content);
    assert.deepEqual(victim.names, ['big']);
  },
);
