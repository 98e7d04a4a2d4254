/** More than was said, more than there is room for, and as much as one likes of the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Hashing } from '../../../src/base/hashing.ts';
import { PageFiles } from '../../../src/node/disk/pageFiles.ts';
import { quiet } from '../../support/memoryClock.ts';
import { memoryHashing } from '../../support/memoryPorts.ts';
import { treeBytes, treeOf } from '../../support/memoryTree.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { encode, message, TYPES } from '../support/wickedFrames.ts';
import type { WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload, HELLO, sha256 } from '../support/wickedSession.ts';
import { emptyDisk, PlainReceiver, PlainSender } from './plainVictims.ts';
import { inPlaceOf, PLAIN_ENTRIES, Target } from './wire.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const say = (victim: PlainReceiver | PlainSender, ...frames: readonly WickedFrame[]): void => {
  victim.channel.sendBytes(Buffer.concat(frames.map(encode)));
};

test('case 97: sizes that add up to more than any number are refused as they come', async (t) => {
  const target = await Target.open(t);
  const huge = (count: number): unknown[] =>
    Array.from({ length: count }, (_, at) => ['f', `f${at + 10_000}`, 2 ** 43, 0, false]);
  const bend = inPlaceOf('page', message('page', { entries: huge(1024) }));
  await target.assertRefused('2⁵³', { entries: PLAIN_ENTRIES, bend }, 'limit-exceeded');
  assert.deepEqual(target.victim.offers, []);
});

test('case 97: what does not fit on the disk is told before any of it is asked for', async (t) => {
  const target = await Target.open(t);
  const entries = Array.from({ length: 1000 }, (_, at) => ['f', `f${at + 10_000}`, 2 ** 43, 0, false]);
  const end = { pages: 1, entries: 1000, files: 1000, bytes: 1000 * 2 ** 43, leftOut: 0 };
  const sent = await target.play({
    entries: PLAIN_ENTRIES,
    bend: (frame, name) => {
      if (name === 'page') return [message('page', { entries })];
      return [name === 'offerEnd' ? message('offerEnd', end) : frame];
    },
  });
  assert.equal(sent.code, 'disk-full');
  assert.ok(sent.peer.seen.every(({ name }) => name !== 'want' && name !== 'answer'));
  target.victim.assertUnharmed();
});

const big = { path: 'big', content: Buffer.alloc(300 * KIB, 1) };

test('case 98: one byte more than was listed is cut off at the header, in every form of reply', async (t) => {
  const target = await Target.open(t);
  const entries = [...PLAIN_ENTRIES, big];
  for (const [index, chunk] of chunksOf(entries).entries()) {
    const payload = Buffer.concat([dataPayload(chunk), Buffer.alloc(1)]);
    const bend = inPlaceOf(`data ${index}`, { type: TYPES.data, index, payload });
    const sent = await target.play({ entries, bend });
    assert.deepEqual([sent.code, sent.receipt], ['limit-exceeded', undefined], `chunk ${index}`);
    target.victim.clear();
  }
  // A range that follows the last one of its file.
  const more = {
    type: TYPES.data,
    index: 2,
    payload: dataPayload({ kind: 'range', bytes: Buffer.alloc(256 * KIB) }),
  };
  await target.assertRefused('one chunk more', {
    entries: [big],
    bend: (frame, name) => (name === 'data 1' ? [more] : [frame]),
  });
});

/** Garbage is collected when it is asked for; what buffers held is given back beside us, and is gone with the next one. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  for (const _ of [1, 2, 3]) {
    if (typeof gc === 'function') Reflect.apply(gc, undefined, []);
    await quiet();
  }
}

test('case 111: names that share long beginnings cost by their bytes, and those are not kept in memory', async (t) => {
  // 16 names of 254 bytes before each name: a hundred of these make a page of 400 KiB.
  const parents = Array.from({ length: 15 }, (_, depth) => String.fromCodePoint(97 + depth).repeat(254));
  const deep = parents.join('/');
  const folders = parents.map((_, depth) => ['d', parents.slice(0, depth + 1).join('/'), 0]);
  const PER_PAGE = 100;
  const page = (index: number): WickedFrame => {
    const names = Array.from({ length: PER_PAGE }, (_, at) => `${deep}/${1_000_000 + index * PER_PAGE + at}`);
    const entries = names.map((path) => ['f', path, 0, 0, false]);
    return message('page', { entries: index === 0 ? [...folders, ...entries] : entries }, { index });
  };
  const victim = new PlainReceiver({ openPages: () => new PageFiles(join(scratchFolder(t), 'pages')) });
  say(victim, message('hello', HELLO), message('offer', { transfer: 'ab'.repeat(16), label: '' }));
  await quiet();
  const heapAfter = async (from: number, to: number): Promise<number> => {
    for (let index = from; index < to; index += 1) {
      say(victim, page(index));
      await quiet();
    }
    await collect();
    // Buffers that nobody holds may still count as external; what is held is in these two.
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  // More than stay in memory, and then as many again.
  const some = await heapAfter(0, 80);
  const all = await heapAfter(80, 180);
  assert.ok(!victim.isOver, 'it has not refused them');
  t.diagnostic(`40 MiB of names more in ${Math.round((all - some) / KIB)} KiB of memory more`);
  // Pages that are in use may be longer at one look than at the other; all of them would be more than twice as much.
  assert.ok(all - some < 16 * MIB, `${all - some} bytes`);
  victim.transfer.cancel();
  await victim.end();
});

/** Counts what is hashed. */
function countingHashing(): { readonly hashing: Hashing; readonly counted: { bytes: number } } {
  const counted = { bytes: 0 };
  const hashing: Hashing = {
    ...memoryHashing,
    sha256: (bytes) => {
      counted.bytes += bytes.length;
      return memoryHashing.sha256(bytes);
    },
  };
  return { hashing, counted };
}

const SMALL = 127;
/** A big file and as many small ones as fit its page, all of zeros: every digest is equal to many others. */
const zeros = treeOf({
  big: new Uint8Array(8 * MIB),
  ...Object.fromEntries(Array.from({ length: SMALL }, (_, at) => [`s${1000 + at}`, new Uint8Array(1000)])),
});

test('case 119: a sender reads and hashes each byte once, however many chunks and digests are equal', async () => {
  const { hashing, counted } = countingHashing();
  const victim = new PlainSender(zeros, { hashing });
  const digest = (bytes: number): string => sha256(Buffer.alloc(bytes)).toString('hex');
  const have = { have: Array.from({ length: SMALL }, () => digest(1000)) };
  say(victim, message('hello', { ...HELLO, role: 'receiver' }));
  await quiet();
  say(
    victim,
    message('answer', { decisions: [['take', SMALL + 1]] }),
    ...Array.from({ length: 32 }, (_, index) => message('want', { have: [digest(256 * KIB)] }, { index })),
    message('want', have, { index: 32 }),
  );
  await quiet();
  assert.equal(victim.channel.seen.filter(({ name }) => name === 'same').length, 33);
  assert.deepEqual([...new Set(victim.source.reads.values())], [1]);
  assert.ok(counted.bytes < treeBytes(zeros) * 1.02, `${counted.bytes} bytes hashed`);
  victim.transfer.cancel();
  await victim.end();
});

test('case 119: a receiver hashes each byte once, however many chunks are equal', async () => {
  const { hashing, counted } = countingHashing();
  const disk = emptyDisk();
  const victim = new PlainReceiver({ hashing, disk });
  const entries = [...zeros].map(([path, node]) => ({
    path,
    content: Buffer.from(node.kind === 'file' ? node.bytes : []),
  }));
  say(victim, message('hello', HELLO), message('offer', { transfer: 'ab'.repeat(16), label: '' }));
  const listed = entries.map(({ path, content }) => ['f', path, content.length, 0, false]);
  say(victim, message('page', { entries: listed }));
  say(
    victim,
    message('offerEnd', {
      pages: 1,
      entries: SMALL + 1,
      files: SMALL + 1,
      bytes: treeBytes(zeros),
      leftOut: 0,
    }),
  );
  await quiet();
  for (const [index, chunk] of chunksOf(entries).entries()) {
    say(victim, { type: TYPES.data, index, payload: dataPayload(chunk) });
    await quiet();
  }
  assert.equal(victim.channel.seen.at(-1)?.name, 'receipt');
  assert.ok(counted.bytes < treeBytes(zeros) * 1.02, `${counted.bytes} bytes hashed`);
  say(victim, message('close', { code: 'done' }));
  await victim.end();
});
