import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Listener } from '../../src/node/net/listener.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../../src/node/net/tlsOptions.ts';
import type { Address } from '../../src/peers/address.ts';
import { newIdentity } from '../support/certificates.ts';
import {
  closedAfter,
  connectForeign,
  connectPlain,
  dialTo,
  joinedPair,
  LOOPBACK,
  nextText,
  openReception,
  serveTcp,
} from '../support/loopback.ts';
import type { Reception } from '../support/loopback.ts';

/** What strangers can do to a listener, and what they cannot. */

const timeout = 30_000;
const MOST_STRANGERS = 64;
const MOST_PER_ADDRESS = 16;

function isFailure(code: FailureCode): (error: unknown) => boolean {
  return (error) => CourierError.is(error, code);
}

/** A peer of ours gets in and is heard. */
async function checkOpen(t: TestContext, reception: Reception): Promise<void> {
  const coming = reception.nextInbound();
  const { channel } = await dialTo(t, [reception.address]);
  const inbound = await coming;
  await channel.send([Buffer.from('hello')]);
  assert.equal(await nextText(inbound.channel), 'hello');
  await Promise.all([channel.close(), inbound.channel.close()]);
}

/** Connects without a word; resolves when the system says that it is connected. */
async function connectSilent(
  t: TestContext,
  address: Address,
  count: number,
  from?: string,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  // One after another, so that the listener meets them in this order.
  for (let at = 0; at < count; at += 1) sockets.push(await connectPlain(t, address, from));
  return sockets;
}

const noise: Readonly<Record<string, string | Buffer>> = {
  'plain HTTP': 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'the words of SSH': 'SSH-2.0-OpenSSH_9.6\r\n',
  'frames without TLS': Buffer.alloc(100, 1),
  noise: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 251)),
  'a record that is too long': Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), Buffer.alloc(70_000, 1)]),
  'a hello that is damaged': Buffer.concat([
    Buffer.from([22, 3, 1, 0, 50, 1, 0, 0, 46, 3, 3]),
    Buffer.alloc(44, 255),
  ]),
  'an alert': Buffer.from([21, 3, 3, 0, 2, 2, 40]),
};

for (const [what, bytes] of Object.entries(noise)) {
  test(`${what} is refused and disturbs nobody`, { timeout }, async (t) => {
    const reception = await openReception(t);
    const socket = await connectPlain(t, reception.address);
    socket.write(bytes);
    await closedAfter(socket);
    assert.deepEqual(reception.inbounds, []);
    await checkOpen(t, reception);
    for (const line of reception.logged) {
      assert.match(line, /^[ -~]{1,120}$/u, 'the log is one printable line');
    }
  });
}

test('whoever hangs up at any moment disturbs nobody', { timeout }, async (t) => {
  const reception = await openReception(t);
  for (let at = 0; at < 20; at += 1) {
    const socket = await connectPlain(t, reception.address);
    if (at % 4 === 1) socket.destroy();
    else if (at % 4 === 2) socket.resetAndDestroy();
    else if (at % 4 === 3) socket.end(Buffer.from([22, 3, 1, 0, 200, 1]));
    else socket.end();
    await closedAfter(socket);
  }
  // Right after the handshake, before the listener can have said anything.
  for (let at = 0; at < 10; at += 1) {
    const { privateKey: key, certificate: cert } = await newIdentity();
    const client = connectForeign(t, reception.address, { key, cert });
    client.once('secureConnect', () => client.destroy());
    await closedAfter(client);
  }
  await checkOpen(t, reception);
});

test(
  'the 17th stranger from one address is dropped; when one leaves, there is room again',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const silent = await connectSilent(t, reception.address, MOST_PER_ADDRESS);
    const [extra] = await connectSilent(t, reception.address, 1);
    assert.equal(await closedAfter(extra ?? assert.fail()), 0);
    await assert.rejects(dialTo(t, [reception.address]), isFailure('not-peer-courier'));
    assert.equal(silent.filter(({ closed }) => closed).length, 0);
    silent[5]?.destroy();
    await comesIn(t, reception);
  },
);

test(
  'the 65th stranger is dropped, wherever it is from',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const reception = await openReception(t);
    const silent: Socket[] = [];
    for (const from of ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']) {
      silent.push(...(await connectSilent(t, reception.address, MOST_PER_ADDRESS, from)));
    }
    assert.equal(silent.length, MOST_STRANGERS);
    const [extra] = await connectSilent(t, reception.address, 1, '127.0.0.6');
    assert.equal(await closedAfter(extra ?? assert.fail()), 0);
    await assert.rejects(dialTo(t, [reception.address]), isFailure('not-peer-courier'));
    assert.equal(silent.filter(({ closed }) => closed).length, 0);
    silent[5]?.resetAndDestroy();
    await comesIn(t, reception);
  },
);

test(
  'strangers from one address keep no other out',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const reception = await openReception(t);
    await connectSilent(t, reception.address, MOST_PER_ADDRESS + 5, '127.0.0.2');
    await checkOpen(t, reception);
  },
);

/** A peer comes in as soon as the listener has noticed that there is room: there is no event for that out here. */
async function comesIn(t: TestContext, reception: Reception): Promise<void> {
  for (;;) {
    try {
      await checkOpen(t, reception);
      return;
    } catch (error) {
      if (!isFailure('not-peer-courier')(error)) throw error;
    }
  }
}

test('who is let in counts no more; who only has a key does', { timeout }, async (t) => {
  const reception = await openReception(t);
  const enter = async (isAdmitted: boolean): Promise<void> => {
    const coming = reception.nextInbound();
    await dialTo(t, [reception.address]);
    const inbound = await coming;
    if (isAdmitted) inbound.admitted();
  };
  for (let at = 0; at < 5; at += 1) await enter(true);
  for (let at = 0; at < 3; at += 1) await enter(false);
  const silent = await connectSilent(t, reception.address, MOST_PER_ADDRESS - 3);
  const [extra] = await connectSilent(t, reception.address, 1);
  await closedAfter(extra ?? assert.fail());
  assert.equal(silent.filter(({ closed }) => closed).length, 0);
  // One that was let in leaves: that makes no room for a stranger.
  await reception.inbounds[0]?.channel.close();
  const [another] = await connectSilent(t, reception.address, 1);
  await closedAfter(another ?? assert.fail());
  // One that was not does.
  await reception.inbounds[5]?.channel.close();
  await comesIn(t, reception);
});

test('strangers that come and go leave no trace', { timeout }, async (t) => {
  const reception = await openReception(t);
  for (let at = 0; at < 3 * MOST_STRANGERS; at += 1) {
    const [socket] = await connectSilent(t, reception.address, 1);
    if (at % 2 === 0) socket?.write('no TLS at all, and longer than a record header');
    else socket?.end();
    await closedAfter(socket ?? assert.fail());
  }
  const { inbounds } = reception;
  for (let at = 0; at < 3; at += 1) await checkOpen(t, reception);
  assert.equal(inbounds.length, 3);
});

/** Makes the timeouts of sockets end at once, and notes what they were. */
function hurryTimeouts(t: TestContext, hurriedMs: number): number[] {
  const asked: number[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
  const original = Socket.prototype.setTimeout;
  function setTimeout(this: Socket, ms: number, action?: () => void): Socket {
    if (ms > 0) asked.push(ms);
    return original.call(this, ms > 0 ? hurriedMs : 0, action);
  }
  t.mock.method(Socket.prototype, 'setTimeout', setTimeout);
  return asked;
}

test(
  'a handshake that never begins ends after its time, and its place is free again',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const asked = hurryTimeouts(t, 50);
    const silent = await connectSilent(t, reception.address, MOST_PER_ADDRESS);
    await Promise.all(silent.map((socket) => closedAfter(socket)));
    assert.deepEqual(new Set(asked), new Set([HANDSHAKE_TIMEOUT_MS]));
    t.mock.restoreAll();
    await comesIn(t, reception);
  },
);

test('a handshake byte by byte ends after its time as well', { timeout }, async (t) => {
  const reception = await openReception(t);
  hurryTimeouts(t, 200);
  const hello = await clientHello(t);
  const socket = await connectPlain(t, reception.address);
  socket.setNoDelay(true);
  let sent = 0;
  const drip = setInterval(() => {
    socket.write(hello.subarray(sent, sent + 1));
    sent += 1;
  }, 10);
  await closedAfter(socket);
  clearInterval(drip);
  assert.ok(sent < hello.length, 'it was dropped before its hello was whole');
});

/** The first words of a TLS client. */
async function clientHello(t: TestContext): Promise<Buffer> {
  let settle: (bytes: Buffer) => void = () => undefined;
  const first = new Promise<Buffer>((resolve) => {
    settle = resolve;
  });
  const { address } = await serveTcp(t, (socket) => void socket.once('data', settle));
  connectForeign(t, address, {});
  return first;
}

test('a peer that is in is not put out by the handshake’s time', { timeout }, async (t) => {
  hurryTimeouts(t, 100);
  const { dialled, inbound } = await joinedPair(t);
  // A connection that is made later and times out shows that the time is over.
  const silent = await connectPlain(t, dialled.address);
  await closedAfter(silent);
  await dialled.channel.send([Buffer.from('still here')]);
  assert.equal(await nextText(inbound.channel), 'still here');
});

test('closing drops strangers, keeps peers, and frees the port', { timeout }, async (t) => {
  const { dialled, inbound, reception } = await joinedPair(t);
  inbound.admitted();
  const [silent] = await connectSilent(t, reception.address, 1);
  const coming = reception.nextInbound();
  const unadmitted = await dialTo(t, [reception.address]);
  await coming;
  reception.listener.close();
  await closedAfter(silent ?? assert.fail());
  const ended = unadmitted.channel.inbound[Symbol.asyncIterator]().next();
  assert.equal(
    await ended.then(
      ({ done }) => done,
      () => true,
    ),
    true,
  );
  await assert.rejects(dialTo(t, [reception.address]), isFailure('not-listening'));
  await dialled.channel.send([Buffer.from('still here')]);
  assert.equal(await nextText(inbound.channel), 'still here');
  reception.listener.close();
});

test('a port that is taken, and an address that is not ours, are named', { timeout }, async (t) => {
  const reception = await openReception(t);
  const identity = await newIdentity();
  const open = (host: string, port: number): Promise<Listener> =>
    Listener.open({ identity, host, port, onInbound: () => undefined, logger: silentLogger });
  await assert.rejects(open(LOOPBACK, reception.address.port), isFailure('port-in-use'));
  await assert.rejects(open('203.0.113.1', 0), isFailure('address-unavailable'));
  await checkOpen(t, reception);
});

test('without a host it listens on every interface', { timeout }, async (t) => {
  const identity = await newIdentity();
  const listener = await Listener.open({
    identity,
    port: 0,
    onInbound: () => undefined,
    logger: silentLogger,
  });
  t.after(() => listener.close());
  assert.ok(['::', '0.0.0.0'].includes(listener.address.host));
  const socket = connectTcp(listener.address.port, LOOPBACK);
  await once(socket, 'connect');
  socket.destroy();
});
