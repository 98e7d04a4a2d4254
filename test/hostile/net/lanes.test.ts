/** What somebody may try with further connections of a session, on real TLS. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { noise } from '../../support/noise.ts';
import { VictimReceiver } from '../support/victims.ts';
import { message, TYPES } from '../support/wickedFrames.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { wickedDial } from '../support/wickedPeer.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import { chunksOf, dataPayload, HELLO, listed } from '../support/wickedSession.ts';

const LANE = { tls: { ALPNProtocols: ['peer-courier-lane/1'] } };
const CHUNK_BYTES = 256 * 1024;
const CONTENT = Buffer.from(noise(3 * CHUNK_BYTES, 6));
const ENTRIES = [{ path: 'big', content: CONTENT }];
const CHUNKS = chunksOf(ENTRIES);

function hmac(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** What a lane of the session with this first connection says, by docs/protocol.md. */
function joinOf(first: WickedPeer, lane: WickedPeer, number = 1) {
  const key = hmac(first.exporter, 'peer-courier/1 lane key');
  return {
    session: hmac(first.exporter, 'peer-courier/1 lane session').subarray(0, 16).toString('hex'),
    lane: number,
    mac: hmac(key, `peer-courier/1 lane ${number} `, lane.exporter).toString('hex'),
  };
}

/** A receiver of ours that has asked a wicked sender for the three chunks of one file. */
async function wanted(t: TestContext) {
  const victim = await VictimReceiver.open(t);
  const identity = wickedIdentity();
  const first = await victim.meet(t, identity);
  await offer(first);
  for (let want = 0; want < CHUNKS.length; want += 1) await first.expect('want');
  return { victim, identity, first };
}

async function offer(first: WickedPeer): Promise<void> {
  first.say('hello', HELLO);
  await first.expect('hello');
  first.say('offer', { transfer: 'cd'.repeat(16), label: 'wicked' });
  first.say('page', { entries: ENTRIES.map(listed) });
  first.say('offerEnd', { pages: 1, entries: 1, files: 1, bytes: CONTENT.length, leftOut: 0 });
}

async function dialLane(
  t: TestContext,
  victim: VictimReceiver,
  identity: WickedIdentity,
): Promise<WickedPeer> {
  const lane = await wickedDial(victim.address, identity, LANE);
  t.after(() => lane.socket.destroy());
  return lane;
}

function data(index: number) {
  const chunk = CHUNKS[index] ?? assert.fail('no such chunk');
  return { type: TYPES.data, index, payload: dataPayload(chunk) };
}

async function finish(victim: VictimReceiver, first: WickedPeer): Promise<void> {
  await first.expect('receipt');
  first.say('close', { code: 'done' });
  first.finish();
  const report = await victim.report();
  assert.ok(report.receipt !== undefined);
  assert.ok(readFileSync(join(victim.folder, 'big')).equals(CONTENT));
}

test('a lane that joins as the protocol says carries chunks, in any order', async (t) => {
  const { victim, identity, first } = await wanted(t);
  const lane = await dialLane(t, victim, identity);
  lane.say('join', joinOf(first, lane));
  await lane.expect('joined');
  lane.send(data(2), data(0));
  first.send(data(1));
  await finish(victim, first);
});

suite('is turned away with one word, and harms nothing', () => {
  const wrong: Readonly<
    Record<string, (good: ReturnType<typeof joinOf>, first: WickedPeer) => Readonly<Record<string, unknown>>>
  > = {
    'a proof with one digit changed': (good) => ({
      ...good,
      mac: `${good.mac.slice(0, -1)}${good.mac.endsWith('0') ? '1' : '0'}`,
    }),
    'the proof of another connection': (good, first) => ({ ...good, mac: joinOf(first, first).mac }),
    'the proof for another number': (good) => ({ ...good, lane: 2 }),
    'a session that is not there': (good) => ({ ...good, session: '0'.repeat(32) }),
  };
  for (const [what, bend] of Object.entries(wrong)) {
    test(what, async (t) => {
      const { victim, identity, first } = await wanted(t);
      const lane = await dialLane(t, victim, identity);
      lane.say('join', bend(joinOf(first, lane), first));
      assert.equal((await lane.ended()).code, 'not-paired');
      first.send(data(0), data(1), data(2));
      await finish(victim, first);
    });
  }

  test('somebody else who has learnt the secret, but has another key', async (t) => {
    const { victim, first } = await wanted(t);
    const other = wickedIdentity();
    victim.knows(other, 'other');
    const lane = await dialLane(t, victim, other);
    lane.say('join', joinOf(first, lane));
    assert.equal((await lane.ended()).code, 'not-paired');
    first.send(data(0), data(1), data(2));
    await finish(victim, first);
  });

  test('a second lane of the same number', async (t) => {
    const { victim, identity, first } = await wanted(t);
    const [one, two] = [await dialLane(t, victim, identity), await dialLane(t, victim, identity)];
    one.say('join', joinOf(first, one));
    await one.expect('joined');
    two.say('join', joinOf(first, two));
    assert.equal((await two.ended()).code, 'not-paired');
    one.send(data(0), data(1), data(2));
    await finish(victim, first);
  });

  test('a lane of a session that has not made its offer: a stranger stays one', async (t) => {
    const victim = await VictimReceiver.open(t);
    // It is not paired, and has not said hello.
    const identity = wickedIdentity();
    const first = await wickedDial(victim.address, identity);
    t.after(() => first.socket.destroy());
    const lane = await dialLane(t, victim, identity);
    lane.say('join', joinOf(first, lane));
    assert.equal((await lane.ended()).code, 'not-paired');
  });

  test('a hello on a connection for lanes', async (t) => {
    const victim = await VictimReceiver.open(t);
    const identity = wickedIdentity();
    victim.knows(identity);
    const lane = await dialLane(t, victim, identity);
    lane.say('hello', HELLO);
    assert.equal((await lane.ended()).code, 'protocol-error');
  });
});

suite('on a lane it costs the lane and no memory, and the transfer goes on', () => {
  const wicked: Readonly<Record<string, (lane: WickedPeer, first: WickedPeer) => void | Promise<void>>> = {
    'a chunk that nobody wants': (lane) => lane.send({ ...data(0), index: 77 }),
    'a chunk that another connection is bringing': async (lane, first) => {
      // Its header and a first piece, over the other connection; the header comes first, as `joined` shows.
      const bytes = data(0);
      first.send({ ...bytes, payload: bytes.payload.subarray(0, 100), length: bytes.payload.length });
      await lane.expect('joined');
      lane.send(data(0));
    },
    'a chunk that has come already': (lane) => lane.send(data(2), data(2)),
    'an offer': (lane) => lane.send(message('offer', { transfer: 'ef'.repeat(16), label: '' })),
    same: (lane) => lane.send({ type: TYPES.same, index: 0 }),
    'a reply that is too long': (lane) => lane.send({ type: TYPES.data, index: 0, length: 2 ** 31 }),
    'a type that does not exist': (lane) => lane.send({ type: 99 }),
  };
  for (const [what, act] of Object.entries(wicked)) {
    test(what, async (t) => {
      const { victim, identity, first } = await wanted(t);
      const lane = await dialLane(t, victim, identity);
      lane.say('join', joinOf(first, lane));
      await act(lane, first);
      assert.match((await lane.ended()).code ?? '', /^(?:protocol-error|limit-exceeded)$/u);
      const rest = what.includes('another') ? data(0).payload.subarray(100) : Buffer.alloc(0);
      if (rest.length > 0) first.sendBytes(rest);
      else first.send(data(0));
      first.send(data(1));
      if (!what.includes('already')) first.send(data(2));
      await finish(victim, first);
    });
  }

  test('a lane that ends in the middle of a chunk: the chunk may come over another', async (t) => {
    const { victim, identity, first } = await wanted(t);
    const lane = await dialLane(t, victim, identity);
    lane.say('join', joinOf(first, lane));
    await lane.expect('joined');
    const bytes = data(1);
    lane.send({ ...bytes, payload: bytes.payload.subarray(0, 1000), length: bytes.payload.length });
    lane.finish();
    await lane.ended();
    first.say('lost', { lane: 1, chunks: [1] });
    const again = await first.expect('want');
    assert.equal(again.index, 1);
    first.send(data(0), data(1), data(2));
    await finish(victim, first);
  });
});

suite('lost', () => {
  test('of a lane that is still there closes it: what comes over it late would come twice', async (t) => {
    const { victim, identity, first } = await wanted(t);
    const lane = await dialLane(t, victim, identity);
    lane.say('join', joinOf(first, lane));
    await lane.expect('joined');
    first.say('lost', { lane: 1, chunks: [0] });
    assert.equal((await first.expect('want')).index, 0);
    assert.equal((await lane.ended()).code, 'cancelled');
    first.send(data(0), data(1), data(2));
    await finish(victim, first);
  });

  test('of chunks that nobody waits for, and of lanes that never were, changes nothing', async (t) => {
    const { victim, first } = await wanted(t);
    first.send(data(0));
    first.say('lost', { lane: 9, chunks: [77, 2 ** 53 - 1] });
    first.send(data(1), data(2));
    await finish(victim, first);
  });

  test('said a thousand times costs a want each and no more', async (t) => {
    const { victim, first } = await wanted(t);
    for (let times = 0; times < 1000; times += 1) first.say('lost', { lane: 1, chunks: [2, 2, 2] });
    for (let times = 0; times < 3000; times += 1) assert.equal((await first.expect('want')).index, 2);
    first.send(data(0), data(1), data(2));
    await finish(victim, first);
  });

  test('with more chunks than there can be is refused', async (t) => {
    const { first } = await wanted(t);
    first.say('lost', { lane: 1, chunks: Array.from({ length: 65 }, (_, at) => at) });
    assert.equal((await first.ended()).code, 'protocol-error');
  });
});
