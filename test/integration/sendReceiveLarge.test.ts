import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventOf, pathsOf, Scene } from '../support/cli.ts';
import { asReceived, firstDifference, makeTree, sparse, takeSnapshot } from '../support/trees.ts';

/** Real input: thousands of files, and more bytes than 32 bits can count. */

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** DESIGN.md § 13: for any size and any number of files. */
const MOST_MEMORY = 200 * MIB;

const preload = pathToFileURL(resolve(import.meta.dirname, '../support/reportMemory.mjs')).href;

function reportTo(file: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import=${preload}`, PEER_COURIER_TEST_MEMORY: file };
}

function assertModest(t: TestContext, who: string, file: string): void {
  const peak = Number(readFileSync(file, 'utf8'));
  const text = `peak memory of the ${who}: ${(peak / MIB).toFixed(1)} MiB`;
  t.diagnostic(text);
  assert.ok(peak > 10 * MIB && peak < MOST_MEMORY, text);
}

test("this project's own node_modules, byte for byte, with modes and times", async (t) => {
  const scene = new Scene(t);
  const source = resolve(import.meta.dirname, '../../node_modules');
  const [senderMemory, receiverMemory] = [scene.path('sender-memory'), scene.path('receiver-memory')];
  const receiver = await scene.receive({ words: ['--once'], env: reportTo(receiverMemory) });
  const sent = await scene.send([source], { env: reportTo(senderMemory) });
  assert.equal(sent.status, 0, sent.stdout.slice(-1000));
  assert.equal((await receiver.ended).status, 0);

  const original = takeSnapshot(source);
  const expected = asReceived(original, scene.umask);
  assert.deepEqual(takeSnapshot(join(scene.received, 'node_modules')), expected);
  const files = Object.values(expected).filter(({ kind }) => kind === 'file').length;
  assert.ok(files > 1000, `${files} files are not thousands`);

  const links = Object.entries(original).filter(([, { kind }]) => kind === 'link');
  assert.ok(links.length > 0, 'there are links in node_modules/.bin');
  assert.deepEqual(
    pathsOf(sent, 'left-out').toSorted(),
    links.map(([path]) => `node_modules/${path}: link`).toSorted(),
  );
  assert.equal(eventOf(sent, 'sent')['root'], eventOf(receiver, 'received')['root']);
  assertModest(t, 'sender', senderMemory);
  assertModest(t, 'receiver', receiverMemory);
});

test('case 92: a sparse file of 5 GiB, byte for byte, as sparse as it was, in bounded memory', async (t) => {
  const scene = new Scene(t);
  const size = 5 * GIB + 12_345;
  makeTree(scene.folder, {
    'disk.img': sparse(size, {
      0: 'at the start',
      [2 * GIB - 5]: 'across the end of 31 bits',
      [4 * GIB - 5]: 'across the end of 32 bits',
      [4 * GIB + 300 * MIB]: new Uint8Array(8 * MIB).fill(7),
      [size - 11]: 'at the end.',
    }),
  });
  const [senderMemory, receiverMemory] = [scene.path('sender-memory'), scene.path('receiver-memory')];
  const receiver = await scene.receive({ words: ['--once'], env: reportTo(receiverMemory) });
  const sent = await scene.send([scene.path('disk.img')], { env: reportTo(senderMemory) });
  assert.equal(sent.status, 0, sent.stdout.slice(-1000));
  assert.equal((await receiver.ended).status, 0);

  const arrived = join(scene.received, 'disk.img');
  const [before, after] = [statSync(scene.path('disk.img')), statSync(arrived)];
  assert.equal(after.size, size);
  assert.equal(Math.floor(after.mtimeMs), Math.floor(before.mtimeMs));
  assert.equal(firstDifference(scene.path('disk.img'), arrived), undefined);
  // Whole chunks of zeros stay holes: six chunks of 4 MiB hold data, and blocks are 512 bytes.
  assert.ok(after.blocks * 512 < 64 * MIB, `${after.blocks * 512} bytes on disk`);
  assert.equal(eventOf(sent, 'sent')['root'], eventOf(receiver, 'received')['root']);
  assertModest(t, 'sender', senderMemory);
  assertModest(t, 'receiver', receiverMemory);
});
