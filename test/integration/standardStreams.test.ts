/** What the program says finds no room, or nobody to hear it: what it does goes on all the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scene } from '../support/cli.ts';
import { noise } from '../support/noise.ts';
import { file, makeTree } from '../support/trees.ts';
import { intoFullDisk } from '../support/wrappings.ts';

const STATUS = { usage: 2, unsaid: 51 };
const BYTES = noise(4 * 1024 * 1024, 1);
const UNSAID = /^Not everything that was to be said could be written: ENOSPC[^\n]*\n$/u;

const onLinux = { skip: process.platform === 'linux' ? false : 'NOT RUN: there is no /dev/full' };

test('a sender that nobody listens to any more sends on, and so does a receiver', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'data.bin': file(BYTES) });
  const receiver = await scene.receive({ words: ['--once'] });
  receiver.hangUp();
  // Slow enough that progress is told while it lasts.
  const sender = scene.startSend([scene.path('data.bin')], { words: ['--limit', '40'] });
  await sender.event('progress');
  sender.hangUp();
  for (const { status, stderr } of await Promise.all([sender.ended, receiver.ended])) {
    assert.deepEqual([status, stderr], [0, '']);
  }
  assert.ok(readFileSync(join(scene.received, 'data.bin')).equals(BYTES));
});

test(
  'a transfer whose log does not fit on the disk is whole; the status tells of the log',
  onLinux,
  async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, { 'data.bin': file(BYTES) });
    const receiver = await scene.receive();
    const { status, stderr } = await scene.send([scene.path('data.bin')], { within: intoFullDisk });
    assert.equal(status, STATUS.unsaid);
    assert.match(stderr, UNSAID);
    await receiver.event('received');
    assert.ok(readFileSync(join(scene.received, 'data.bin')).equals(BYTES));
  },
);

test('a failure keeps its status, and what was not to be said is not missed', onLinux, async (t) => {
  const scene = new Scene(t);
  const { status, stderr } = await scene.run(['sing'], { within: intoFullDisk }).ended;
  assert.equal(status, STATUS.usage);
  assert.match(stderr, /^There is no command "sing"[^\n]*\nRun [^\n]*\n$/u);
  const help = await scene.run(['help'], { within: intoFullDisk }).ended;
  assert.equal(help.status, STATUS.unsaid);
  assert.match(help.stderr, UNSAID);
});
