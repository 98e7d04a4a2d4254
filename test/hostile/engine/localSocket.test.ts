/** Whoever reaches the engine's local socket: what it may cost before it has said who it is, and after. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Courier } from '../../../src/engine/courier.ts';
import { listenAlone } from '../../../src/engine/localSocket.ts';
import { Windows } from '../../../src/engine/windows.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { engineNotifications, requests, RPC_VERSION } from '../../../src/rpc/contract.ts';
import type { EngineSettings } from '../../../src/rpc/model.ts';
import { EngineWindow } from '../../support/engine.ts';
import { MemoryClock } from '../../support/memoryClock.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { countDescriptors } from './leaks.ts';

const TOKEN = 'ab'.repeat(32);
const MEGABYTE = 1024 * 1024;

/** The part of an engine that windows talk to, in this process, behind a real socket. */
class Place {
  readonly clock = new MemoryClock();
  readonly windows: Windows;
  readonly path: string;
  readonly settings: EngineSettings;
  /** Connections that the engine holds. */
  readonly accepted = new Set<Socket>();

  private constructor(folder: string) {
    this.path = join(folder, 'engine.sock');
    this.settings = {
      receiveFolder: join(folder, 'received'),
      host: '127.0.0.1',
      port: 0,
      deviceName: 'a device',
      accept: 'ask',
      acceptLimitBytes: 0,
      compression: 'automatic',
      limitBytesPerSecond: 0,
      discovery: 'off',
    };
    const storage = join(folder, 'storage');
    mkdirSync(storage);
    this.windows = new Windows({
      endpoint: { path: this.path, token: TOKEN },
      version: '0.0.0',
      clock: this.clock,
      courier: (settings) =>
        new Courier({
          storage,
          settings,
          logger: silentLogger,
          onChange: () => undefined,
          onOffer: () => undefined,
          workspaceFolders: () => [],
        }),
      onIdle: () => undefined,
      onHandOver: () => undefined,
    });
  }

  static async open(t: TestContext): Promise<Place> {
    const place = new Place(scratchFolder(t));
    const server = await listenAlone(place.path, (socket) => {
      place.accepted.add(socket);
      socket.once('close', () => place.accepted.delete(socket));
      place.windows.attach(socket);
    });
    assert.ok(server !== undefined);
    t.after(() => {
      for (const socket of place.accepted) socket.destroy();
      server.close();
    });
    return place;
  }

  async connect(t: TestContext): Promise<Socket> {
    const socket = connect(this.path);
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  async attach(t: TestContext): Promise<{ readonly window: EngineWindow; readonly socket: Socket }> {
    const socket = await this.connect(t);
    const window = new EngineWindow(socket);
    window.welcome(await window.connection.sendRequest(requests.hello, this.hello()));
    return { window, socket };
  }

  hello(token = TOKEN) {
    return {
      token,
      rpcVersion: RPC_VERSION,
      version: '0.0.0',
      window: 'window',
      settings: this.settings,
      workspaceFolders: [],
    };
  }
}

function framed(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

function request(method: string, params: unknown): Buffer {
  return framed(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
}

/** Resolves once the engine has ended a connection; what it says before is passed over. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const BOMB = '['.repeat(100_000);
const DEEP = `${BOMB}${']'.repeat(100_000)}`;

test('before hello: whatever is too long or makes no sense ends the connection, and nothing else', async (t) => {
  const place = await Place.open(t);
  const wicked: Readonly<Record<string, Buffer>> = {
    'a message of 100 MB': Buffer.from('Content-Length: 104857600\r\n\r\n'),
    'one of 256 KiB and a byte': Buffer.from(`Content-Length: ${256 * 1024 + 1}\r\n\r\n`),
    'a head without an end': Buffer.alloc(1024, 'x'),
    'a head of line breaks': Buffer.from('\r\n'.repeat(512)),
    'no length': Buffer.from('Content-Type: text/plain\r\n\r\n'),
    'a negative length': Buffer.from('Content-Length: -1\r\n\r\n'),
    'a length of no number': Buffer.from('Content-Length: 1e9\r\n\r\n'),
    'a length beyond all numbers': Buffer.from(`Content-Length: ${'9'.repeat(400)}\r\n\r\n`),
    nothing: Buffer.from('Content-Length: 0\r\n\r\n'),
    'no JSON': framed('{"jsonrpc"'),
    'bytes that are no text': framed(Buffer.alloc(100, 0xff)),
    'no object': framed('null'),
    'no message': framed('[]'),
    'a bomb of brackets': framed(BOMB),
    'brackets that are closed': framed(DEEP),
    'two messages at once': Buffer.concat([request('send', {}), request('hello', place.hello())]),
    'a cancellation of nothing': framed('{"jsonrpc":"2.0","method":"$/cancelRequest"}'),
    'a wrong token': request('hello', place.hello('0'.repeat(64))),
  };
  for (const [what, bytes] of Object.entries(wicked)) {
    await t.test(what, async (t2) => {
      const socket = await place.connect(t2);
      socket.write(bytes);
      await closed(socket);
    });
  }
  const { window } = await place.attach(t);
  assert.equal(window.hello?.version, '0.0.0');
  assert.equal(place.accepted.size, 1);
});

test('before hello: a request, a deep hello, a token of 200 KB are answered with nothing, and closed in time', async (t) => {
  const place = await Place.open(t);
  const sockets: Socket[] = [];
  for (const bytes of [
    request('send', {}),
    request('provideIdentity', {}),
    framed(`{"jsonrpc":"2.0","id":1,"method":"hello","params":${DEEP.slice(0, 1000)}`.slice(0, 500)),
    framed(`{"jsonrpc":"2.0","id":1,"method":"hello","params":{"token":${DEEP}}}`),
    request('hello', place.hello('x'.repeat(200_000))),
    request('hello', { ...place.hello(), workspaceFolders: ['../relative'] }),
    Buffer.from('Content-Length: 200000\r\n\r\n{'),
    Buffer.from('Content-'),
    Buffer.alloc(0),
  ]) {
    const socket = await place.connect(t);
    let answer = '';
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString();
    });
    socket.write(bytes);
    socket.once('close', () => assert.equal(answer.includes('"result"'), false, answer.slice(0, 200)));
    sockets.push(socket);
  }
  // A connection more, so that all before it have been taken up.
  await place.attach(t);
  await place.clock.advance(10_000);
  await Promise.all(sockets.map(closed));
  assert.equal(place.accepted.size, 1);
});

test('before hello: sixty-four are held, more are closed at once, and after ten seconds none is left', async (t) => {
  const place = await Place.open(t);
  const silent: Socket[] = [];
  for (let number = 0; number < 64; number += 1) silent.push(await place.connect(t));
  for (let number = 0; number < 1000; number += 1) await closed(await place.connect(t));
  assert.equal(place.accepted.size, 64);
  await place.clock.advance(10_000);
  await Promise.all(silent.map(closed));
  assert.equal(place.accepted.size, 0);
  await place.attach(t);
});

test('after hello: 100 MB that are announced, or a head without an end, end the connection', async (t) => {
  const place = await Place.open(t);
  for (const bytes of [Buffer.from('Content-Length: 104857600\r\n\r\n'), Buffer.alloc(2000, 'x')]) {
    const { window, socket } = await place.attach(t);
    socket.write(bytes);
    await window.gone();
  }
  await place.attach(t);
});

test('after hello: a flood of messages is read as fast as it is taken up, and no faster', async (t) => {
  const place = await Place.open(t);
  const { socket } = await place.attach(t);
  const [accepted] = place.accepted;
  const focused = framed('{"jsonrpc":"2.0","method":"focused"}');
  socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => focused)));
  for (let turn = 0; turn < 500; turn += 1) await nextTurn();
  const read = accepted?.bytesRead ?? 0;
  assert.ok(read > 0 && read < MEGABYTE, String(read));
});

test('a window that does not read is told the latest once it does, and not everything that was', async (t) => {
  const place = await Place.open(t);
  const { window, socket } = await place.attach(t);
  const { device } = window.state;
  const last = Promise.withResolvers<void>();
  let told = 0;
  window.connection.onNotification(engineNotifications.stateChanged, (change) => {
    told += 1;
    if (change.device?.name.startsWith('999 ') === true) last.resolve();
  });
  socket.pause();
  for (let number = 0; number < 1000; number += 1) {
    place.windows.publish({ device: { ...device, name: `${number} ${'x'.repeat(100_000)}` } });
    // What comes after it does not make it forget this section.
    place.windows.publish({ peers: [] });
    await nextTurn();
  }
  socket.resume();
  await last.promise;
  assert.ok(told < 50, String(told));
});

test('wrong words again and again are five lines in the log of a window', async (t) => {
  const place = await Place.open(t);
  const { window } = await place.attach(t);
  for (let number = 0; number < 100; number += 1) {
    const socket = await place.connect(t);
    socket.write(request('hello', place.hello('0'.repeat(64))));
    await closed(socket);
  }
  // An answer on the window's own connection: what was told before it is there.
  await assert.rejects(window.connection.sendRequest(requests.cancelTransfer, { id: 'nobody' }), /gone/u);
  assert.equal(window.log.length, 5, window.log.at(-1));
});

test('four hundred windows that attach and leave, and ten thousand requests, leave no descriptor behind', async (t) => {
  const place = await Place.open(t);
  const { window } = await place.attach(t);
  const before = countDescriptors();
  for (let number = 0; number < 400; number += 1) {
    const socket = connect(place.path);
    await once(socket, 'connect');
    const other = new EngineWindow(socket);
    // One in four says who it is, the others leave in the middle of it.
    if (number % 4 === 0) await other.connection.sendRequest(requests.hello, place.hello());
    else if (number % 4 === 1) socket.write(request('hello', place.hello()).subarray(0, 100));
    else if (number % 4 === 2) socket.write(request('hello', place.hello()));
    socket.destroy();
    await other.gone();
  }
  for (let number = 0; number < 10_000; number += 100) {
    await Promise.all(
      Array.from({ length: 100 }, () => window.connection.sendRequest(requests.configure, place.settings)),
    );
  }
  while (place.accepted.size > 1) await nextTurn();
  assert.equal(countDescriptors(), before);
  assert.equal(place.windows.workspaceFolders.length, 0);
});
