import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventOf, pathsOf, Scene } from '../support/cli.ts';
import type { Program } from '../support/cli.ts';
import { compressible, sendHeldBack } from '../support/inProcess.ts';
import { fifo, file, folder, link, makeTree, setTime, sparse } from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';
import { onTerminal, unprivileged } from '../support/wrappings.ts';

/**
 * The source changes between being listed and being read. The receiver asks whether the offer is welcome,
 * and it asks when everything is listed and nothing read: that is when these tests change things.
 */

const STATUS = { declined: 17, changed: 19, unreadable: 22, vanished: 23, severalReasons: 3 };
const GIB = 1024 ** 3;
const MTIME_MS = Date.parse('2001-02-03T04:05:06.789Z');

interface Asking {
  readonly scene: Scene;
  readonly receiver: Program;
  readonly sender: Program;
}

/** A receiver with a person before it, who has been asked and has not answered. */
async function ask(scene: Scene, paths: readonly string[]): Promise<Asking> {
  const receiver = await scene.receive({ words: ['--accept', 'ask'], within: onTerminal });
  const sender = scene.startSend(paths, { within: unprivileged });
  await receiver.event('asking');
  await receiver.shows(/Accept\? \[y\/N\] /u);
  return { scene, receiver, sender };
}

/** Ways to change a file that must not arrive then, and what its failure is called. */
const changes: Readonly<Record<string, readonly [change: (path: string) => void, reason: string]>> = {
  appended: [(path) => appendFileSync(path, 'more'), 'source-changed'],
  'chmod-000': [(path) => chmodSync(path, 0o000), 'source-unreadable'],
  deleted: [(path) => rmSync(path), 'source-vanished'],
  'deleted-and-made-anew': [remake, 'source-changed'],
  emptied: [(path) => truncateSync(path), 'source-changed'],
  'now-a-folder': [(path) => become(path, { [nameOf(path)]: folder() }), 'source-changed'],
  'now-a-link': [(path) => become(path, { [nameOf(path)]: link('untouched') }), 'source-changed'],
  'now-a-pipe': [(path) => become(path, { [nameOf(path)]: fifo }), 'source-changed'],
  'overwritten-in-place': [overwrite, 'source-changed'],
  'overwritten-with-its-old-time': [overwriteSecretly, 'source-changed'],
  'replaced-by-rename': [replace, 'source-changed'],
  shortened: [(path) => truncateSync(path, 3), 'source-changed'],
};

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function become(path: string, tree: Tree): void {
  rmSync(path);
  makeTree(join(path, '..'), tree);
}

function overwrite(path: string): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, '#');
  closeSync(descriptor);
}

/** To the nanosecond: only the time of the last change of any kind tells. */
function overwriteSecretly(path: string): void {
  overwrite(path);
  setTime(path, MTIME_MS);
}

function remake(path: string): void {
  const content = readFileSync(path);
  rmSync(path);
  writeFileSync(path, content);
}

/** As editors save: a new file takes the name. */
function replace(path: string): void {
  const temporary = join(path, '../../temporary');
  writeFileSync(temporary, readFileSync(path));
  renameSync(temporary, path);
}

test('case 80, 85: files, small and big, that change in every way: each fails by itself, the rest arrives', async (t) => {
  const scene = new Scene(t);
  const contents = { small: 'content of a small file', big: compressible(700_000) };
  const tree: Record<string, ReturnType<typeof file>> = {};
  for (const [size, content] of Object.entries(contents)) {
    for (const name of [...Object.keys(changes), 'untouched']) {
      tree[`tree/${size}/${name}`] = file(content, { mtimeMs: MTIME_MS });
    }
  }
  makeTree(scene.folder, tree);
  const { receiver, sender } = await ask(scene, [scene.path('tree')]);
  const expected: string[] = [];
  for (const size of Object.keys(contents)) {
    for (const [name, [change, reason]] of Object.entries(changes)) {
      change(scene.path('tree', size, name));
      expected.push(`tree/${size}/${name}: ${reason}`);
    }
  }
  receiver.type('y\n');
  const ended = await sender.ended;
  assert.equal(ended.status, STATUS.severalReasons, ended.stdout);
  assert.deepEqual(pathsOf(ended, 'entry-failed').toSorted(), expected.toSorted());
  const arrived = Object.keys(scene.look());
  assert.deepEqual(arrived, ['tree', 'tree/big', 'tree/big/untouched', 'tree/small', 'tree/small/untouched']);
  for (const [size, content] of Object.entries(contents)) {
    assert.equal(readFileSync(join(scene.received, 'tree', size, 'untouched'), 'utf8'), content);
  }
  assert.equal((await receiver.event('received'))['root'], eventOf(ended, 'sent')['root']);
  scene.assertSenderClean();
});

/** One thing happens to one of two files. */
function failsAlone(name: string, status: number, change: (path: string) => void): void {
  test(`${name}: a status of its own`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, { 'tree/a': file('a'), 'tree/b': file('b') });
    const { receiver, sender } = await ask(scene, [scene.path('tree')]);
    change(scene.path('tree/b'));
    receiver.type('yes\n');
    assert.equal((await sender.ended).status, status);
    assert.deepEqual(Object.keys(scene.look()), ['tree', 'tree/a']);
  });
}

failsAlone('a file that changed', STATUS.changed, (path) => writeFileSync(path, 'other'));
failsAlone('a file that is gone', STATUS.vanished, (path) => rmSync(path));
failsAlone('a file that became unreadable', STATUS.unreadable, (path) => chmodSync(path, 0o000));

test('a folder becomes a link that leads elsewhere: nothing is read there', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, {
    'tree/sub/small': file('mine'),
    'tree/sub/big': file(compressible(700_000)),
    'elsewhere/small': file('SECR'),
    'elsewhere/big': file(compressible(700_000).toUpperCase()),
  });
  const { receiver, sender } = await ask(scene, [scene.path('tree')]);
  renameSync(scene.path('tree/sub'), scene.path('moved'));
  makeTree(scene.folder, { 'tree/sub': link('../elsewhere') });
  receiver.type('y\n');
  const ended = await sender.ended;
  if (process.platform === 'linux') {
    // The folder that was listed is held, whatever its name leads to by now.
    assert.equal(ended.status, 0, ended.stdout);
    assert.equal(readFileSync(join(scene.received, 'tree/sub/small'), 'utf8'), 'mine');
    assert.equal(readFileSync(join(scene.received, 'tree/sub/big'), 'utf8'), compressible(700_000));
    return;
  }
  assert.equal(ended.status, STATUS.changed, ended.stdout);
  assert.deepEqual(pathsOf(ended, 'entry-failed').toSorted(), [
    'tree/sub/big: source-changed',
    'tree/sub/small: source-changed',
  ]);
  assert.deepEqual(Object.keys(scene.look()), ['tree', 'tree/sub']);
});

for (const answer of ['n\n', '\n', 'maybe\n', '\u0004']) {
  test(`an offer is declined with ${JSON.stringify(answer)}, and the receiver goes on`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, { note: file('hello') });
    const { receiver, sender } = await ask(scene, [scene.path('note')]);
    receiver.type(answer);
    const ended = await sender.ended;
    assert.equal(ended.status, STATUS.declined, ended.stdout);
    const message = String(eventOf(ended, 'failed')['message']);
    assert.equal(message, 'The receiver declined the offer. Nothing was sent.');
    assert.equal((await receiver.event('failed'))['code'], 'declined');
    scene.assertClean({});

    const again = scene.startSend([scene.path('note')]);
    await receiver.nth('asking', 1);
    receiver.type('Y\n');
    assert.equal((await again.ended).status, 0);
    assert.deepEqual(Object.keys(scene.look()), ['note']);
  });
}

test('the sender gives up while the receiver is being asked', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const { receiver, sender } = await ask(scene, [scene.path('note')]);
  assert.equal((await sender.stop()).status, 130);
  assert.equal((await receiver.event('failed'))['message'], 'The sender cancelled the transfer.');
  scene.assertClean({});
});

test('case 80: a big file changes after its first chunks: never two versions in one', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, {
    'tree/big': file(compressible(4_000_000), { mtimeMs: MTIME_MS }),
    'tree/z': file('arrives'),
  });
  const receiver = await scene.receive();
  const sending = await sendHeldBack(scene, [scene.path('tree')]);
  overwriteSecretly(scene.path('tree/big'));
  const { failures, receipt } = await sending.finish();
  await receiver.event('received');
  assert.deepEqual([...failures], [['source-changed', 1]]);
  assert.equal(receipt?.counts.failed, 1);
  assert.deepEqual(Object.keys(scene.look()), ['tree', 'tree/z']);
});

test('case 80: a file of 6 GiB changes while it is being sent', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'disk.img': sparse(6 * GIB), note: file('arrives') });
  const receiver = await scene.receive();
  const sender = scene.startSend([scene.path('disk.img'), scene.path('note')]);
  await sender.event('progress', ({ bytesDone }) => Number(bytesDone) > 0);
  overwrite(scene.path('disk.img'));
  const ended = await sender.ended;
  assert.equal(ended.status, STATUS.changed, ended.stdout);
  assert.deepEqual(pathsOf(ended, 'entry-failed'), ['disk.img: source-changed']);
  assert.equal((await receiver.event('received'))['failed'], 1);
  assert.deepEqual(Object.keys(scene.look()), ['note']);
});
