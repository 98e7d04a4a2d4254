/** The wicked peer's own test: a session in which it bends nothing must succeed, or every refusal proves nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../support/scratch.ts';
import { VictimReceiver, victimSends } from './support/victims.ts';
import { wickedIdentity } from './support/wickedIdentity.ts';
import { proofOf, readInvite, wickedDial, wickedListen } from './support/wickedPeer.ts';
import { playReceiver, playSender } from './support/wickedSession.ts';

const big = randomBytes(700_000);
const entries = [
  { path: 'notes' },
  { path: 'notes/big', content: big },
  { path: 'notes/empty', content: Buffer.alloc(0) },
  { path: 'notes/small', content: Buffer.from('hello'), isExecutable: true },
];

test('a sender that plays fair is received', async (t) => {
  const victim = await VictimReceiver.open(t);
  const receipt = await playSender(await victim.meet(t), { entries });
  assert.ok(receipt !== undefined);
  assert.equal((await victim.report()).end.close.code, 'done');
  assert.deepEqual(readFileSync(join(victim.folder, 'notes/big')), big);
  assert.equal(readFileSync(join(victim.folder, 'notes/small'), 'utf8'), 'hello');
  victim.assertNothingOutside();
});

test('a receiver that plays fair gets everything', async (t) => {
  const wicked = wickedIdentity();
  const listener = await wickedListen(wicked);
  t.after(() => listener.close());
  const source = join(scratchFolder(t), 'notes');
  mkdirSync(source);
  writeFileSync(join(source, 'big'), big);
  writeFileSync(join(source, 'small'), 'hello');
  const sending = victimSends(t, listener, wicked, [source]);
  const got = await playReceiver(await listener.accept());
  assert.equal(got.code, 'done');
  assert.equal(got.entries.length, 3);
  assert.ok((await sending).receipt !== undefined);
});

test('a stranger with an invite comes in', async (t) => {
  const victim = await VictimReceiver.open(t);
  const invite = readInvite(victim.receiver.createInvite(victim.address));
  const identity = wickedIdentity();
  const peer = await wickedDial(invite.address, identity);
  t.after(() => peer.socket.destroy());
  const proof = proofOf(invite, identity.fingerprint, peer.exporter);
  assert.ok((await playSender(peer, { entries, hello: { proof } })) !== undefined);
});
