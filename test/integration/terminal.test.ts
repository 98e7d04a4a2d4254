import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeHashing } from '../../src/node/hashing.ts';
import { encodeInvite, parseInvite } from '../../src/peers/invite.ts';
import { eventOf, Scene } from '../support/cli.ts';
import { leftOf } from '../support/interrupted.ts';
import type { Program } from '../support/cli.ts';
import { file, folder, link, makeTree, sparse } from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';
import { onTerminal } from '../support/wrappings.ts';

/** What a person sees on a terminal and in a pipe, and what Ctrl-C and worse leave behind. */

const STATUS = { lost: 29, interrupted: 130, terminated: 143 };
const CTRL_C = '\u0003';
/** Far from done when its first progress is told. */
const BIG = sparse(6 * 1024 ** 3);

const BAR = /\[#*\.+\] +\d+ % {2}[\d.]+ [kMG]?B of 6\.44 GB {2}[\d.]+ [kM]?B\/s {2}(?:\d+ min )?\d+ s left/u;

function isMoving({ bytesDone, bytesTotal, bytesPerSecond }: Readonly<Record<string, unknown>>): boolean {
  return Number(bytesPerSecond) > 0 && Number(bytesDone) < Number(bytesTotal);
}

/** Everything after the last time that the line was erased: what still stands on the screen. */
function lastLines(text: string): string {
  return text.slice(text.lastIndexOf('\u001b[K') + 3);
}

test('a sender on a terminal draws a bar with share, rate and remaining time; Ctrl-C ends it', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'disk.img': BIG });
  const receiver = await scene.receive();
  const sender = scene.startSend([scene.path('disk.img')], { within: onTerminal, isText: true });
  await sender.shows(BAR);
  sender.type(CTRL_C);
  const { status, stdout } = await sender.ended;
  assert.equal(status, STATUS.interrupted);
  const { id } = await leftOf(scene, 'sender');
  for (const line of stdout.split('\r')) {
    const shown = line.replace('\u001b[K', '').trim();
    assert.ok(shown.length < 100 || !shown.startsWith('['), `wider than the terminal: ${shown}`);
  }
  const short = String(id).slice(0, 8);
  assert.deepEqual(lastLines(stdout).trim().replaceAll(/\d+ %/gu, '… %').split(/\r?\n/u), [
    'Stopped at … %. What has arrived is kept.',
    `Go on:   peer-courier resume ${short} --state ${scene.senderState}`,
    `Give up: peer-courier discard ${short} --state ${scene.senderState}`,
  ]);
  assert.equal((await receiver.event('interrupted'))['message'], 'the connection was lost');
  scene.assertSenderClean();
});

test('a terminal that does not tell its width is taken for one of 80 columns', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'disk.img': BIG });
  await scene.receive();
  const within = (command: readonly string[]) =>
    onTerminal(command).map((word) => word.replace('columns 100', 'columns 0'));
  const sender = scene.startSend([scene.path('disk.img')], { within, isText: true });
  await sender.shows(BAR);
  sender.type(CTRL_C);
  assert.equal((await sender.ended).status, STATUS.interrupted);
});

test('a receiver on a terminal draws it too; Ctrl-C ends it and tells the sender', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'disk.img': BIG });
  const receiver = scene.startReceive({ within: onTerminal, isText: true });
  await receiver.shows(/Listening on 127\.0\.0\.1:\d+ as .+ \([0-9A-F-]{19}\)\. Ctrl-C stops\./u);
  const sender = scene.startSend([scene.path('disk.img')]);
  await receiver.shows(BAR);
  receiver.type(CTRL_C);
  const { status, stdout } = await receiver.ended;
  assert.equal(status, STATUS.interrupted);
  assert.match(
    lastLines(stdout),
    /^Interrupted at \d+ %: disk\.img from .+\. What has arrived is kept\.\s+Go on: .+\s+Give up: .+\s*$/u,
  );
  const ended = await sender.ended;
  assert.equal(eventOf(ended, 'failed')['message'], 'The connection was lost. Resume it.');
  assert.equal(ended.status, STATUS.lost);
  assert.equal(existsSync(scene.inviteFile), false);
  scene.assertSenderClean();
  assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
});

test('Ctrl-C while the receiver is being asked ends it', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const receiver = await scene.receive({ words: ['--accept', 'ask'], within: onTerminal });
  const sender = scene.startSend([scene.path('note')]);
  await receiver.shows(/Accept\? \[y\/N\] /u);
  receiver.type(CTRL_C);
  assert.equal((await receiver.ended).status, STATUS.interrupted);
  assert.notEqual((await sender.ended).status, 0);
  scene.assertClean({});
});

/** Control characters other than line ends. */
// oxlint-disable-next-line no-control-regex -- that there are none is what is checked
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u;

test('in a pipe there is neither a bar nor a control character, on either side', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'tree/disk.img': sparse(256 * 1024 ** 2), 'tree/alias': link('disk.img') });
  const receiver = scene.startReceive({ words: ['--once'], isText: true });
  await receiver.shows(/Listening on/u);
  const sent = await scene.send([scene.path('tree')], { isText: true });
  assert.equal(sent.status, 0, sent.stderr);
  assert.match(
    sent.stdout,
    /^Connected to .+ at 127\.0\.0\.1:\d+\.\nSent 2 items, 268\.4 MB in .+; verified and published by the receiver\.\n1 item left out \(links and special files\)\.\nDigest {2}[0-9a-f]{64}\n$/u,
  );
  assert.equal(sent.stderr, 'Left out: tree/alias (a symbolic link)\n');
  const received = await receiver.ended;
  assert.match(received.stdout, /\nReceived tree from .+: 2 items, 268\.4 MB in .+, verified\.\n/u);
  assert.equal(/Digest {2}\S+/u.exec(received.stdout)?.[0], /Digest {2}\S+/u.exec(sent.stdout)?.[0]);
  for (const text of [sent.stdout, sent.stderr, received.stdout, received.stderr]) {
    assert.doesNotMatch(text, CONTROL);
  }
});

test('names that hold control or direction characters are shown escaped', async (t) => {
  const scene = new Scene(t);
  const names = [
    'red \u001b[31m',
    'title \u001b]0;x\u0007',
    'c1 \u009b2J',
    'gpj.\u202eexe',
    'new\nline',
    'del\u007f',
  ];
  const tree: Tree = Object.fromEntries([
    ...names.map((name): [string, ReturnType<typeof file>] => [`tree/${name}`, file(name)]),
    ['tree/good', folder()],
  ]);
  makeTree(scene.folder, tree);
  await scene.receive();
  const onScreen = await scene.send([scene.path('tree')], { within: onTerminal, isText: true });
  const inPipe = await scene.send([scene.path('tree')], { isText: true });
  for (const { status, stdout, stderr } of [onScreen, inPipe]) {
    assert.equal(status, 20);
    const text = (stdout + stderr).replaceAll('\r\u001b[K', '').replaceAll('\r\n', '\n');
    assert.doesNotMatch(text, CONTROL);
    for (const escaped of [
      'red \\u{1b}[31m',
      'c1 \\u{9b}2J',
      'gpj.\\u{202e}exe',
      'new\\u{a}line',
      'del\\u{7f}',
    ]) {
      assert.ok(
        text.includes(`Left out: tree/${escaped} (its name cannot be stored on every system)`),
        escaped,
      );
    }
  }
});

test('only twenty names are listed for people, and all of them for programs', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, {
    'tree/good': file(),
    ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`tree/link-${at}`, link('good')])),
  });
  await scene.receive();
  const text = await scene.send([scene.path('tree')], { isText: true });
  assert.equal(text.stderr.split('\n').filter((line) => line.startsWith('Left out: ')).length, 20);
  assert.match(text.stderr, /… and more; --json names all of them\.\n$/u);
  assert.match(text.stdout, /\n30 items left out \(links and special files\)\.\n/u);
  const json = await scene.send([scene.path('tree')]);
  assert.equal(json.events.filter(({ event }) => event === 'left-out').length, 30);
});

interface Running {
  readonly scene: Scene;
  readonly receiver: Program;
  readonly sender: Program;
}

/** A transfer of 6 GiB of which something has moved, in the middle of a folder. */
async function midTransfer(scene: Scene): Promise<Running> {
  makeTree(scene.folder, { 'tree/a': file('a'), 'tree/disk.img': BIG, note: file('note') });
  const receiver = await scene.receive();
  const sender = scene.startSend([scene.path('tree'), scene.path('note')]);
  const { state, remainingMs } = await sender.event('progress', isMoving);
  assert.equal(state, 'moving');
  assert.ok(Number(remainingMs) > 0);
  await receiver.event('progress', isMoving);
  return { scene, receiver, sender };
}

for (const [signal, status] of [
  ['SIGINT', STATUS.interrupted],
  ['SIGTERM', STATUS.terminated],
] as const) {
  test(`${signal} ends the sender in the middle; what has arrived is kept and the receiver goes on`, async (t) => {
    const { scene, receiver, sender } = await midTransfer(new Scene(t));
    const ended = await sender.stop(signal);
    assert.equal(ended.status, status);
    assert.match(
      String(eventOf(ended, 'failed')['message']),
      /^Stopped at \d+ %\. What has arrived is kept\.$/u,
    );
    assert.equal((await receiver.event('interrupted'))['code'], 'connection-lost');
    scene.assertSenderClean();
    assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
    assert.equal((await scene.send([scene.path('note')])).status, 0);
    assert.deepEqual(readdirSync(scene.received).toSorted(), ['.peer-courier', 'note']);
  });

  test(`${signal} ends the receiver in the middle; what has arrived is kept`, async (t) => {
    const { scene, receiver, sender } = await midTransfer(new Scene(t));
    const [stopped, ended] = await Promise.all([receiver.stop(signal), sender.ended]);
    assert.equal(stopped.status, status);
    assert.equal(eventOf(stopped, 'interrupted')['code'], 'cancelled');
    assert.equal(eventOf(ended, 'failed')['message'], 'The connection was lost. Resume it.');
    assert.equal(ended.status, STATUS.lost);
    assert.equal(existsSync(scene.inviteFile), false);
    assert.equal(existsSync(join(scene.receiverState, 'listening.json')), false);
    assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
  });
}

test('the receiver is killed in the middle: the sender says so, nothing half is published', async (t) => {
  const { scene, receiver, sender } = await midTransfer(new Scene(t));
  const [killed, ended] = await Promise.all([receiver.stop('SIGKILL'), sender.ended]);
  assert.equal(killed.status, null);
  assert.equal(ended.status, STATUS.lost, ended.stdout.slice(-500));
  assert.equal(eventOf(ended, 'failed')['message'], 'The connection was lost. Resume it.');
  scene.assertSenderClean();
  assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
  // What a crash leaves behind is in nobody's way.
  const { address } = await scene.receive();
  assert.equal((await scene.send([scene.path('note')], { words: ['--to', address] })).status, 0);
  assert.equal(readFileSync(join(scene.received, 'note'), 'utf8'), 'note');
});

test('the sender is killed in the middle: the receiver keeps what it has and goes on', async (t) => {
  const { scene, receiver, sender } = await midTransfer(new Scene(t));
  assert.equal((await sender.stop('SIGKILL')).status, null);
  const interrupted = await receiver.event('interrupted');
  assert.deepEqual(
    [interrupted['code'], interrupted['message']],
    ['connection-lost', 'the connection was lost'],
  );
  assert.deepEqual(readdirSync(scene.received), ['.peer-courier']);
  assert.equal((await scene.send([scene.path('note')])).status, 0);
});

test('Ctrl-C while the sender waits for an answer to its greeting', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  await scene.receive();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const invite = parseInvite(nodeHashing, readFileSync(scene.inviteFile, 'utf8'));
  const addresses = [{ host: '127.0.0.1', port }];
  writeFileSync(scene.inviteFile, encodeInvite(nodeHashing, { ...invite, addresses }));
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const sender = scene.startSend([scene.path('note')]);
  const [socket] = await connected;
  t.after(() => {
    socket.destroy();
    server.close();
  });
  const { status } = await sender.stop();
  assert.equal(status, STATUS.interrupted);
  scene.assertClean({});
});
