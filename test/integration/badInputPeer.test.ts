import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { createIdentityPem } from '../../src/node/identity/certificate.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { parseAddress } from '../../src/peers/address.ts';
import { encodeInvite, parseInvite } from '../../src/peers/invite.ts';
import type { Invite } from '../../src/peers/invite.ts';
import { eventOf, Scene } from '../support/cli.ts';
import type { Ended, RunningReceiver } from '../support/cli.ts';
import { file, makeTree } from '../support/trees.ts';

/** Whom a sender reaches, or does not, and who comes to a receiver. */

const STATUS = {
  notListening: 10,
  unreachable: 11,
  notPeerCourier: 12,
  wrongIdentity: 13,
  inviteRefused: 15,
  notPaired: 16,
  timedOut: 30,
};

function sceneWithNote(t: TestContext): Scene {
  const scene = new Scene(t);
  makeTree(scene.folder, { note: file('hello') });
  return scene;
}

/** The sender says so and nothing of its file arrives. */
function assertFailed(scene: Scene, ended: Ended, status: number, says: RegExp): void {
  assert.equal(ended.status, status, ended.stdout);
  const failed = eventOf(ended, 'failed');
  assert.equal(failed['status'], status);
  assert.match(String(failed['message']), says);
  assert.equal(ended.stderr, '');
  scene.assertClean({});
}

function inviteIn(location: string): Invite {
  return parseInvite(nodeHashing, readFileSync(location, 'utf8'));
}

/** Writes an invite that differs from the scene's in these parts. */
function forge(scene: Scene, parts: Partial<Invite>): void {
  writeFileSync(scene.inviteFile, encodeInvite(nodeHashing, { ...inviteIn(scene.inviteFile), ...parts }));
}

test('an invite that another device has used', async (t) => {
  const scene = sceneWithNote(t);
  const receiver = await scene.receive();
  await scene.pair();
  const other = await scene.send([scene.path('note')], { words: ['--state', scene.path('other')] });
  assertFailed(scene, other, STATUS.inviteRefused, /^The invite was used before.*Ask for a new one/u);
  assert.equal((await receiver.event('refused'))['reason'], 'invite-refused');
  assert.equal(receiver.stderr, '');
});

test('an invite that this device has used: it is known now', async (t) => {
  const scene = sceneWithNote(t);
  await scene.receive();
  await scene.pair();
  assert.equal((await scene.send([scene.path('note')])).status, 0);
});

test('two devices with one invite: only one gets in', async (t) => {
  const scene = sceneWithNote(t);
  await scene.receive();
  const states = ['one', 'two', 'three'].map((name) => ['--state', scene.path(name)]);
  const ended = await Promise.all(states.map((words) => scene.send([scene.path('note')], { words })));
  const statuses = ended.map(({ status }) => status ?? -1).toSorted((left, right) => left - right);
  assert.deepEqual(statuses, [0, STATUS.inviteRefused, STATUS.inviteRefused]);
  assert.deepEqual(Object.keys(scene.look()), ['note']);
});

test('an invite of another receiver, which stood at this address before', async (t) => {
  const scene = sceneWithNote(t);
  const receiver = await scene.receive();
  const words = ['--state', scene.path('other'), '--invite-file', scene.path('other-invite')];
  await scene.receive({ words });
  const there = parseAddress(receiver.address);
  assert.ok(there);
  writeFileSync(
    scene.inviteFile,
    encodeInvite(nodeHashing, { ...inviteIn(scene.path('other-invite')), addresses: [there] }),
  );
  const ended = await scene.send([scene.path('note')]);
  assertFailed(scene, ended, STATUS.wrongIdentity, /^Another device answers there.*nothing was sent/u);
});

test('the id and the token of another receiver under the right fingerprint', async (t) => {
  const scene = sceneWithNote(t);
  const receiver = await scene.receive();
  const words = ['--state', scene.path('other'), '--invite-file', scene.path('other-invite')];
  await scene.receive({ words });
  const { id, token } = inviteIn(scene.path('other-invite'));
  forge(scene, { id, token });
  assertFailed(scene, await scene.send([scene.path('note')]), STATUS.inviteRefused, /not theirs/u);
  assert.equal((await receiver.event('refused'))['reason'], 'invite-refused');
});

test('the right invite with a wrong token, and then with the right one', async (t) => {
  const scene = sceneWithNote(t);
  await scene.receive();
  const whole = readFileSync(scene.inviteFile);
  forge(scene, { token: new Uint8Array(16) });
  assertFailed(scene, await scene.send([scene.path('note')]), STATUS.inviteRefused, /Ask for a new one/u);
  // A guess does not spend it.
  writeFileSync(scene.inviteFile, whole);
  assert.equal((await scene.send([scene.path('note')])).status, 0);
});

/** Who `--to` names, and what comes of it. `prepare` may change what is known. */
function refusesTo(
  name: string,
  status: number,
  says: RegExp,
  prepare: (scene: Scene, receiver: RunningReceiver) => Promise<string> | string,
): void {
  test(name, async (t) => {
    const scene = sceneWithNote(t);
    const receiver = await scene.receive();
    const to = await prepare(scene, receiver);
    assertFailed(scene, await scene.send([scene.path('note')], { words: ['--to', to] }), status, says);
  });
}

refusesTo(
  'a name nobody has',
  STATUS.notPaired,
  /not a known peer.*Ask for an invite/u,
  () => 'laptop of nobody',
);
refusesTo(
  'the address of a receiver that was never paired',
  STATUS.notPaired,
  /not a known peer.*Ask for an invite/u,
  (_scene, { address }) => address,
);
refusesTo(
  'a receiver that has forgotten this device',
  STATUS.notPaired,
  /^The receiver does not know this device. Ask for an invite/u,
  async (scene, { address }) => {
    await scene.pair();
    rmSync(join(scene.receiverState, 'peers'), { recursive: true });
    return address;
  },
);
refusesTo(
  'a known peer whose receiver has ended',
  STATUS.notListening,
  /^Nobody listens there \(127\.0\.0\.1:\d+\)\. Start "peer-courier receive"/u,
  async (scene, receiver) => {
    await scene.pair();
    await receiver.stop();
    return hostname();
  },
);
refusesTo(
  'a host name that does not exist',
  STATUS.unreachable,
  /^The other machine cannot be reached \(nowhere\.invalid:47470\)\. Check the address/u,
  () => 'nowhere.invalid',
);

for (const by of ['name', 'address'] as const) {
  refusesTo(
    `a known peer, by its ${by}, in whose place another key answers: both fingerprints are named`,
    STATUS.wrongIdentity,
    /^Another device answers there.* \((?:[\dA-F]{4}-){3}[\dA-F]{4} ≠ (?:[\dA-F]{4}-){3}[\dA-F]{4}\), so nothing was sent/u,
    async (scene, receiver) => {
      await scene.pair();
      await receiver.stop();
      await scene.receive({ words: ['--port', String(receiver.port), '--state', scene.path('impostor')] });
      return by === 'name' ? hostname() : receiver.address;
    },
  );
}

/** Something else stands where the invite leads. `serve` makes it from a key of its own. */
function meets(
  name: string,
  serve: (pem: { key: string; cert: string }) => Server,
  status = STATUS.notPeerCourier,
  says = /^Something else answers there, not Peer Courier\. Check the address and the port\.$/u,
): void {
  test(name, async (t) => {
    const scene = sceneWithNote(t);
    const receiver = await scene.receive();
    const { certificate, privateKey } = await createIdentityPem();
    const server = serve({ cert: certificate, key: privateKey });
    const received: Buffer[] = [];
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('data', (bytes) => received.push(bytes));
      socket.on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    forge(scene, { addresses: [{ host: '127.0.0.1', port: (server.address() as AddressInfo).port }] });
    assertFailed(scene, await scene.send([scene.path('note')]), status, says);
    assert.equal(Buffer.concat(received).includes('hello'), false);
    assert.equal(receiver.stderr, '');
  });
}

meets('a TLS server without our protocol', (pem) => createTlsServer(pem));
meets('a web server with TLS', (pem) => createHttpsServer(pem, (_, response) => response.end('hello')));
meets('a TLS server of an older version', (pem) => createTlsServer({ ...pem, maxVersion: 'TLSv1.2' }));
meets('an SSH server', () => createTcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')));
meets('a server that hangs up at once', () => createTcpServer((socket) => socket.destroy()));
meets('a server that ends the stream at once', () => createTcpServer((socket) => socket.end()));
meets(
  'a server with our protocol and another key',
  (pem) => createTlsServer({ ...pem, ALPNProtocols: ['peer-courier/1'], minVersion: 'TLSv1.3' }),
  STATUS.wrongIdentity,
  /^Another device answers there/u,
);
meets(
  'a server that says nothing',
  () => createTcpServer(() => undefined),
  STATUS.timedOut,
  /^The other side does not answer\. Check that it runs/u,
);

/** A stranger comes to the receiver's port; it goes on, quietly, and a later send arrives. */
function survives(name: string, visit: (port: number, t: TestContext) => Promise<unknown>): void {
  test(name, async (t) => {
    const scene = sceneWithNote(t);
    const receiver = await scene.receive();
    await visit(receiver.port, t);
    assert.equal((await scene.send([scene.path('note')])).status, 0);
    assert.deepEqual(Object.keys(scene.look()), ['note']);
    const { status, stderr, events } = await receiver.stop();
    assert.equal(status, 130);
    assert.equal(stderr, '');
    assert.equal(events.filter(({ event }) => event === 'offered').length, 1);
  });
}

/** Resolves when the other side has hung up, politely or not. */
function hungUp(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/** Writes some bytes and waits until the other side has hung up. */
async function writeAndWait(port: number, bytes: string | Uint8Array): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(bytes);
  await hungUp(socket);
}

async function handshake(port: number, options: ConnectionOptions): Promise<void> {
  await hungUp(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }));
}

survives('a plain HTTP request to the port', async (port) => {
  const request = httpRequest({ port, host: '127.0.0.1', path: '/' });
  request.end();
  await assert.rejects(once(request, 'response'));
});
survives('a browser with https', (port) => handshake(port, { ALPNProtocols: ['h2', 'http/1.1'] }));
survives('bytes without sense', (port) => writeAndWait(port, Buffer.alloc(100_000, 0xa7)));
survives('the beginning of a TLS greeting, announced longer than it may be', (port) =>
  writeAndWait(port, Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0x01, 0x00, 0xff, 0xff])),
);
survives('a TLS client without a certificate', (port) =>
  handshake(port, { ALPNProtocols: ['peer-courier/1'] }),
);
survives('a TLS client with a certificate and without our protocol', async (port) => {
  const { certificate, privateKey } = await createIdentityPem();
  await handshake(port, { cert: certificate, key: privateKey });
});
survives('a TLS client of an older version', (port) => handshake(port, { maxVersion: 'TLSv1.2' }));
survives('a client that connects and says nothing', async (port, t) => {
  const socket = connectTcp(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
});
survives('a peer that gets through TLS and says nothing', async (port, t) => {
  const { certificate, privateKey } = await createIdentityPem();
  const ALPNProtocols = ['peer-courier/1'];
  const options = { cert: certificate, key: privateKey, ALPNProtocols, rejectUnauthorized: false };
  const socket = connectTls({ port, host: '127.0.0.1', ...options });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
});
