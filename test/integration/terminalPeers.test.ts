/** `peer-courier peers`, and what its decisions do to `send` and `receive`. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import type { CliEvent, Ended } from '../support/cli.ts';
import { midTransfer } from '../support/interrupted.ts';
import { file, makeTree } from '../support/trees.ts';

const STATUS = { notPaired: 16, declined: 17, stateUnusable: 36, blocked: 41, nameTaken: 42, noSuchPeer: 43 };

/** What `peers` says with these words, on one side. */
function decide(scene: Scene, role: 'sender' | 'receiver', ...words: readonly string[]): Promise<Ended> {
  return scene.startWith(role, ['peers', ...words]).ended;
}

async function listed(scene: Scene, role: 'sender' | 'receiver'): Promise<readonly CliEvent[]> {
  const { status, events, stderr } = await decide(scene, role);
  assert.equal(status, 0, stderr);
  return events.filter(({ event }) => event === 'peer');
}

/** Paired, with a receiver that runs, and files to send. */
async function paired(t: TestContext) {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello'), large: file(Buffer.alloc(5000)) });
  const receiver = await scene.receive();
  await scene.pair();
  const to = ['--to', receiver.address];
  const send = (name: string): Promise<Ended> => scene.send([scene.path(name)], { words: to });
  return { scene, receiver, send };
}

function assertFailed({ status, stderr, events }: Ended, expected: number, says: RegExp): void {
  assert.equal(status, expected, stderr);
  const failed = events.find(({ event }) => event === 'failed');
  assert.match(String(failed?.['message']), says);
  assert.equal(failed?.['status'], expected);
}

test('nobody is known; then somebody is listed, renamed, and forgotten', async (t) => {
  const scene = new Scene(t);
  const empty = await scene.startWith('sender', ['peers'], { isText: true }).ended;
  assert.match(empty.stdout, /^Nobody is known here\. An invite or "peer-courier pair"/u);
  const receiver = await scene.receive();
  await scene.pair();
  const [peer, ...more] = await listed(scene, 'sender');
  assert.deepEqual(more, []);
  assert.deepEqual([peer?.['name'], peer?.['fingerprint']], [hostname(), receiver.fingerprint]);
  assert.deepEqual(peer?.['policy'], { kind: 'default' });

  const renamed = await decide(scene, 'sender', 'rename', hostname(), 'the lab');
  assert.equal(renamed.status, 0, renamed.stderr);
  const text = await scene.startWith('sender', ['peers'], { isText: true }).ended;
  assert.match(text.stdout, /^the lab {2}(?:[\dA-F]{4}-){3}[\dA-F]{4} {2}127\.0\.0\.1:\d+\n$/u);
  makeTree(scene.folder, { note: file('hello') });
  const sent = await scene.send([scene.path('note')], { words: ['--to', 'the lab'] });
  assert.equal(sent.status, 0, sent.stdout);
  const short = receiver.fingerprint.slice(0, 8).toUpperCase();
  const byKey = await scene.send([scene.path('note')], {
    words: ['--to', `${short.slice(0, 4)}-${short.slice(4)}`],
  });
  assert.equal(byKey.status, 0, byKey.stdout);

  const forgotten = await decide(scene, 'sender', 'forget', receiver.fingerprint.slice(0, 8));
  assert.equal(forgotten.status, 0, forgotten.stderr);
  assert.deepEqual(await listed(scene, 'sender'), []);
  for (const to of ['the lab', receiver.address]) {
    const refused = await scene.send([scene.path('note')], { words: ['--to', to] });
    assertFailed(refused, STATUS.notPaired, /^That is not a known peer/u);
  }
});

test('each mistake has its status and its sentence', async (t) => {
  const { scene } = await paired(t);
  const nobody =
    /^No known peer is called nobody, and no fingerprint begins so\. "peer-courier peers --state .*" lists them\.$/u;
  for (const words of [
    ['rename', 'nobody', 'x'],
    ['forget', 'nobody'],
    ['block', 'nobody'],
    ['accept', 'nobody', '--up-to', '1GB', '--folder', scene.path('in')],
  ]) {
    assertFailed(await decide(scene, 'sender', ...words), STATUS.noSuchPeer, nobody);
  }
  assert.ok(!existsSync(scene.path('in')));
  // A second peer.
  const other = await scene.receive({
    words: ['--state', scene.path('other'), '--invite-file', scene.path('theirs')],
  });
  const sent = await scene.send([scene.path('note')], { words: ['--invite-file', scene.path('theirs')] });
  assert.equal(sent.status, 0);
  const taken = await decide(scene, 'sender', 'rename', other.fingerprint, hostname());
  assertFailed(taken, STATUS.nameTaken, /^Another peer here is called .*\. Choose another name\.$/u);
  const damaged = scene.path('sender', 'peers', other.fingerprint, 'peer.json');
  writeFileSync(damaged, '{');
  assertFailed(
    await decide(scene, 'sender'),
    STATUS.stateUnusable,
    /peer\.json is damaged\. Mend or remove that file/u,
  );
});

test('a blocked peer is turned away like a stranger, and nothing is sent to one', async (t) => {
  const { scene, send } = await paired(t);
  assert.equal((await decide(scene, 'receiver', 'block', hostname())).status, 0);
  assert.deepEqual((await listed(scene, 'receiver'))[0]?.['policy'], { kind: 'block' });
  assertFailed(await send('note'), STATUS.notPaired, /^The receiver does not know this device/u);
  assert.deepEqual(readdirSync(scene.received), []);
  assert.equal((await decide(scene, 'receiver', 'default', hostname())).status, 0);
  assert.equal((await send('note')).status, 0);

  assert.equal((await decide(scene, 'sender', 'block', hostname())).status, 0);
  const blocked =
    /^That peer is blocked here \(.*\)\. Let it in again first: "peer-courier peers default NAME"/u;
  assertFailed(await send('note'), STATUS.blocked, blocked);
  const byName = await scene.send([scene.path('note')], { words: ['--to', hostname()] });
  assertFailed(byName, STATUS.blocked, blocked);
  await scene.invite('again');
  const byInvite = await scene.send([scene.path('note')], { words: ['--invite-file', scene.path('again')] });
  assertFailed(byInvite, STATUS.blocked, blocked);
});

test('what one may send by itself goes into its own folder; what is more is declined where nobody can be asked', async (t) => {
  const { scene, receiver, send } = await paired(t);
  const own = scene.path('from them');
  const accepted = await decide(scene, 'receiver', 'accept', hostname(), '--up-to', '1kB', '--folder', own);
  assert.equal(accepted.status, 0, accepted.stderr);
  assert.deepEqual(eventOf(accepted, 'policy')['policy'], { kind: 'accept', upToBytes: 1000, folder: own });
  assert.equal((await send('note')).status, 0);
  assert.equal((await send('note')).status, 0);
  assert.deepEqual(
    readdirSync(own)
      .filter((name) => !name.startsWith('.'))
      .toSorted(),
    ['note', 'note (2)'],
  );
  assert.deepEqual(readdirSync(scene.received), []);
  assertFailed(await send('large'), STATUS.declined, /^The receiver declined the offer/u);
  assert.equal((await receiver.event('unanswered'))['peer'], hostname());

  assert.equal((await decide(scene, 'receiver', 'ask', hostname())).status, 0);
  assertFailed(await send('note'), STATUS.declined, /^The receiver declined the offer/u);
  assert.equal((await decide(scene, 'receiver', 'default', hostname())).status, 0);
  assert.equal((await send('large')).status, 0);
  assert.deepEqual(readdirSync(scene.received), ['large']);
});

test('a receiver whose user forgets the sender in another terminal cuts it off in the middle', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t);
  const forgotten = await decide(scene, 'receiver', 'forget', hostname());
  assert.equal(forgotten.status, 0, forgotten.stderr);
  assert.equal((eventOf(forgotten, 'forgotten')['running'] as readonly string[]).length, 1);
  await receiver.event('interrupted');
  path.letGo();
  assertFailed(await sender.ended, STATUS.notPaired, /^The receiver does not know this device/u);
  // What it leaves is removed as it was said.
  const [left] = await scene.left('receiver');
  const discarded = await scene.startWith('receiver', ['discard', String(left?.['id']).slice(0, 8)]).ended;
  assert.equal(discarded.status, 0, discarded.stderr);
  assert.deepEqual(readdirSync(scene.received), []);
});

test('a sender whose user forgets the receiver: what was left to send is given up', async (t) => {
  const { scene, receiver, sender } = await midTransfer(t);
  await sender.stop('SIGKILL');
  await receiver.event('interrupted');
  const forgotten = await decide(scene, 'sender', 'forget', hostname());
  assert.equal(eventOf(forgotten, 'forgotten')['discarded'], 1);
  assert.deepEqual(await scene.left('sender'), []);
  const theirs = await decide(scene, 'receiver', 'forget', hostname());
  assert.equal(eventOf(theirs, 'forgotten')['discarded'], 1);
  assert.deepEqual([await scene.left('receiver'), readdirSync(scene.received)], [[], []]);
});
