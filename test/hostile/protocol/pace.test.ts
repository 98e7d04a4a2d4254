/** Peers that do not read, that drip, that want to set our limits, and a disk that is slow; the clock is turned by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quiet } from '../../support/memoryClock.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { encode, message, TYPES } from '../support/wickedFrames.ts';
import type { WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload, HELLO } from '../support/wickedSession.ts';
import { PlainReceiver, PlainSender } from './plainVictims.ts';
import { PLAIN_ENTRIES, Prey, Target } from './wire.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK = 256 * KIB;
/** After so long without a byte a peer is given up. */
const DEAD_MS = 30_000;
const CHUNKS_AT_ONCE = 4;

const say = (victim: PlainReceiver | PlainSender, ...frames: readonly WickedFrame[]): void => {
  victim.channel.sendBytes(Buffer.concat(frames.map(encode)));
};

/** Our sender, with `chunks` chunks of one file, so many of which are wanted by somebody who reads nothing more. */
async function wantedFrom(chunks: number, wants = chunks): Promise<PlainSender> {
  const victim = new PlainSender(treeOf({ big: chunks * CHUNK }));
  say(victim, message('hello', { ...HELLO, role: 'receiver' }));
  await quiet();
  say(victim, message('answer', { decisions: [['take', 1]] }));
  await quiet();
  victim.channel.isStuck = true;
  say(victim, ...Array.from({ length: wants }, (_, index) => ({ type: TYPES.want, index })));
  await quiet();
  return victim;
}

test('case 114: a receiver that does not read costs the chunks that are prepared, and is given up', async () => {
  const victim = await wantedFrom(64);
  assert.ok(victim.source.reads.size <= 2 * CHUNKS_AT_ONCE, `${victim.source.reads.size} chunks were read`);
  const before = victim.source.reads.size;
  // As long as it says that it is alive it is borne, and not a chunk more is read for it.
  for (let minute = 0; minute < 5; minute += 1) {
    say(victim, message('alive'), message('alive'));
    await quiet();
    await victim.clock.advance(DEAD_MS - 5000);
  }
  assert.deepEqual([victim.isOver, victim.source.reads.size], [false, before]);
  await victim.clock.advance(DEAD_MS);
  const { end, receipt } = await victim.end();
  assert.deepEqual([end.close.code, receipt], ['timed-out', undefined]);
  assert.equal(victim.source.isClosed, true);
});

test('case 116: a receiver that drips is borne, and a cancel does not wait for it', async () => {
  const victim = await wantedFrom(64);
  const want = encode({ type: TYPES.progress, length: 60_000 });
  for (let at = 0; at < 400; at += 1) {
    victim.channel.sendBytes(at < want.length ? want.subarray(at, at + 1) : Buffer.from(' '));
    await quiet();
    await victim.clock.advance(9000);
  }
  assert.equal(victim.isOver, false);
  victim.transfer.cancel();
  await quiet();
  // The last frame has two seconds to leave, and not one turn of the clock more is needed.
  await victim.clock.advance(2000);
  assert.equal(victim.isOver, true);
  assert.equal((await victim.end()).end.close.code, 'cancelled');
});

/** Our receiver, which has been offered `chunks` chunks of one file. */
async function offeredTo(chunks: number, init = {}): Promise<PlainReceiver> {
  const victim = new PlainReceiver(init);
  say(victim, message('hello', HELLO), message('offer', { transfer: 'ab'.repeat(16), label: '' }));
  say(victim, message('page', { entries: [['f', 'big', chunks * CHUNK, 0, false]] }));
  say(victim, message('offerEnd', { pages: 1, entries: 1, files: 1, bytes: chunks * CHUNK, leftOut: 0 }));
  await quiet();
  return victim;
}

const hasReceipt = (victim: PlainReceiver): boolean => victim.channel.seen.at(-1)?.name === 'receipt';
const wantsOf = (victim: PlainReceiver): number[] =>
  victim.channel.seen.filter(({ name }) => name === 'want').map(({ index }) => index);

test('case 116: a sender that drips is borne, and a cancel does not wait for it', async () => {
  const victim = await offeredTo(10);
  const [chunk] = chunksOf([{ path: 'big', content: Buffer.alloc(10 * CHUNK) }]);
  const data = encode({ type: TYPES.data, payload: dataPayload(chunk ?? assert.fail('no chunk')) });
  for (let at = 0; at < 400; at += 1) {
    victim.channel.sendBytes(data.subarray(at, at + 1));
    await quiet();
    await victim.clock.advance(9000);
  }
  assert.equal(victim.isOver, false);
  victim.transfer.cancel();
  await quiet();
  assert.equal(victim.isOver, true);
  assert.equal((await victim.end()).end.close.code, 'cancelled');
  victim.assertTidy();
});

test('case 117: on a slow disk no more is asked for than has room, and the peer hears that we live', async () => {
  const WRITE_MS = 2000;
  const CHUNKS = 100;
  let writing = 0;
  let most = 0;
  const victim = await offeredTo(CHUNKS, {
    mount: (disk: PlainReceiver['disk'], clock: PlainReceiver['clock']) =>
      disk.mount({
        schedule: (work, { name }) => {
          if (name !== 'write') return queueMicrotask(work);
          writing += 1;
          most = Math.max(most, writing);
          clock.schedule(WRITE_MS, () => {
            writing -= 1;
            work();
          });
        },
      }),
  });
  const content = Buffer.alloc(CHUNKS * CHUNK, 7);
  const chunks = chunksOf([{ path: 'big', content }]);
  let served = 0;
  for (let turn = 0; turn < CHUNKS * 2 && !hasReceipt(victim); turn += 1) {
    for (const index of wantsOf(victim).slice(served)) {
      say(victim, {
        type: TYPES.data,
        index,
        payload: dataPayload(chunks[index] ?? assert.fail('no chunk')),
      });
      served += 1;
    }
    await quiet();
    assert.ok(wantsOf(victim).length - served <= 64 && writing <= 64, `${writing} at once`);
    say(victim, message('alive'));
    await quiet();
    await victim.clock.advance(WRITE_MS);
  }
  assert.ok(hasReceipt(victim));
  assert.ok(most * CHUNK <= 16 * MIB && most > 1, `${most} chunks waited for the disk`);
  say(victim, message('close', { code: 'done' }));
  await victim.end();
  assert.ok(victim.standing.get('big')?.content.has(content));
});

test('case 117: while the disk takes minutes for one write, we say that we live, and hear the peer', async () => {
  const MINUTE_MS = 60_000;
  const victim = await offeredTo(1, {
    mount: (disk: PlainReceiver['disk'], clock: PlainReceiver['clock']) =>
      disk.mount({
        schedule: (work, { name }) => {
          if (name === 'write') clock.schedule(5 * MINUTE_MS, work);
          else queueMicrotask(work);
        },
      }),
  });
  const [chunk] = chunksOf([{ path: 'big', content: Buffer.alloc(CHUNK, 7) }]);
  say(victim, { type: TYPES.data, payload: dataPayload(chunk ?? assert.fail('no chunk')) });
  for (let passed = 0; passed < 30 * MINUTE_MS && !hasReceipt(victim); passed += 10_000) {
    say(victim, message('alive'));
    await quiet();
    await victim.clock.advance(10_000);
  }
  assert.ok(victim.channel.signsOfLife >= 25, `${victim.channel.signsOfLife} signs of life in five minutes`);
  assert.ok(hasReceipt(victim));
  say(victim, message('close', { code: 'done' }));
  await victim.end();
});

test('case 117: what is asked for at once is bounded by its bytes, too', async () => {
  // 2 GiB: chunks of 4 MiB, of which the window holds four.
  const victim = await offeredTo((2 * 1024 * MIB) / CHUNK);
  assert.deepEqual(wantsOf(victim), [0, 1, 2, 3]);
  victim.transfer.cancel();
  await victim.end();
});

test('case 118: how many wants a sender says that it takes can only lower ours', async () => {
  for (const [openWants, expected] of [
    [1, 1],
    [5, 5],
    [64, 64],
    [65_535, 64],
  ] as const) {
    // Small ones, or the window would bound them before their number does: a page each, so a pack each.
    const victim = new PlainReceiver();
    const pages = Array.from({ length: 100 }, (_, index) =>
      message('page', { entries: [['f', `f${index + 100}`, 1, 0, false]] }, { index }),
    );
    say(victim, message('hello', { ...HELLO, limits: { openWants } }));
    say(victim, message('offer', { transfer: 'ab'.repeat(16), label: '' }), ...pages);
    say(victim, message('offerEnd', { pages: 100, entries: 100, files: 100, bytes: 100, leftOut: 0 }));
    await quiet();
    assert.equal(wantsOf(victim).length, expected, `${openWants}`);
    assert.equal(victim.isOver, false);
    victim.transfer.cancel();
    await victim.end();
  }
});

test('case 118: a receiver that wants more chunks at once than the limit is refused', async () => {
  const most = await wantedFrom(100, 64);
  assert.equal(most.isOver, false);
  most.transfer.cancel();
  await most.end();
  const more = await wantedFrom(100, 65);
  assert.equal((await more.end()).end.close.code, 'limit-exceeded');
});

test('case 118: whatever else a hello asks for, and however much of it, changes nothing or is refused', async (t) => {
  const target = await Target.open(t);
  const prey = await Prey.openPlain(t);
  const greedy = {
    limits: { openWants: 65_535, deadAfterMs: 1e9, aliveEveryMs: 0, chunkBytes: 2 ** 40, chunksAtOnce: 1e6 },
    codecs: Array.from({ length: 16 }, () => 'x'.repeat(500)),
    timeout: 1e12,
    window: 2 ** 40,
  };
  assert.ok((await target.play({ entries: PLAIN_ENTRIES, hello: greedy })).receipt !== undefined);
  assert.equal((await prey.play({ hello: greedy })).code, 'done');
  const refused: readonly (readonly [object, string])[] = [
    [{ codecs: Array.from({ length: 17 }, () => 'x') }, 'protocol-error'],
    [{ codecs: ['x'.repeat(17_000)] }, 'limit-exceeded'],
    [{ limits: { openWants: 0 } }, 'protocol-error'],
    [{ limits: { openWants: 65_536 } }, 'protocol-error'],
    [{ limits: {} }, 'protocol-error'],
  ];
  target.victim.clear();
  for (const [hello, code] of refused) {
    await target.assertRefused(
      JSON.stringify(hello).slice(0, 60),
      { entries: PLAIN_ENTRIES, hello: { ...hello } },
      code,
    );
    await prey.assertRefused(JSON.stringify(hello).slice(0, 60), { hello: { ...hello } }, code);
  }
});
