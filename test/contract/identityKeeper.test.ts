import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Memento, SecretStorage } from 'vscode';
import { readHostId } from '../../src/editor/engine/hostId.ts';
import { IdentityKeeper } from '../../src/editor/engine/identityKeeper.ts';
import { scratchFolder } from '../support/scratch.ts';

/** What an editor keeps where its user sits; every host that the user connects to is given the same. */
class SharedMemory {
  readonly all = new Map<string, string>();

  get secrets(): SecretStorage {
    return {
      keys: async () => [...this.all.keys()],
      get: async (key: string) => this.all.get(key),
      store: async (key: string, value: string) => void this.all.set(key, value),
      delete: async (key: string) => void this.all.delete(key),
      onDidChange: () => ({ dispose: () => undefined }),
    };
  }

  get memento(): Memento {
    const values = new Map<string, unknown>();
    const get = (key: string, otherwise?: unknown): unknown => values.get(key) ?? otherwise;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the editor's own `get` is as generic
    return {
      keys: () => [...values.keys()],
      get,
      update: async (key, value) => void values.set(key, value),
    } as Memento;
  }
}

const identity = (name: string): { certificate: string; privateKey: string } => ({
  certificate: `certificate of ${name}`,
  privateKey: `key of ${name}`,
});

test('two hosts of one user never share an identity, and each finds its own again', async (t) => {
  const shared = new SharedMemory();
  const hosts = [scratchFolder(t), scratchFolder(t)].map(
    (storage) => new IdentityKeeper(shared.secrets, shared.memento, storage),
  );
  for (const [at, host] of hosts.entries()) {
    assert.equal(await host.load(), undefined, 'another host has left one here');
    await host.save(identity(`host ${at}`));
  }
  for (const [at, host] of hosts.entries()) assert.deepEqual(await host.load(), identity(`host ${at}`));
});

test('a host that is another one than before notices, once', async (t) => {
  const { secrets, memento } = new SharedMemory();
  const keeper = new IdentityKeeper(secrets, memento, scratchFolder(t));
  const seen: boolean[] = [];
  for (const fingerprint of ['one', 'one', 'other', 'other']) {
    seen.push(await keeper.noteFingerprint(fingerprint));
  }
  assert.deepEqual(seen, [false, false, true, false]);
});

test('windows that ask at once agree on the name of their host, which nobody else reads', async (t) => {
  const storage = join(scratchFolder(t), 'storage');
  const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => readHostId(storage)));
  for (const other of others) assert.equal(other, first);
  assert.equal(statSync(join(storage, 'host-id')).mode % 0o1000, 0o600);
});

test('a name that somebody has damaged is drawn anew', async (t) => {
  const storage = scratchFolder(t);
  writeFileSync(join(storage, 'host-id'), '../identity');
  const id = await readHostId(storage);
  assert.match(id, /^[0-9a-f-]{36}$/u);
  assert.equal(await readHostId(storage), id);
});

test('what is no identity is none', async (t) => {
  const shared = new SharedMemory();
  const storage = scratchFolder(t);
  const keeper = new IdentityKeeper(shared.secrets, shared.memento, storage);
  for (const text of ['', 'null', '[]', '{"certificate":1,"privateKey":"k"}', '{"certificate":"c"']) {
    shared.all.set(`identity/${await readHostId(storage)}`, text);
    assert.equal(await keeper.load(), undefined, text);
  }
});
