import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import type { Ended, RunningReceiver } from '../support/cli.ts';
import { sendHeldBack } from '../support/inProcess.ts';
import { file, folder, makeTree, sparse, takeSnapshot } from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';
import { insideOf, smallDisk, unprivileged } from '../support/wrappings.ts';

/** Disks that are full, folders that cannot be written, ports and files that are somebody else's. */

const STATUS = { diskFull: 18, unwritable: 24, portInUse: 27, address: 28, state: 36 };
const MIB = 1024 * 1024;

// A disk that is full needs a disk of its own: root may mount one, others where user namespaces are allowed.
const probe = smallDisk('/tmp', 'size=1m')(['true']);
const canMount = spawnSync(probe[0] ?? '', probe.slice(1)).status === 0;
const needsMount = {
  skip: canMount ? false : 'NOT RUN: neither root nor user namespaces to mount a tmpfs in',
};

function many(count: number, content: string): Tree {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`tree/file-${at}`, file(content)]));
}

/** The receive folder is a small disk; what it holds, as the receiver sees it. */
async function receiveOnSmallDisk(
  scene: Scene,
  options: string,
): Promise<RunningReceiver & { disk: string }> {
  const receiver = await scene.receive({ within: smallDisk(scene.received, options) });
  const disk = insideOf(receiver.pid, scene.received);
  writeFileSync(join(disk, 'mine'), 'was here before');
  return Object.assign(receiver, { disk });
}

function assertFull(ended: Ended): void {
  assert.equal(ended.status, STATUS.diskFull, ended.stdout);
  const message = String(eventOf(ended, 'failed')['message']);
  assert.match(
    message,
    /^The disk of the receiver is full\. Make room there and (?:send again|resume it)\.$/u,
  );
}

/** The receiver says why, keeps what has arrived, and touches nothing else. */
async function assertKept(
  scene: Scene,
  receiver: { readonly disk: string } & RunningReceiver,
): Promise<void> {
  const { disk } = receiver;
  const { code, message } = await receiver.event('interrupted');
  assert.deepEqual([code, message], ['disk-full', 'the disk of the receiver is full']);
  assert.deepEqual(readdirSync(disk).toSorted(), ['.peer-courier', 'mine']);
  assert.equal(readFileSync(join(disk, 'mine'), 'utf8'), 'was here before');
  scene.assertSenderClean();
}

/** Nothing half-received, the receiver says why, and what fits still arrives. */
async function assertRecovers(
  scene: Scene,
  { disk, ...receiver }: { disk: string } & Pick<RunningReceiver, 'events'>,
) {
  assert.deepEqual(readdirSync(disk), ['mine']);
  assert.equal(readFileSync(join(disk, 'mine'), 'utf8'), 'was here before');
  const failed = eventOf({ events: receiver.events, stderr: '' }, 'failed');
  assert.equal(failed['status'], STATUS.diskFull);
  assert.match(String(failed['message']), /^The disk of the receive folder is full\./u);
  scene.assertSenderClean();
  makeTree(scene.folder, { small: file('fits') });
  assert.equal((await scene.send([scene.path('small')])).status, 0);
  assert.equal(readFileSync(join(disk, 'small'), 'utf8'), 'fits');
}

/** More than fits: seen before anything is accepted, or only while it is written. */
function overflows(when: 'before' | 'during', name: string, options: string, tree: Tree): void {
  test(name, needsMount, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, tree);
    const receiver = await receiveOnSmallDisk(scene, options);
    assertFull(await scene.send([scene.path('tree')]));
    if (when === 'before') await assertRecovers(scene, receiver);
    else await assertKept(scene, receiver);
  });
}

// Zeros take no room on arrival: what refuses these is the look at the disk before data flows.
overflows('before', 'a file of more bytes than are free', 'size=1m', { tree: sparse(2 * MIB) });
overflows('before', 'files of more bytes than are free together', 'size=1m', {
  'tree/a': sparse(MIB * 0.75),
  'tree/b': sparse(MIB * 0.75),
});
// Each file takes a whole page of 4 KiB: by their bytes they would fit.
overflows('during', 'small files that take more blocks than bytes', 'size=2m', many(1500, 'x'));
overflows('during', 'more files than the disk has places for', 'size=64m,nr_inodes=60', many(200, 'content'));

test('the disk fills while a big file is being received', needsMount, async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { tree: file(Buffer.alloc(6 * MIB, 'compressible ')) });
  const receiver = await receiveOnSmallDisk(scene, 'size=8m');
  const sending = await sendHeldBack(scene, [scene.path('tree')]);
  // Accepted, and now somebody else takes the room.
  const { bavail, bsize } = statfsSync(receiver.disk);
  writeFileSync(join(receiver.disk, 'filler'), Buffer.alloc(bavail * bsize - MIB));
  const { end, receipt } = await sending.finish();
  assert.equal(receipt, undefined);
  assert.deepEqual([end.origin, end.close.code], ['remote', 'disk-full']);
  rmSync(join(receiver.disk, 'filler'));
  await assertKept(scene, receiver);
  makeTree(scene.folder, { small: file('fits') });
  assert.equal((await scene.send([scene.path('small')])).status, 0);
});

test("the disk of the sender's state is full", needsMount, async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, many(2000, ''));
  await scene.receive();
  const state = scene.makeFolder('small-state');
  const within = smallDisk(state, 'size=40k');
  const ended = await scene.send([scene.path('tree')], { words: ['--state', state], within });
  assert.equal(ended.status, STATUS.diskFull, ended.stdout);
  assert.match(
    String(eventOf(ended, 'failed')['message']),
    /^The disk of the state folder is full\. Make room/u,
  );
  scene.assertClean({});
});

test('the state folder of a sender cannot be written, with and without keys in it', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello'), empty: folder() });
  await scene.receive();
  await scene.pair();
  for (const state of ['empty', 'sender']) {
    rmSync(join(scene.path(state), 'outgoing'), { recursive: true, force: true });
    chmodSync(scene.path(state), 0o555);
    const words = ['--state', scene.path(state)];
    const ended = await scene.send([scene.path('note')], { words, within: unprivileged });
    assert.equal(ended.status, STATUS.state, ended.stdout);
    assert.match(
      String(eventOf(ended, 'failed')['message']),
      /^The state cannot be used: \S+ cannot be written\./u,
    );
    scene.assertClean({});
  }
});

/** `receive` that cannot even begin: status, sentence, nothing touched. */
function cannotReceive(
  name: string,
  {
    status,
    says,
    prepare,
  }: {
    readonly status: number;
    readonly says: RegExp;
    /** More words, from a scene and what else it needs. */
    readonly prepare: (scene: Scene, t: TestContext) => Promise<readonly string[]> | readonly string[];
  },
): void {
  test(name, async (t) => {
    const scene = new Scene(t);
    const words = await prepare(scene, t);
    const before = takeSnapshot(scene.folder);
    const ended = await scene.startReceive({ words, within: unprivileged }).ended;
    assert.equal(ended.status, status, ended.stdout + ended.stderr);
    assert.match(String(eventOf(ended, 'failed')['message']), says);
    assert.equal(ended.stderr, '');
    const after = takeSnapshot(scene.folder);
    for (const [path, entry] of Object.entries(before)) {
      if (entry.kind === 'file') assert.deepEqual(after[path], entry, path);
    }
    assert.equal(existsSync(scene.inviteFile), 'invite' in before);
    assert.deepEqual(scene.look(), {});
  });
}

function make(tree: Tree, words: (scene: Scene) => readonly string[], locked?: string) {
  return (scene: Scene): readonly string[] => {
    makeTree(scene.folder, tree);
    if (locked !== undefined) chmodSync(scene.path(locked), 0o555);
    return words(scene);
  };
}

const unwritable = /^The receive folder cannot be written to \(.*\)\. Choose another with --folder/u;

cannotReceive('the receive folder is a file', {
  status: STATUS.unwritable,
  says: /^The receive folder cannot be written to \(\S+\/occupied is not a folder\)\. Choose another with --folder/u,
  prepare: make({ occupied: file('mine') }, (scene) => ['--folder', scene.path('occupied')]),
});
cannotReceive('the receive folder would lie in a file', {
  status: STATUS.unwritable,
  says: unwritable,
  prepare: make({ occupied: file('mine') }, (scene) => ['--folder', scene.path('occupied/below')]),
});
cannotReceive('the receive folder is read-only', {
  status: STATUS.unwritable,
  says: unwritable,
  prepare: make({ locked: folder() }, (scene) => ['--folder', scene.path('locked')], 'locked'),
});
cannotReceive('the receive folder cannot be made', {
  status: STATUS.unwritable,
  says: unwritable,
  prepare: make({ locked: folder() }, (scene) => ['--folder', scene.path('locked/new')], 'locked'),
});
cannotReceive('the state folder is a file', {
  status: STATUS.state,
  says: /^The state cannot be used: .*occupied.*--state/u,
  prepare: make({ occupied: file('mine') }, (scene) => ['--state', scene.path('occupied')]),
});
cannotReceive('the state folder cannot be written', {
  status: STATUS.state,
  says: /^The state cannot be used: .*locked.*--state/u,
  prepare: make({ locked: folder() }, (scene) => ['--state', scene.path('locked')], 'locked'),
});
cannotReceive('the identity is damaged', {
  status: STATUS.state,
  says: /^The state cannot be used: \S+\/identity\.pem is damaged\. Mend or remove that file/u,
  prepare: make({ 'state/identity.pem': file('no key') }, (scene) => ['--state', scene.path('state')]),
});
cannotReceive("the invite file is somebody else's", {
  status: STATUS.state,
  says: /invite is there already and is not an invite/u,
  prepare: make({ invite: file('a letter of mine') }, () => []),
});
cannotReceive("the invite file is somebody else's, and the port is known", {
  status: STATUS.state,
  says: /invite is there already and is not an invite/u,
  prepare: make({ invite: file('a letter of mine') }, () => ['--port', '47999']),
});
cannotReceive('the invite file is a folder', {
  status: STATUS.state,
  says: /letters is there already and is not an invite/u,
  prepare: make({ letters: folder() }, (scene) => ['--invite-file', scene.path('letters')]),
});
cannotReceive('the invite file cannot be written', {
  status: STATUS.state,
  says: /locked\/invite cannot be written/u,
  prepare: make({ locked: folder() }, (scene) => ['--invite-file', scene.path('locked/invite')], 'locked'),
});
cannotReceive('a port in use', {
  status: STATUS.portInUse,
  says: /^Port \d+ is in use already\. Stop the other program, or choose another port with --port\.$/u,
  prepare: async (_scene, t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return ['--port', String((server.address() as AddressInfo).port)];
  },
});
cannotReceive('an address that is not of this machine', {
  status: STATUS.address,
  // RFC 5737: for documentation, nobody's.
  says: /^It is not possible to listen there \(203\.0\.113\.7\)\. Give --host an address of this machine\.$/u,
  prepare: () => ['--host', '203.0.113.7'],
});
cannotReceive('a host that is no address', {
  status: STATUS.address,
  says: /^It is not possible to listen there \(no such host\)/u,
  prepare: () => ['--host', 'no such host'],
});

test('an invite file that somebody has written over in the meantime stays', async (t) => {
  const scene = new Scene(t);
  const receiver = await scene.receive();
  writeFileSync(scene.inviteFile, 'a letter of mine');
  assert.equal((await receiver.stop()).status, 130);
  assert.equal(readFileSync(scene.inviteFile, 'utf8'), 'a letter of mine');
});

test('the receive folder becomes read-only while the receiver runs', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello'), 'received/mine': file('mine') });
  const receiver = await scene.receive({ within: unprivileged });
  const before = scene.look();
  chmodSync(scene.received, 0o555);
  const ended = await scene.send([scene.path('note')]);
  assert.equal(ended.status, STATUS.unwritable, ended.stdout);
  assert.match(
    String(eventOf(ended, 'failed')['message']),
    /^The receiver cannot write to its receive folder/u,
  );
  assert.equal((await receiver.event('failed'))['status'], STATUS.unwritable);
  scene.assertClean(before);
  chmodSync(scene.received, 0o755);
  assert.equal((await scene.send([scene.path('note')])).status, 0);
});

test('peer-courier invite where no receiver runs', async (t) => {
  const scene = new Scene(t);
  const ended = await scene.run(['invite', '--state', scene.receiverState]).ended;
  assert.equal(ended.status, 10);
  assert.equal(
    ended.stderr,
    'No receiver runs here. Start "peer-courier receive" first, with the same --state.\n',
  );
});

test('peer-courier invite does not write over another file', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { letter: file('mine') });
  await scene.receive();
  const words = ['invite', '--state', scene.receiverState, '--invite-file', scene.path('letter')];
  const ended = await scene.run(words).ended;
  assert.equal(ended.status, STATUS.state);
  assert.match(ended.stderr, /letter is there already and is not an invite/u);
  assert.equal(readFileSync(scene.path('letter'), 'utf8'), 'mine');
});
