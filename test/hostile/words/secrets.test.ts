/** No secret is told: real pairings and transfers, and afterwards a look through all that was written and said. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requests } from '../../../src/rpc/contract.ts';
import { Scene } from '../../support/cli.ts';
import { accept, pairedHomes, send } from '../../support/engine.ts';
import { makeFiles } from '../../support/engineFiles.ts';
import { file, makeTree } from '../../support/trees.ts';

/** The lines of a key that are not the same in every key. */
function keyLines(pem: string): string[] {
  const lines = pem.split('\n').filter((line) => /^[\w+/=]{20,}$/u.test(line));
  assert.ok(lines.length > 0);
  return lines.map((line) => line.slice(-40));
}

/** Every file below, by its path, with what it holds. */
function filesBelow(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

/** Only these files may hold a secret, and only their user may read them. Returns how many do. */
function assertOnlyIn(files: ReadonlyMap<string, string>, secret: string, allowed: RegExp): number {
  const holders = [...files].filter(([, text]) => text.includes(secret)).map(([path]) => path);
  for (const path of holders) {
    assert.match(path, allowed, 'a secret in a file that is not made for one');
    if (process.platform !== 'win32') assert.equal(statSync(path).mode % 0o1000, 0o600, path);
  }
  return holders.length;
}

test('case 181: what engines log, show and keep holds no key, no token and no invite', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  const invites = await Promise.all([1, 2].map(() => windowB.connection.sendRequest(requests.createInvite)));
  const id = await send(windowA, peer, makeFiles(a, 'reports', { files: 3, bytes: 1000 }));
  await accept(windowB, id);
  await windowA.transfer('done', ({ phase }) => phase === 'done');
  // One that is refused is told about, too.
  const [used, garbled] = [invites[0]?.text ?? '', `${invites[1]?.text ?? ''}x`];
  await windowA.connection.sendRequest(requests.useInvite, { text: used });
  await assert.rejects(windowA.connection.sendRequest(requests.useInvite, { text: garbled }));
  const shared = await windowA.connection.sendRequest(requests.share, {
    paths: [makeFiles(a, 'shared', { files: 1, bytes: 10 })],
    options: { useGitignore: false, leaveOutSecrets: false },
    outbox: undefined,
  });
  invites.push({ text: shared.text, expiresAtMs: 0 });
  await windowA.transfer('shared', ({ phase }) => phase === 'shared');
  const said = [windowA, windowB].map(({ log, state }) => log.join('\n') + JSON.stringify(state)).join('\n');
  const keys = [a, b].flatMap(({ identity }) => keyLines(identity?.privateKey ?? ''));
  const tokens = [a, b].map((home) => home.endpoint().token);
  const texts = invites.map(({ text }) => text.slice('peer-courier:'.length, 60));
  assert.ok(keys.length > 0 && texts.every((text) => text.length > 40));
  for (const secret of [...keys, ...tokens, ...texts]) assert.ok(!said.includes(secret));
  for (const home of [a, b]) {
    const files = filesBelow(home.storage);
    assert.ok(files.size >= 2);
    // An engine keeps no key: that is the editor’s secret storage.
    for (const secret of [...keys, ...texts]) assertOnlyIn(files, secret, /^$/u);
    // One of the two is this engine's: the search finds what is there.
    const holders = tokens.map((secret) => assertOnlyIn(files, secret, /endpoint\.json$/u));
    assert.equal(Math.max(...holders), 1);
  }
});

test('case 181: the terminal prints no key and no invite, and keeps its key to its user', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'notes.md': file('text\n') });
  const receiver = await scene.receive();
  const invite = readFileSync(scene.inviteFile, 'utf8').trim();
  const sent = await scene.send([scene.path('notes.md')]);
  assert.equal(sent.status, 0, sent.stderr);
  // The invite is spent.
  const refused = await scene.send([scene.path('notes.md')], { words: ['--state', scene.path('stranger')] });
  assert.notEqual(refused.status, 0);
  const received = await receiver.stop();
  const said = [sent, refused, received].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  const states = [scene.senderState, scene.receiverState];
  const keys = states.flatMap((state) => keyLines(privateKeyIn(join(state, 'identity.pem'))));
  for (const secret of [...keys, invite, invite.slice('peer-courier:'.length, 60)]) {
    assert.ok(!said.includes(secret));
  }
  for (const state of states) {
    const holders = keys.map((secret) => assertOnlyIn(filesBelow(state), secret, /identity\.pem$/u));
    assert.ok(holders.includes(1));
  }
});

function privateKeyIn(path: string): string {
  const [, key = ''] =
    /-----BEGIN PRIVATE KEY-----([\s\S]*?)-----END/u.exec(readFileSync(path, 'utf8')) ?? [];
  return key;
}
