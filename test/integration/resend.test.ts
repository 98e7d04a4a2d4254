/** What is sent again to a receiver that replaces: only what differs, counted in bytes on the path. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  openSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Scene } from '../support/cli.ts';
import { noise } from '../support/noise.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { asReceived, takeSnapshot } from '../support/trees.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Sends what lies at `path` over a path that counts; returns how many bytes went to the receiver. */
type CountedSend = (path: string) => Promise<number>;

async function openReplacing(t: TestContext): Promise<{ readonly scene: Scene; readonly send: CountedSend }> {
  const scene = new Scene(t);
  const { port } = await scene.receive({ words: ['--on-conflict', 'replace'] });
  await scene.pair();
  const proxy = await TcpProxy.open(port);
  t.after(() => proxy.close());
  return {
    scene,
    async send(path) {
      const before = proxy.bytesForward;
      const { status, stderr } = await scene.send([path], { words: ['--to', `127.0.0.1:${proxy.port}`] });
      assert.equal(status, 0, stderr);
      return proxy.bytesForward - before;
    },
  };
}

/** What was sent last stands in the receive folder, whole. */
function assertStands(scene: Scene, path: string): void {
  const sent = asReceived(takeSnapshot(path), scene.umask);
  const there = takeSnapshot(join(scene.received, basename(path)));
  assert.deepEqual(Object.keys(there), Object.keys(sent));
  for (const [name, expected] of Object.entries(sent)) {
    // Each by itself: a thousand of them at once are not to be read. A folder that was there keeps its own time.
    if (expected.kind !== 'folder') assert.deepEqual(there[name], expected, name);
  }
}

const FILES = 800;
const FILE_BYTES = 75 * KIB;

function makeTree(scene: Scene): string {
  const folder = scene.makeFolder('files', 'tree');
  const content = noise(FILES * FILE_BYTES, 1);
  for (let number = 0; number < FILES; number += 1) {
    const name = join(scene.makeFolder('files', 'tree', `part ${number % 40}`), `file ${number}.bin`);
    writeFileSync(name, content.subarray(number * FILE_BYTES, (number + 1) * FILE_BYTES));
  }
  return folder;
}

/** Rewrites one file in a hundred. */
function changeTree(folder: string): void {
  for (let number = 0; number < FILES; number += 100) {
    writeFileSync(
      join(folder, `part ${number % 40}`, `file ${number}.bin`),
      noise(FILE_BYTES, 2 + number / 100),
    );
  }
}

test('a tree of which one file in a hundred has changed: at most 1.2 % of the bytes', async (t) => {
  const { scene, send } = await openReplacing(t);
  const folder = makeTree(scene);
  const whole = await send(folder);
  assert.ok(whole > FILES * FILE_BYTES, 'it was not sent whole at first');
  changeTree(folder);
  const again = await send(folder);
  assert.ok(again <= 0.012 * whole, `${again} of ${whole} bytes`);
  assert.ok(again >= (FILES / 100) * FILE_BYTES, `${again} bytes are less than what changed`);
  assertStands(scene, folder);
});

test('and when every file has a new time, as after a checkout', async (t) => {
  const { scene, send } = await openReplacing(t);
  const folder = makeTree(scene);
  const whole = await send(folder);
  for (let number = 0; number < FILES; number += 1) {
    utimesSync(join(folder, `part ${number % 40}`, `file ${number}.bin`), 1_700_000_000, 1_700_000_000);
  }
  changeTree(folder);
  const again = await send(folder);
  assert.ok(again <= 0.012 * whole, `${again} of ${whole} bytes`);
  assertStands(scene, folder);
});

test('case 82: a log that has grown: its tail', async (t) => {
  const { scene, send } = await openReplacing(t);
  const log = join(scene.makeFolder('files'), 'log');
  writeFileSync(log, noise(64 * MIB, 1));
  await send(log);
  appendFileSync(log, noise(MIB, 2));
  const again = await send(log);
  // The chunk in which the old end lies goes with it.
  assert.ok(again <= MIB + 300 * KIB, `${again} bytes`);
  assertStands(scene, log);
});

test('case 82: 4 KiB in the middle of a big file: one chunk', async (t) => {
  const { scene, send } = await openReplacing(t);
  const image = join(scene.makeFolder('files'), 'image');
  writeFileSync(image, noise(64 * MIB, 1));
  await send(image);
  const descriptor = openSync(image, 'r+');
  writeSync(descriptor, noise(4 * KIB, 2), 0, 4 * KIB, 32 * MIB + 8 * KIB);
  closeSync(descriptor);
  const again = await send(image);
  assert.ok(again <= 256 * KIB + 40 * KIB, `${again} bytes`);
  assertStands(scene, image);
});

test('case 82: a file that became shorter: nothing of it', async (t) => {
  const { scene, send } = await openReplacing(t);
  const image = join(scene.makeFolder('files'), 'image');
  writeFileSync(image, noise(64 * MIB, 1));
  await send(image);
  truncateSync(image, 60 * MIB);
  const again = await send(image);
  assert.ok(again <= 40 * KIB, `${again} bytes`);
  assertStands(scene, image);
});
