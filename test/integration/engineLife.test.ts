import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENDPOINT_FILE, requests } from '../../src/rpc/contract.ts';
import { EngineHome, pairedHomes, send } from '../support/engine.ts';

test('case 185: two windows share one engine and see the same', async (t) => {
  const home = new EngineHome(t);
  const engine = await home.start();
  // A second process finds it there, says so and leaves.
  const second = await home.start();
  assert.equal(await second.ended, 0);
  const [one, two] = [await home.attach('one'), await home.attach('two')];
  assert.equal(one.hello?.pid, engine.pid);
  assert.equal(two.hello?.pid, engine.pid);
  await one.connection.sendRequest(requests.startReceiver);
  const listening = await two.find('listening', ({ receiver }) => receiver.state === 'listening' && receiver);
  assert.deepEqual(one.state.receiver, listening);
  assert.equal(one.state.device.fingerprint, two.state.device.fingerprint);
});

test('case 185: many engines started at once become one, also over the socket of a killed one', async (t) => {
  const home = new EngineHome(t);
  const first = await home.start();
  first.kill('SIGKILL');
  await first.ended;
  const engines = await Promise.all(Array.from({ length: 4 }, () => home.start()));
  const window = await home.attach();
  const others = engines.filter(({ pid }) => pid !== window.hello?.pid);
  assert.equal(others.length, 3);
  for (const { ended } of others) assert.equal(await ended, 0);
});

test('it ends by itself after its last window, and not before', async (t) => {
  const home = new EngineHome(t);
  const engine = await home.start();
  const [one, two] = [await home.attach('one'), await home.attach('two')];
  one.leave();
  await two.connection.sendRequest(requests.startReceiver);
  const leftAt = performance.now();
  two.leave();
  assert.equal(await engine.ended, 0);
  assert.ok(performance.now() - leftAt > 9000, 'it outlives a reload');
});

test('after a pause that is no longer than a slow reload, the receiver is on again', async (t) => {
  const home = new EngineHome(t);
  const first = await home.start();
  const window = await home.attach();
  await window.connection.sendRequest(requests.startReceiver);
  window.leave();
  assert.equal(await first.ended, 0);
  const second = await home.start();
  const again = await home.attach();
  await again.find('listening', ({ receiver }) => receiver.state === 'listening');
  // Switched off by its user, it stays off.
  await again.connection.sendRequest(requests.stopReceiver);
  again.leave();
  assert.equal(await second.ended, 0);
  await home.start();
  const last = await home.attach();
  await last.find('a fingerprint', ({ device }) => device.fingerprint);
  assert.equal(last.state.receiver.state, 'off');
});

test('who has not read the token is not let in', async (t) => {
  const home = new EngineHome(t);
  await home.start();
  const file = join(home.storage, ENDPOINT_FILE);
  assert.equal(statSync(file).mode % 0o1000, 0o600);
  assert.equal(statSync(home.storage).mode % 0o1000, 0o700);
  const kept = readFileSync(file, 'utf8');
  writeFileSync(file, JSON.stringify({ ...home.endpoint(), token: '0'.repeat(64) }));
  await assert.rejects(home.attach());
  writeFileSync(file, kept);
  await home.attach();
});

test('who says something else before hello, or nothing that makes sense, is not answered', async (t) => {
  const home = new EngineHome(t);
  await home.start();
  for (const bytes of [
    'nonsense\r\n\r\n',
    'Content-Length: 2\r\n\r\n[]',
    'Content-Length: 9\r\n\r\n{"a":"b"}',
  ]) {
    const socket = connect(home.endpoint().path);
    await once(socket, 'connect');
    socket.end(bytes);
    socket.resume();
    await once(socket, 'close');
  }
  const window = await home.attach();
  await assert.rejects(
    window.connection.sendRequest('send', { paths: ['relative'], peer: 'x', options: {} }),
    /internal/u,
  );
  await assert.rejects(window.connection.sendRequest(requests.cancelTransfer, { id: 'nobody' }), /gone/u);
});

test('the identity stays what it was when a window hands it over, and is made when there is none', async (t) => {
  const home = new EngineHome(t);
  const first = await home.start();
  const one = await home.attach();
  const made = await one.find('a fingerprint', ({ device }) => device.fingerprint);
  first.kill('SIGKILL');
  await one.gone();
  await home.start();
  const two = await home.attach();
  assert.equal(await two.find('a fingerprint', ({ device }) => device.fingerprint), made);
});

test('an identity that a window has handed over is given to nobody', async (t) => {
  const home = new EngineHome(t);
  const first = await home.start();
  const maker = await home.attach();
  const early = await maker.connection.sendRequest(requests.provideIdentity, { identity: undefined });
  assert.deepEqual(early.made, home.identity, 'who comes second gets what was made');
  first.kill('SIGKILL');
  await maker.gone();
  await home.start();
  const owner = await home.attach();
  const late = await owner.connection.sendRequest(requests.provideIdentity, { identity: undefined });
  assert.equal(late.made, undefined);
  assert.equal(late.fingerprint, early.fingerprint);
});

test('case 74: a damaged identity is refused and not replaced', async (t) => {
  const home = new EngineHome(t);
  await home.start();
  home.identity = { certificate: 'nonsense', privateKey: 'nonsense' };
  await assert.rejects(home.attach(), /state-unusable/u);
});

test('case 185: an engine hands over to a newer one', async (t) => {
  const home = new EngineHome(t);
  const engine = await home.start();
  const window = await home.attach();
  await window.connection.sendRequest(requests.handOver);
  assert.equal(await engine.ended, 0);
});

test('the receiver says when its port is taken, and follows the settings', async (t) => {
  const { a, windowA, windowB } = await pairedHomes(t);
  const address = await windowB.find(
    'an address',
    ({ receiver }) => receiver.state === 'listening' && receiver.addresses[0],
  );
  const port = Number(/\d+$/u.exec(address)?.[0]);
  await windowA.connection.sendRequest(requests.configure, { ...a.settings, port });
  await assert.rejects(windowA.connection.sendRequest(requests.startReceiver), /port-in-use/u);
  await windowA.find('failed', ({ receiver }) => receiver.state === 'failed');
  await windowA.connection.sendRequest(requests.configure, { ...a.settings, port: 0 });
  await windowA.find('listening', ({ receiver }) => receiver.state === 'listening');
});

test('an invite works once, and not for the one who made it', async (t) => {
  const { windowA, windowB } = await pairedHomes(t);
  await windowA.connection.sendRequest(requests.startReceiver);
  const { text } = await windowB.connection.sendRequest(requests.createInvite);
  await assert.rejects(windowB.connection.sendRequest(requests.useInvite, { text }), /invite-refused/u);
  const third = new EngineHome(t, { deviceName: 'Carla' });
  await third.start();
  const windowC = await third.attach();
  await windowC.connection.sendRequest(requests.useInvite, { text });
  await windowB.find('Carla', ({ peers }) => peers.some(({ name }) => name === 'Carla'));
  const fourth = new EngineHome(t);
  await fourth.start();
  const windowD = await fourth.attach();
  await assert.rejects(windowD.connection.sendRequest(requests.useInvite, { text }), /invite-refused/u);
  await assert.rejects(
    windowA.connection.sendRequest(requests.useInvite, { text: 'peer-courier:x' }),
    /invite-garbled/u,
  );
});

test('an address tells its key; a peer added that way can be sent to once both have added the other', async (t) => {
  const [a, b] = [new EngineHome(t, { deviceName: 'Anna' }), new EngineHome(t, { deviceName: 'Boris' })];
  await Promise.all([a.start(), b.start()]);
  const [windowA, windowB] = [await a.attach(), await b.attach()];
  const file = join(a.folder('files'), 'hello.txt');
  writeFileSync(file, 'hello');
  const [addressA, addressB] = await Promise.all(
    [windowA, windowB].map(async (window) => {
      await window.connection.sendRequest(requests.startReceiver);
      return window.find(
        'an address',
        ({ receiver }) => receiver.state === 'listening' && receiver.addresses[0],
      );
    }),
  );
  const found = await windowA.connection.sendRequest(requests.lookUp, { address: addressB ?? '' });
  assert.equal(found.fingerprint, windowB.state.device.fingerprint);
  assert.equal(found.knownAs, undefined);
  await windowA.connection.sendRequest(requests.addPeer, { ...found, name: 'Boris at home' });
  await send(windowA, found.fingerprint, file);
  const refused = await windowA.transfer('refused', ({ phase }) => phase === 'failed');
  assert.deepEqual([refused.failure?.code, refused.failure?.origin], ['not-paired', 'remote']);
  const back = await windowB.connection.sendRequest(requests.lookUp, { address: addressA ?? '' });
  await windowB.connection.sendRequest(requests.addPeer, { ...back, name: 'Anna' });
  const id = await send(windowA, found.fingerprint, file);
  assert.equal(await windowB.prompted(), id);
});

test('an offer is put before the window that had focus last, and before another when that leaves', async (t) => {
  const { a, b, windowA, windowB, peer } = await pairedHomes(t);
  const other = await b.attach('other');
  await windowB.focus();
  // The order of two messages on one connection is kept: after this answer the focus is known.
  await windowB.connection.sendRequest(requests.createInvite);
  const file = join(a.folder('files'), 'hello.txt');
  writeFileSync(file, 'hello');
  const id = await send(windowA, peer, file);
  assert.equal(await windowB.prompted(), id);
  assert.deepEqual(other.prompts, []);
  windowB.leave();
  assert.equal(await other.prompted(), id);
});

test('a storage folder that cannot be written to is named, and the process ends', async (t) => {
  const home = new EngineHome(t);
  // Root may write everywhere; a file in the place of the folder stops root, too.
  writeFileSync(home.storage, '');
  chmodSync(home.storage, 0o400);
  await assert.rejects(home.start(), /endpoint\.json/u);
});
