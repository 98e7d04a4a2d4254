/** What a receiver may be given: chunks of what was offered and taken, as it was offered, until somebody says stop. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { quiet } from '../../support/memoryClock.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { noise } from '../../support/noise.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { encode, message, said, TYPES } from '../support/wickedFrames.ts';
import { HELLO, playReceiver, sha256 } from '../support/wickedSession.ts';
import { PlainSender } from './plainVictims.ts';
import { after, before, inPlaceOf, Prey, spelled } from './wire.ts';

const KIB = 1024;
const want = (index: number): { type: number; index: number } => ({ type: TYPES.want, index });

test('case 40: a chunk that was not offered, not taken or not answered for is refused and not read', async (t) => {
  const prey = await Prey.openPlain(t);
  await prey.assertRefused('before any answer', { bend: before('answer 0', want(0)) });
  await prey.assertRefused('behind the last', { bend: inPlaceOf('want 0', want(1)) });
  for (const decision of ['skip', 'same', 'refuse']) {
    const answer = message('answer', { decisions: [[decision, 3]] });
    await prey.assertRefused(`answered ${decision}`, { bend: inPlaceOf('answer 0', answer) });
  }
  // The folder and one of two files: the pack that is left is chunk 0, and there is no other.
  const half = message('answer', {
    decisions: [
      ['take', 2],
      ['skip', 1],
    ],
  });
  const { peer } = await prey.play({ bend: (frame, name) => (name === 'answer 0' ? [half] : [frame]) });
  const data = peer.seen.filter(({ name }) => name === 'data');
  assert.deepEqual(
    data.map(({ payload }) => payload.subarray(41).toString()),
    ['one'],
  );
});

test('case 41: a request has no place for a path', async (t) => {
  const prey = await Prey.openPlain(t);
  for (const words of [
    '{"path":"/etc/passwd"}',
    '{"have":[null,null],"path":"../precious"}',
    '{"path":"sent/a","root":"/"}',
    '"../precious"',
    '["../precious"]',
    '{"have":["../precious",null]}',
  ]) {
    await prey.assertRefused(words, { bend: inPlaceOf('want 0', spelled('want', words)) });
    await prey.assertRefused(words, { bend: inPlaceOf('answer 0', spelled('answer', words)) });
  }
});

test('case 46: a file that grows while it is sent fails alone, and no byte of its growth is sent', async (t) => {
  const folder = join(scratchFolder(t), 'sent');
  mkdirSync(folder);
  const calm = noise(300 * KIB, 1);
  const log = noise(600 * KIB, 2);
  writeFileSync(join(folder, 'calm'), calm);
  writeFileSync(join(folder, 'log'), log);
  const prey = await Prey.open(t, [folder]);
  const GROWTH = Buffer.alloc(64 * KIB, 'grown ');
  const { peer, sending } = await prey.meet();
  const playing = playReceiver(peer, {
    hello: { codecs: [] },
    bend(frame, name) {
      // Before each chunk, as a log does; the first two are those of the calm one.
      if (name.startsWith('want')) appendFileSync(join(folder, 'log'), GROWTH);
      return [frame];
    },
  });
  while (peer.seen.filter(({ name }) => name === 'data' || name === 'failed').length < 5) {
    await peer.whenSeen(peer.seen.length + 1);
  }
  peer.say('close', { code: 'cancelled' });
  peer.finish();
  await playing;
  await sending;
  const replies = new Map(
    peer.seen.map((frame) => [frame.name === 'data' || frame.name === 'failed' ? frame.index : -1, frame]),
  );
  assert.ok(
    Buffer.concat([0, 1].map((index) => replies.get(index)?.payload.subarray(40) ?? Buffer.alloc(0))).equals(
      calm,
    ),
  );
  for (const index of [2, 3, 4]) {
    const reply = replies.get(index) ?? assert.fail(`no reply ${index}`);
    assert.equal(reply.name, 'failed');
    assert.deepEqual(said(reply), { reason: 'source-changed' });
  }
  assert.ok(!Buffer.concat(peer.seen.map(({ payload }) => payload)).includes('grown '));
});

test('case 47: after a cancel no chunk is read but those under way, and late requests are not heard', async () => {
  const CHUNKS = 40;
  const victim = new PlainSender(treeOf({ big: CHUNKS * 256 * KIB }));
  const say = (...frames: readonly Parameters<typeof encode>[0][]): void => {
    victim.channel.sendBytes(Buffer.concat(frames.map(encode)));
  };
  victim.source.reading.shut();
  say(message('hello', { ...HELLO, role: 'receiver' }));
  await quiet();
  say(
    message('answer', { decisions: [['take', 1]] }),
    ...Array.from({ length: CHUNKS - 5 }, (_, at) => want(at)),
  );
  await quiet();
  for (let step = 0; step < 3; step += 1) {
    victim.source.reading.step();
    await quiet();
  }
  const readBefore = victim.source.reads.size;
  victim.transfer.cancel();
  say(...Array.from({ length: 5 }, (_, at) => want(CHUNKS - 5 + at)));
  victim.source.reading.open();
  const report = await victim.end();
  assert.equal(report.end.close.code, 'cancelled');
  assert.equal(victim.source.reads.size, readBefore, 'it goes on reading');
  assert.equal(victim.channel.seen.filter(({ name }) => name === 'data').length, 3);
  assert.equal(victim.channel.seen.at(-1)?.name, 'close');
});

test('case 115: a receipt for what was never asked for, or with another root or count, is no success', async (t) => {
  const prey = await Prey.openPlain(t);
  const content = (text: string): Buffer => sha256(sha256(Buffer.from(text)));
  const record = (kind: number, path: string, size?: number, digest?: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt8(kind, 0);
    head.writeUInt32BE(path.length, 1);
    const tail = Buffer.alloc(size === undefined ? 0 : 8);
    if (size !== undefined) tail.writeBigUInt64BE(BigInt(size));
    return Buffer.concat([head, Buffer.from(path), tail, digest ?? Buffer.alloc(0)]);
  };
  // The right root, by who knows the files from elsewhere: without having had them it proves nothing.
  const root = sha256(
    record(0, 'sent'),
    record(1, 'sent/a', 3, content('one')),
    record(1, 'sent/b', 5, content('three')),
  ).toString('hex');
  const right = { root, published: 3, same: 0, skipped: 0, failed: 0, bytes: 8 };
  const honest = await prey.play({ bend: inPlaceOf('receipt', message('receipt', right)) });
  assert.ok(honest.report.receipt !== undefined, 'the root is computed right');
  await prey.assertRefused('nothing wanted', { bend: inPlaceOf('want 0', message('receipt', right)) });
  const others = [
    { root: 'ab'.repeat(32) },
    { root: sha256().toString('hex') },
    { published: 2, failed: 1 },
    { published: 0, skipped: 3 },
    { published: 0, same: 3 },
  ];
  for (const other of others) {
    const receipt = message('receipt', { ...right, ...other });
    await prey.assertRefused(JSON.stringify(other), { bend: inPlaceOf('receipt', receipt) });
  }
  const progress = message('progress', { bytes: 8, entries: 3 });
  const claimed = await prey.play({ bend: after('answer 0', progress, message('close', { code: 'done' })) });
  assert.equal(claimed.report.receipt, undefined);
});
