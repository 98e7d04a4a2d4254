import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventOf, Scene } from '../support/cli.ts';
import { leftOf, midTransfer, PATIENT } from '../support/interrupted.ts';
import { file, makeTree } from '../support/trees.ts';
import { onTerminal } from '../support/wrappings.ts';

/** What an interruption leaves behind on the disk: listed, one process at a time, removed by choice. */

const STATUS = { usage: 2, sourceMissing: 21, busy: 34, noSuch: 37 };

test('discard removes what is held of an incoming one, and the consent to it', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  await receiver.stop();
  const { id, heldBytes } = await leftOf(scene, 'receiver');
  const discarded = await scene.startWith('receiver', ['discard', String(id).slice(0, 6)]).ended;
  assert.equal(discarded.status, 0, discarded.stdout);
  const { freedBytes, direction } = eventOf(discarded, 'discarded');
  assert.deepEqual([direction, freedBytes], ['incoming', heldBytes]);
  assert.deepEqual(readdirSync(scene.received), []);
  assert.deepEqual(readdirSync(join(scene.receiverState, 'accepted')), []);
  assert.deepEqual(await scene.left('receiver'), []);
  // The sender may offer it again; it begins anew.
  path.letGo();
  const again = await scene.receive();
  path.leadTo(again.port);
  const resumed = await scene.startWith('sender', ['resume', String(id)]).ended;
  assert.equal(resumed.status, 0, resumed.stdout.slice(-500));
  assert.deepEqual(
    again.events.filter(({ event }) => event === 'resumed'),
    [],
  );
  scene.assertArrived();
});

test('discard while a receiver with the same state waits: it asks anew when the sender comes back', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  const { id } = await leftOf(scene, 'receiver');
  assert.equal((await scene.startWith('receiver', ['discard', String(id)]).ended).status, 0);
  path.letGo();
  assert.equal((await scene.startWith('sender', ['resume', String(id)]).ended).status, 0);
  assert.deepEqual(
    receiver.events.filter(({ event }) => event === 'resumed'),
    [],
  );
  scene.assertArrived();
});

test('discard of an outgoing one drops it, and says what the other side keeps', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  const { id } = await leftOf(scene, 'sender');
  const { status, stdout } = await scene.startWith('sender', ['discard', String(id)], { isText: true }).ended;
  assert.equal(status, 0);
  assert.match(stdout, /^Discarded [0-9a-f]{8}, tree\.\n.+ keeps what it has received/u);
  assert.deepEqual(await scene.left('sender'), []);
  assert.deepEqual(readdirSync(join(scene.senderState, 'jobs')), []);
  assert.ok(existsSync(scene.path('tree', 'log')));
  assert.equal((await scene.startWith('sender', ['resume', String(id)]).ended).status, STATUS.noSuch);
});

test('discard when the receive folder is away: gone from the list, and said where the rest is', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  await receiver.stop();
  const { id } = await leftOf(scene, 'receiver');
  renameSync(scene.received, scene.path('away'));
  const { status, stderr } = await scene.startWith('receiver', ['discard', String(id)], { isText: true })
    .ended;
  assert.equal(status, 0);
  assert.match(
    stderr,
    new RegExp(`^The receive folder is not there now\\. .*\\.peer-courier/${String(id)} in `, 'u'),
  );
  assert.equal(existsSync(scene.received), false, 'it is not made anew');
  assert.deepEqual(await scene.left('receiver'), []);
});

test('case 76: one process at a time: a transfer that runs is neither resumed nor discarded, on either side', async (t) => {
  const { scene } = await midTransfer(t);
  const { id, isRunning } = await leftOf(scene, 'sender');
  const received = await leftOf(scene, 'receiver');
  assert.deepEqual([isRunning, received['isRunning']], [true, true]);
  for (const [role, command] of [
    ['sender', 'resume'],
    ['sender', 'discard'],
    ['receiver', 'discard'],
  ] as const) {
    const ended = await scene.startWith(role, [command, String(id)]).ended;
    assert.equal(ended.status, STATUS.busy, `${command} of the ${role}: ${ended.stdout}`);
    assert.match(
      String(eventOf(ended, 'failed')['message']),
      /^This transfer runs already, in another process/u,
    );
  }
});

test('resume of an incoming one says that its sender goes on by itself, and how', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  const { id } = await leftOf(scene, 'receiver');
  const { status, events, stderr } = await scene.startWith('receiver', ['resume', String(id)]).ended;
  assert.equal(status, STATUS.noSuch);
  const message = String(eventOf({ events, stderr }, 'failed')['message']);
  const command = `peer-courier receive --folder ${scene.received} --state ${scene.receiverState}`;
  assert.ok(message.endsWith(`goes on by itself as soon as it reaches a receiver here: ${command}`), message);
});

test('what is left is listed for people, too', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
  path.cut('rst');
  await Promise.all([sender.ended, receiver.event('interrupted')]);
  const outgoing = await scene.startWith('sender', ['transfers'], { isText: true }).ended;
  assert.match(
    outgoing.stdout,
    /^[0-9a-f]{8} {2}tree to .+\n {10}\d+ %, .+ of 32\.5 MB; started \d{4}-\d\d-\d\d \d\d:\d\d, \d+ s ago\n {10}interrupted: the connection was lost\nGo on/u,
  );
  const incoming = await scene.startWith('receiver', ['transfers'], { isText: true }).ended;
  assert.match(incoming.stdout, /\n {10}holds [\d.]+ MB in \/.*received\nGo on/u);
});

test('an id that several have is not enough; one more character is', async (t) => {
  const scene = new Scene(t);
  const jobs = scene.makeFolder('sender', 'jobs');
  const record = {
    paths: [scene.path('gone')],
    peer: '1'.repeat(64),
    label: 'gone',
    useGitignore: false,
    leaveOutSecrets: false,
    startedAtMs: 1_000_000,
    isPaused: false,
    wasAccepted: true,
  };
  for (const id of [`abcd0${'0'.repeat(27)}`, `abcd1${'0'.repeat(27)}`]) {
    writeFileSync(join(jobs, `${id}.json`), JSON.stringify({ ...record, id }));
  }
  for (const command of ['resume', 'discard']) {
    const ended = await scene.startWith('sender', [command, 'abcd']).ended;
    assert.equal(ended.status, STATUS.noSuch);
    assert.match(
      String(eventOf(ended, 'failed')['message']),
      /^2 transfers begin with abcd \(abcd0000, abcd1000\)\. Give more of the ID/u,
    );
  }
  const missing = await scene.startWith('sender', ['resume', 'abcd1']).ended;
  assert.equal(missing.status, STATUS.sourceMissing);
  assert.equal((await scene.left('sender')).length, 2, 'its source may come back');
  assert.equal((await scene.startWith('sender', ['discard', 'abcd0']).ended).status, 0);
  assert.deepEqual(
    (await scene.left('sender')).map(({ id }) => String(id).slice(0, 5)),
    ['abcd1'],
  );
});

test('an id that nothing has, a part of one that is too short, and none', async (t) => {
  const scene = new Scene(t);
  const unknown = await scene.startWith('sender', ['resume', 'abcd']).ended;
  assert.equal(unknown.status, STATUS.noSuch);
  assert.match(String(eventOf(unknown, 'failed')['message']), /^No transfer here begins with abcd\./u);
  for (const words of [['resume'], ['discard', 'abc'], ['discard', 'nothex'], ['resume', 'abcd', 'abce']]) {
    const { status, stderr } = await scene.startWith('sender', words).ended;
    assert.equal(status, STATUS.usage, words.join(' '));
    assert.match(stderr, /ID/u);
  }
  const none = await scene.startWith('sender', ['transfers'], { isText: true }).ended;
  assert.deepEqual([none.status, none.stdout], [0, 'Nothing was interrupted here.\n']);
});

for (const duration of ['10', '-1s', '1.5h', 'forever', '', '9999999m', '5 m']) {
  test(`--retry-for "${duration}" is not a duration`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, { note: file('hello') });
    const words = [`--retry-for=${duration}`, '--to', 'somebody'];
    const { status, stderr } = await scene.run(['send', scene.path('note'), ...words]).ended;
    assert.equal(status, STATUS.usage);
    assert.match(stderr, /^--retry-for takes a duration such as 90s, 10m or 2h, or 0 for never, not "/u);
  });
}

test('who is asked is asked once, also over a restart of the receiver', async (t) => {
  const { scene, path, receiver, sender } = await midTransfer(t, {
    words: PATIENT,
    receive: { words: ['--accept', 'ask'], within: onTerminal },
    answer: 'y\n',
  });
  await receiver.stop('SIGKILL');
  await sender.event('interrupted');
  path.letGo();
  const again = await scene.receive({ words: ['--accept', 'ask'], within: onTerminal });
  path.leadTo(again.port);
  assert.equal((await sender.ended).status, 0);
  await again.event('received');
  assert.deepEqual(
    again.events.filter(({ event }) => event === 'asking'),
    [],
  );
  scene.assertArrived();
});
