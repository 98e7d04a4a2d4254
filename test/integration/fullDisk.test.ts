/** A real disk that fills up and is freed, and one that goes and comes back: all arrives by itself. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Scene } from '../support/cli.ts';
import type { CliEvent, Program, RunningReceiver } from '../support/cli.ts';
import { noise } from '../support/noise.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { asReceived, file, makeTree, takeSnapshot } from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';
import { canMount, insideOf, mounted, runInside, smallDisk } from '../support/wrappings.ts';

const MIB = 1024 * 1024;

const needsMount = {
  skip: canMount ? false : 'NOT RUN: neither root nor user namespaces to mount a disk in',
};

/** A receiver whose receive folder is a disk of its own, and a path to it. */
interface Rig {
  readonly scene: Scene;
  readonly receiver: RunningReceiver;
  readonly path: TcpProxy;
  /** The receive folder as the receiver sees it. */
  readonly disk: string;
}

async function openRig(t: TestContext, options: string): Promise<Rig> {
  const scene = new Scene(t);
  const receiver = await scene.receive({ within: smallDisk(scene.received, options) });
  const pairing = scene.path('pairing');
  makeTree(scene.folder, { pairing: file('') });
  assert.equal((await scene.send([pairing])).status, 0);
  const disk = insideOf(receiver.pid, scene.received);
  rmSync(join(disk, 'pairing'));
  return { scene, receiver, path: await openPath(t, receiver.port), disk };
}

async function openPath(t: TestContext, port: number): Promise<TcpProxy> {
  const path = await TcpProxy.open(port);
  t.after(() => path.close());
  return path;
}

function startSend({ scene, path }: Pick<Rig, 'scene' | 'path'>, name: string): Program {
  const to = `127.0.0.1:${path.port}`;
  return scene.startSend([scene.path(name)], { words: ['--to', to, '--retry-for', '60s'] });
}

/** It has arrived at `there`, and nothing else lies there. */
async function assertArrives(scene: Scene, sender: Program, name: string, there: string): Promise<void> {
  const { status, stderr } = await sender.ended;
  assert.equal(status, 0, stderr);
  const sent = asReceived(takeSnapshot(scene.path(name)), scene.umask);
  assert.deepEqual(takeSnapshot(join(there, name)), sent);
  assert.deepEqual(readdirSync(there), [name]);
}

/** Writes until there is no room any more. */
function fill(location: string): void {
  const descriptor = openSync(location, 'w');
  const bytes = noise(MIB, 1);
  try {
    for (;;) writeSync(descriptor, bytes);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(descriptor);
  }
}

const big: Tree = { 'folder/big': file(noise(40 * MIB, 2)), 'folder/small': file('small') };

test('case 205: the disk fills up in the middle, and is freed', needsMount, async (t) => {
  const rig = await openRig(t, 'size=64m');
  const { scene, receiver, path, disk } = rig;
  makeTree(scene.folder, big);
  const before = path.bytesForward;
  const sender = startSend(rig, 'folder');
  await path.forwarded(before + 10 * MIB);
  path.hold();
  fill(join(disk, 'ballast'));
  path.release();
  // Cut off while it writes, it may hear why only when it comes again.
  const interrupted = await sender.event('interrupted', ({ code }) => code === 'disk-full');
  assert.match(String(interrupted['message']), /disk of the receiver is full/u);
  assert.equal((await receiver.event('interrupted'))['code'], 'disk-full');
  rmSync(join(disk, 'ballast'));
  await assertArrives(scene, sender, 'folder', disk);
  const again = path.bytesForward - before - 40 * MIB;
  assert.ok(again < 16 * MIB, `${again} bytes were sent again`);
});

/** Everything that a transfer makes there: staging, folders, files, the journal, a name for each of these. */
const MOST_INODES = 20;
/** Of a program that ended without it. */
const unheard: CliEvent = { event: 'unheard' };

test('case 205: there is no room for one thing more, whichever it is', needsMount, async (t) => {
  const rig = await openRig(t, 'size=64m');
  const { scene, receiver, disk } = rig;
  const files = { one: file('1'), two: file(noise(MIB, 3)), three: file('3'), 'sub/four': file('4') };
  const inodes = (count: number): void =>
    runInside(receiver.pid, ['mount', '-o', `remount,size=64m,nr_inodes=${count}`, scene.received]);
  let interruptions = 0;
  for (let free = 0; free < MOST_INODES; free += 1) {
    const name = `tree ${free}`;
    makeTree(scene.path(name), files);
    const heard = receiver.events.length;
    // The root of a tmpfs takes one, too; what arrived before goes.
    inodes(1 + free);
    const sender = startSend(rig, name);
    const how = await Promise.race(
      ['interrupted', 'failed', 'sent'].map((event) => sender.event(event).catch(() => unheard)),
    );
    if (how.event !== 'sent') {
      const isNew = (event: CliEvent): boolean => receiver.events.indexOf(event) >= heard;
      const told = ['interrupted', 'failed'].map((event) => receiver.event(event, isNew));
      assert.equal((await Promise.any(told))['code'], 'disk-full', `${free} free`);
      // A sender that is cut off while it writes may not hear why.
      assert.ok(['disk-full', 'connection-lost'].includes(String(how['code'])), `${free} free`);
    }
    if (how.event === 'interrupted') interruptions += 1;
    inodes(1000);
    // Before there is a place for it at all, the transfer has not begun: its user is told so.
    const again = how.event === 'failed' ? startSend(rig, name) : sender;
    await assertArrives(scene, again, name, disk);
    rmSync(join(disk, name), { recursive: true });
  }
  assert.ok(interruptions > 5 && interruptions < MOST_INODES, `${interruptions} interruptions`);
});

test('the receive folder is unmounted, and comes back', needsMount, async (t) => {
  const scene = new Scene(t);
  const disk = scene.makeFolder('disk');
  const receiver = await scene.receive({ within: mounted(disk, scene.received) });
  makeTree(scene.folder, { pairing: file(''), ...big });
  assert.equal((await scene.send([scene.path('pairing')])).status, 0);
  rmSync(join(disk, 'pairing'));
  const path = await openPath(t, receiver.port);
  const sender = startSend({ scene, path }, 'folder');
  await path.forwarded(path.bytesForward + 10 * MIB);
  path.hold();
  runInside(receiver.pid, ['umount', '--lazy', scene.received]);
  path.release();
  // It goes on being tried, and nothing is made where the folder was.
  const isUnwritable = ({ code }: CliEvent): boolean => code === 'destination-unwritable';
  const first = await sender.event('interrupted', isUnwritable);
  await sender.event('interrupted', (event) => isUnwritable(event) && event !== first);
  assert.deepEqual(readdirSync(insideOf(receiver.pid, scene.received)), []);
  runInside(receiver.pid, ['mount', '--bind', disk, scene.received]);
  await assertArrives(scene, sender, 'folder', disk);
});
