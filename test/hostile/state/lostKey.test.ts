import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Memento, SecretStorage } from 'vscode';
import { IdentityKeeper } from '../../../src/editor/engine/identityKeeper.ts';
import { eventOf, Scene } from '../../support/cli.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { file, makeTree } from '../../support/trees.ts';
import { unprivileged } from '../../support/wrappings.ts';

/** The private key of a device is gone, or cannot be read. */

const STATE_UNUSABLE = 36;

test('case 74: a terminal whose key is gone says so, and becomes a device that nobody knows', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const receiver = await scene.receive();
  await scene.pair();
  const key = scene.path('sender', 'identity.pem');
  const before = readFileSync(key);
  rmSync(key);
  const lost = await scene.send([scene.path('note')], { words: ['--to', receiver.address] });
  assert.equal(eventOf(lost, 'identity-lost')['file'], key);
  assert.equal(eventOf(lost, 'failed')['code'], 'not-paired');
  assert.notDeepEqual(readFileSync(key), before);
  // Once: from then on it is this device.
  const again = await scene.send([scene.path('note')], { words: ['--to', receiver.address] });
  assert.equal(
    again.events.some(({ event }) => event === 'identity-lost'),
    false,
  );

  rmSync(key);
  const words = ['--to', receiver.address];
  const { stderr } = await scene.startSend([scene.path('note')], { words, isText: true }).ended;
  assert.match(stderr, /^The key of this device is gone \(.*identity\.pem\): it becomes a new device/u);
  assert.deepEqual(scene.look(), {});
});

test('case 74: a receiver whose key is gone says so; to who knows it, it is somebody else', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  const receiver = await scene.receive();
  await scene.pair();
  await receiver.stop();
  rmSync(scene.path('receiver', 'identity.pem'));
  const next = await scene.receive({ words: ['--port', String(receiver.port)] });
  eventOf(next, 'identity-lost');
  assert.notEqual(next.fingerprint, receiver.fingerprint);
  const sent = await scene.send([scene.path('note')], { words: ['--to', receiver.address] });
  assert.equal(eventOf(sent, 'failed')['code'], 'wrong-identity');
  assert.deepEqual(scene.look(), {});
});

test('case 74: a first start is no loss', async (t) => {
  const scene = new Scene(t);
  rmSync(scene.path('receiver'), { recursive: true, force: true });
  const receiver = await scene.receive();
  assert.equal(
    receiver.events.some(({ event }) => event === 'identity-lost'),
    false,
  );
});

test('case 74: a key that cannot be read stops a terminal, and is not replaced', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  await scene.receive();
  await scene.pair();
  const key = scene.path('sender', 'identity.pem');
  const before = readFileSync(key);
  for (const prepare of [() => chmodSync(key, 0), () => writeFileSync(key, before.subarray(0, 300))]) {
    prepare();
    const sent = await scene.send([scene.path('note')], { within: unprivileged });
    assert.equal(sent.status, STATE_UNUSABLE, sent.stdout);
    chmodSync(key, 0o600);
    assert.deepEqual(readFileSync(key).subarray(0, 300), before.subarray(0, 300));
  }
  assert.deepEqual(scene.look(), {});
});

/** A secret storage and a memory that outlive a window. */
function editorMemory(): { secrets: SecretStorage; memory: Memento; kept: Map<string, string> } {
  const kept = new Map<string, string>();
  const remembered = new Map<string, unknown>();
  const never = (): never => assert.fail('not asked of it');
  const secrets: SecretStorage = {
    get: (key) => Promise.resolve(kept.get(key)),
    store: (key, value) => Promise.resolve(void kept.set(key, value)),
    delete: never,
    keys: never,
    onDidChange: never,
  };
  const memory: Memento = {
    keys: never,
    get: <Value>(key: string, otherwise?: Value) => (remembered.get(key) as Value | undefined) ?? otherwise,
    update: (key, value) => Promise.resolve(void remembered.set(key, value)),
  };
  return { secrets, memory, kept };
}

test('case 74: secrets that are gone or garbled give the editor no key, and the change is told once', async (t) => {
  const storage = join(scratchFolder(t), 'storage');
  const { secrets, memory, kept } = editorMemory();
  const keeper = new IdentityKeeper(secrets, memory, storage);
  await keeper.save({ certificate: 'a certificate', privateKey: 'a key' });
  assert.equal(await keeper.noteFingerprint('first'), false, 'nobody knew the device before');
  assert.ok(existsSync(join(storage, 'host-id')));
  const next = new IdentityKeeper(secrets, memory, storage);
  assert.deepEqual(await next.load(), { certificate: 'a certificate', privateKey: 'a key' });
  assert.equal(await next.noteFingerprint('first'), false);
  const [name = ''] = kept.keys();
  for (const text of ['', '{', 'null', '[]', '{"certificate":1,"privateKey":2}', '{"privateKey":"k"}']) {
    kept.set(name, text);
    assert.equal(await next.load(), undefined, text);
  }
  kept.clear();
  assert.equal(await next.load(), undefined);
  assert.equal(await next.noteFingerprint('second'), true);
  assert.equal(await next.noteFingerprint('second'), false);
});
