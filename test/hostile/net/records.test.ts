/** TLS records that no library would send, and the secret that both ends derive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openReception } from '../../support/loopback.ts';
import { VictimReceiver } from '../support/victims.ts';
import { encode, message } from '../support/wickedFrames.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import { RECORD, wickedRecords } from '../support/wickedRecords.ts';
import type { WickedRecords } from '../support/wickedRecords.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';

const timeout = 30_000;
const entries = [{ path: 'note', content: Buffer.from('hello') }];
const hello = encode(message('hello', HELLO));
const offer = encode(message('offer', { transfer: 'ab'.repeat(16), label: 'wicked' }));
/** Breaks the protocol; the answer shows that everything before it was taken as it should be. */
const nonsense = encode({ type: 99 });

async function meetByRecords(t: TestContext): Promise<{ victim: VictimReceiver; wicked: WickedRecords }> {
  const victim = await VictimReceiver.open(t);
  const identity = wickedIdentity();
  victim.knows(identity);
  const wicked = await wickedRecords(victim.address, identity);
  t.after(() => wicked.raw.destroy());
  return { victim, wicked };
}

/** Somebody else is received as if nothing were. */
async function checkServes(t: TestContext, victim: VictimReceiver): Promise<void> {
  assert.ok((await playSender(await victim.meet(t), { entries })) !== undefined);
}

test(
  'case 104: records of one byte, each with 16 KiB of padding, are read as what they say',
  { timeout },
  async (t) => {
    const { victim, wicked } = await meetByRecords(t);
    const words = Buffer.concat([hello, offer]);
    for (const byte of words) wicked.raw.write(wicked.record(RECORD.data, Buffer.from([byte]), 16_000));
    await wicked.peer.expect('hello');
    await checkServes(t, victim);
    wicked.raw.write(wicked.record(RECORD.data, nonsense));
    assert.equal((await wicked.peer.ended()).code, 'protocol-error');
  },
);

test(
  'case 104: 2,000 changes of keys, each with an answer asked for, pass and disturb nobody',
  { timeout },
  async (t) => {
    const { victim, wicked } = await meetByRecords(t);
    const updates: Buffer[] = [];
    for (let time = 0; time < 2000; time += 1) updates.push(wicked.keyUpdate());
    wicked.raw.write(Buffer.concat(updates));
    const others = checkServes(t, victim);
    wicked.raw.write(wicked.record(RECORD.data, hello));
    await wicked.peer.expect('hello');
    await others;
    wicked.raw.write(wicked.record(RECORD.data, nonsense));
    assert.equal((await wicked.peer.ended()).code, 'protocol-error');
  },
);

test('case 104: records that say nothing end the connection', { timeout }, async (t) => {
  const { victim, wicked } = await meetByRecords(t);
  const records = Array.from({ length: 100 }, () => wicked.record(RECORD.data, Buffer.alloc(0)));
  wicked.raw.write(Buffer.concat(records));
  await wicked.peer.ended();
  assert.deepEqual(wicked.peer.seen, []);
  await checkServes(t, victim);
});

test('case 104: a new handshake inside the connection ends it', { timeout }, async (t) => {
  const { victim, wicked } = await meetByRecords(t);
  // The header of a ClientHello: renegotiation, as TLS 1.2 had it.
  wicked.raw.write(wicked.record(RECORD.handshake, Buffer.from([1, 0, 0, 0])));
  await wicked.peer.ended();
  assert.deepEqual(wicked.peer.seen, []);
  await checkServes(t, victim);
});

test(
  'case 156: the exporter is the one of RFC 8446, computed from the logged secret',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const coming = reception.nextInbound();
    const wicked = await wickedRecords(reception.address, wickedIdentity());
    t.after(() => wicked.raw.destroy());
    const { exporter } = await coming;
    assert.deepEqual(Buffer.from(exporter), wicked.exporter('EXPORTER-peer-courier/1', 32));
  },
);
