/** A receiver dials the sender: an invite to something that is shared, in terminals: real processes, real TLS. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { nodeHashing } from '../../src/node/hashing.ts';
import { encodeInvite, parseInvite } from '../../src/peers/invite.ts';
import { eventOf, Scene } from '../support/cli.ts';
import type { Program } from '../support/cli.ts';
import { file, makeTree } from '../support/trees.ts';

/** What is shared in most tests. */
const NOTES = {
  'notes/a.txt': file('shared\n'),
  'notes/run.sh': file('#!/bin/sh\n', { isExecutable: true }),
};

/** A scene in which the sender's state shares, and the receiver's fetches. */
class Sharing extends Scene {
  readonly shareFile = this.path('share');

  /** Starts to share; of words given twice the last counts. */
  startShare(paths: readonly string[], words: readonly string[] = []): Program {
    return this.startWith('sender', [
      'send',
      ...paths,
      '--share',
      '--share-file',
      this.shareFile,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      ...words,
    ]);
  }

  async share(paths: readonly string[], words: readonly string[] = []): Promise<Program> {
    const sharing = this.startShare(paths, words);
    await sharing.event('invite');
    return sharing;
  }

  startFetch(words: readonly string[] = [], role: 'receiver' | 'sender' = 'receiver'): Program {
    return this.startWith(role, [
      'receive',
      '--folder',
      this.received,
      '--from-file',
      this.shareFile,
      '--retry-for',
      '0',
      ...words,
    ]);
  }
}

function openScene(t: TestContext): Sharing {
  const scene = new Sharing(t);
  makeTree(scene.makeFolder('source'), NOTES);
  return scene;
}

test('what is shared is fetched, verified, and both know each other', async (t) => {
  const scene = openScene(t);
  const sender = await scene.share([scene.path('source', 'notes')]);
  const [fetched, sent] = await Promise.all([scene.startFetch().ended, sender.ended]);
  assert.deepEqual(
    [fetched.status, sent.status],
    [0, 0],
    `${fetched.stderr}${JSON.stringify(fetched.events)}`,
  );
  assert.equal(eventOf(fetched, 'received')['root'], eventOf(sent, 'sent')['root']);
  assert.equal(readFileSync(scene.path('received', 'notes', 'a.txt'), 'utf8'), 'shared\n');
  assert.ok(!existsSync(scene.shareFile), 'an invite that nobody can use is not left lying about');
  assert.deepEqual([await scene.left('sender'), await scene.left('receiver')], [[], []]);
  // The one that dialled knows where; the one that was dialled has no address.
  const receiver = await scene.receive();
  const back = await scene.startWith('sender', [
    'send',
    scene.path('source', 'notes'),
    '--to',
    receiver.address,
    '--retry-for',
    '0',
  ]).ended;
  assert.equal(back.status, 0, back.stderr);
});

test('the invite is printed if no file is named, and can be read from the standard input', async (t) => {
  const scene = openScene(t);
  const words = ['send', scene.path('source', 'notes'), '--share', '--host', '127.0.0.1', '--port', '0'];
  const sender = scene.startWith('sender', words);
  const { invite } = await sender.event('invite');
  const receiver = scene.startWith('receiver', ['receive', '--folder', scene.received, '--from-file', '-']);
  receiver.type(`${String(invite)}\n`);
  receiver.endInput();
  const [fetched, sent] = await Promise.all([receiver.ended, sender.ended]);
  assert.deepEqual([fetched.status, sent.status], [0, 0], fetched.stderr);
});

suite('nobody gets in', () => {
  test('with an invite that was used; with one of the other kind, either way; with its own', async (t) => {
    const scene = openScene(t);
    const sender = await scene.share([scene.path('source', 'notes')]);
    const invite = readFileSync(scene.shareFile, 'utf8').trim();
    const own = await scene.startFetch([], 'sender').ended;
    assert.equal(own.status, 15);
    const wrongWay = await scene.startWith('receiver', [
      'send',
      scene.path('source', 'notes'),
      '--invite-file',
      scene.shareFile,
    ]).ended;
    assert.equal(wrongWay.status, 44);
    assert.match(String(eventOf(wrongWay, 'failed')['message']), /its maker shares/u);
    const [fetched] = await Promise.all([scene.startFetch().ended, sender.ended]);
    assert.equal(fetched.status, 0, fetched.stderr);
    // Somebody else comes with the same invite, to somebody who shares another thing now.
    const port = parseInvite(nodeHashing, invite, 'share').addresses[0]?.port;
    await scene.share([scene.path('source', 'notes')], ['--port', String(port)]);
    writeFileSync(scene.shareFile, invite);
    const late = await scene.startFetch(['--state', scene.path('stranger')]).ended;
    assert.equal(late.status, 15);
    // An ordinary invite.
    await scene.receive();
    const ordinary = await scene.startFetch(['--from-file', scene.inviteFile]).ended;
    assert.equal(ordinary.status, 44);
    assert.match(String(eventOf(ordinary, 'failed')['message']), /wants to be sent something/u);
  });

  test('with another token, or the proof of an ordinary invite for a share, or the other way round', async (t) => {
    const scene = openScene(t);
    await scene.share([scene.path('source', 'notes')]);
    const invite = parseInvite(nodeHashing, readFileSync(scene.shareFile, 'utf8'), 'share');
    const write = (change: Partial<typeof invite>): void =>
      writeFileSync(scene.shareFile, encodeInvite(nodeHashing, { ...invite, ...change }, 'share'));
    write({ token: new Uint8Array(16) });
    assert.equal((await scene.startFetch().ended).status, 15);
    write({ id: new Uint8Array(8) });
    assert.equal((await scene.startFetch().ended).status, 15);
    // As an ordinary one it leads to somebody who lets no sender in.
    writeFileSync(scene.inviteFile, encodeInvite(nodeHashing, invite));
    const asSender = await scene.startWith('receiver', [
      'send',
      scene.path('source', 'notes'),
      '--invite-file',
      scene.inviteFile,
    ]).ended;
    assert.equal(asSender.status, 16);
    // And an ordinary one, taken for a share, leads to somebody who shares nothing.
    await scene.receive({ words: ['--state', scene.path('third')] });
    const ordinary = parseInvite(nodeHashing, readFileSync(scene.inviteFile, 'utf8'));
    writeFileSync(scene.shareFile, encodeInvite(nodeHashing, ordinary, 'share'));
    assert.equal((await scene.startFetch().ended).status, 16);
    // The good one is as good as before.
    write({});
    const fetched = await scene.startFetch().ended;
    assert.equal(fetched.status, 0, fetched.stderr);
  });

  test('when the port is taken: then there is no invite either', async (t) => {
    const scene = openScene(t);
    const { port } = await scene.receive();
    const sender = await scene.startShare([scene.path('source', 'notes')], ['--port', String(port)]).ended;
    assert.equal(sender.status, 27, sender.stderr);
    assert.ok(!existsSync(scene.shareFile));
  });
});

test('one that is stopped while it waits leaves nothing behind', async (t) => {
  const scene = openScene(t);
  const sender = await scene.share([scene.path('source', 'notes')]);
  sender.signal('SIGINT');
  assert.equal((await sender.ended).status, 130);
  assert.ok(!existsSync(scene.shareFile));
  assert.deepEqual(await scene.left('sender'), []);
});
