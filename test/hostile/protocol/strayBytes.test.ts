/**
 * Memory that comes as it lies is full of a mark here, and whatever ours sends is searched for it. (rsync:
 * CVE-2024-12085; dns-packet: CVE-2021-23386.) Every file of tests is a process of its own, and this one is poisoned.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BufferPool } from '../../../src/node/bufferPool.ts';
import { noise } from '../../support/noise.ts';
import { scratchFolder } from '../../support/scratch.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import { chunksOf, dataPayload, playReceiver, playSender } from '../support/wickedSession.ts';
import { Prey, Target } from './wire.ts';

const MARK = Buffer.from('\u{1}stray\u{2}');
const KIB = 1024;

const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
const allocUnsafeSlow = Buffer.allocUnsafeSlow.bind(Buffer);
let poured = 0;

function poisoned(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  poured += bytes.length;
  bytes.fill(MARK);
  return bytes;
}
Buffer.allocUnsafe = (size) => poisoned(allocUnsafe(size));
Buffer.allocUnsafeSlow = (size) => poisoned(allocUnsafeSlow(size));

/** Chunks of every size at which something changes, and their ends. */
const FILES: Readonly<Record<string, Uint8Array>> = {
  a: noise(1, 1),
  b: new Uint8Array(0),
  big: noise(700_001, 2),
  exact: noise(256 * KIB, 3),
  text: Buffer.alloc(300_000, 'a line of text\n'),
  z: noise(256 * KIB - 1, 4),
};

/** Everything that the other side says, byte for byte. */
function overhear(peer: WickedPeer): () => Buffer {
  const pieces: Buffer[] = [];
  peer.socket.on('data', (bytes: Buffer) => pieces.push(bytes));
  return () => Buffer.concat(pieces);
}

function assertClean(heard: Buffer): void {
  assert.ok(heard.length > 100, 'nothing was heard');
  assert.equal(heard.indexOf(MARK), -1, 'bytes that nobody wrote');
}

test('the mark is where it is looked for', () => {
  const pool = new BufferPool();
  assert.ok(pool.allocate(100).includes(MARK[0] ?? 0));
  assert.ok(Buffer.from(pool.allocate(300 * KIB)).includes(MARK));
});

test('case 26: our sender says no byte that it did not write', async (t) => {
  const folder = join(scratchFolder(t), 'sent');
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(folder, name), bytes);
  const prey = await Prey.open(t, [folder]);
  for (const codecs of [[], ['zstd'], ['gzip']]) {
    const { peer, sending } = await prey.meet();
    const heard = overhear(peer);
    const got = await playReceiver(peer, { hello: { codecs } });
    await prey.settled(peer, sending);
    assertClean(heard());
    if (codecs.length > 0) continue;
    // Not the bytes of another chunk either, in buffers that are used again.
    assert.equal(got.code, 'done');
    const entries = Object.entries(FILES).map(([path, bytes]) => ({ path, content: Buffer.from(bytes) }));
    for (const [index, chunk] of chunksOf(entries).entries()) {
      assert.ok(got.data.get(index)?.equals(dataPayload(chunk)), `chunk ${index}`);
    }
  }
  assert.ok(poured > 700_000, 'nothing of ours lies in such memory');
});

test('case 26: our receiver says and writes no byte that did not come', async (t) => {
  const target = await Target.open(t, { onConflict: 'replace' });
  // The second time the files are newer, and it tells in digests what it has of the old ones.
  for (const [transfer, mtimeMs] of [
    ['ab'.repeat(16), 0],
    ['cd'.repeat(16), 5000],
  ] as const) {
    const entries = Object.entries(FILES).map(([path, bytes]) => ({
      path,
      content: Buffer.from(bytes),
      mtimeMs,
    }));
    const peer = await target.meet();
    const heard = overhear(peer);
    assert.ok((await playSender(peer, { entries, transfer })) !== undefined);
    await target.settled(peer);
    assertClean(heard());
    const told = peer.seen.filter(({ name, payload }) => name === 'want' && payload.length > 0);
    assert.equal(told.length > 0, mtimeMs > 0);
  }
  for (const [name, bytes] of Object.entries(FILES)) {
    assert.ok(readFileSync(join(target.victim.folder, name)).equals(bytes), name);
  }
  const kept = readdirSync(target.victim.folder, { recursive: true, withFileTypes: true });
  for (const each of kept.filter((entry) => entry.isFile())) {
    assert.equal(readFileSync(join(each.parentPath, each.name)).indexOf(MARK), -1, each.name);
  }
});

test('case 26: what ours says when it refuses and when it is refused holds no such byte either', async (t) => {
  const target = await Target.open(t);
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(16, 0xff)]) {
    const peer = await target.meet();
    const heard = overhear(peer);
    peer.sendBytes(bytes);
    await target.settled(peer);
    assert.equal(heard().indexOf(MARK), -1);
    assert.ok(heard().length > 16);
  }
});
