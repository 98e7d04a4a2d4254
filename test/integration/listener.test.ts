import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Listener } from '../../src/node/net/listener.ts';
import { STRANGER_LIMITS } from '../../src/node/net/strangers.ts';
import type { Dialled } from '../../src/node/net/dial.ts';
import type { Inbound } from '../../src/node/net/listener.ts';
import type { Address } from '../../src/peers/address.ts';
import { newIdentity } from '../support/certificates.ts';
import {
  ANY_RATE,
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
import { MemoryClock } from '../support/memoryClock.ts';

/** What strangers can do to a listener, and what they cannot. */

const timeout = 30_000;
const { most: MOST_STRANGERS, mostFromOneNetwork: MOST_PER_ADDRESS, admissionMs } = STRANGER_LIMITS;

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
  'case 155: plain HTTP': 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'the words of SSH': 'SSH-2.0-OpenSSH_9.6\r\n',
  'frames without TLS': Buffer.alloc(100, 1),
  noise: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 251)),
  'a record that is too long': Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), Buffer.alloc(70_000, 1)]),
  'a hello that is damaged': Buffer.concat([
    Buffer.from([22, 3, 1, 0, 50, 1, 0, 0, 46, 3, 3]),
    Buffer.alloc(44, 255),
  ]),
  'case 155: the hello of SSL 3': Buffer.concat([
    Buffer.from([22, 3, 0, 0, 49, 1, 0, 0, 45, 3, 0]),
    Buffer.alloc(32, 7),
    // No session; RC4 and 3DES; no compression.
    Buffer.from([0, 0, 6, 0, 4, 0, 5, 0, 10, 1, 0]),
  ]),
  'case 155: the hello of SSL 2': Buffer.concat([
    Buffer.from([128, 28, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 128]),
    Buffer.alloc(16, 7),
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
  'case 100: one more from a full address takes the place of the oldest from there',
  { timeout },
  async (t) => {
    const reception = await openReception(t);
    const silent = await connectSilent(t, reception.address, MOST_PER_ADDRESS);
    await checkOpen(t, reception);
    assert.equal(await closedAfter(silent[0] ?? assert.fail()), 0);
    assert.equal(silent.filter(({ closed }) => closed).length, 1);
  },
);

test(
  'case 100: in a full house one more takes the place of the oldest from the fullest address',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const reception = await openReception(t, { limits: ANY_RATE });
    const lonely = await connectSilent(t, reception.address, 1, '127.0.0.2');
    const silent: Socket[] = [];
    for (const from of ['127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']) {
      silent.push(...(await connectSilent(t, reception.address, MOST_PER_ADDRESS, from)));
    }
    // The house has been full once already.
    await closedAfter(silent[0] ?? assert.fail());
    assert.equal(silent.length, MOST_STRANGERS);
    await checkOpen(t, reception);
    await closedAfter(silent[MOST_PER_ADDRESS] ?? assert.fail());
    const left = [...lonely, ...silent].filter(({ closed }) => closed);
    assert.deepEqual(left, [silent[0], silent[MOST_PER_ADDRESS]]);
  },
);

test(
  'case 100: who comes faster than the rate is closed before a handshake, and others come in',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const clock = new MemoryClock();
    const reception = await openReception(t, { clock });
    const { atOnce, everyMs } = STRANGER_LIMITS.rates.fromOneNetwork;
    await connectSilent(t, reception.address, atOnce, '127.0.0.2');
    const refused = async (): Promise<void> => {
      const [late] = await connectSilent(t, reception.address, 1, '127.0.0.2');
      assert.equal(await closedAfter(late ?? assert.fail()), 0);
    };
    await refused();
    clock.tick(everyMs - 1);
    await refused();
    assert.equal(reception.logged.filter((line) => line.includes('too fast')).length, 2);
    await checkOpen(t, reception);
    clock.tick(1);
    const [next] = await connectSilent(t, reception.address, 1, '127.0.0.2');
    await checkOpen(t, reception);
    assert.equal(next?.closed, false);
  },
);

/** Comes in with a key, and is let in or not. */
async function enter(
  t: TestContext,
  reception: Reception,
  isAdmitted: boolean,
): Promise<{ readonly dialled: Dialled; readonly inbound: Inbound }> {
  const coming = reception.nextInbound();
  const dialled = await dialTo(t, [reception.address]);
  const inbound = await coming;
  if (isAdmitted) inbound.admitted();
  return { dialled, inbound };
}

/** Whether what the listener's end says reaches the other end; both are closed then. */
async function isAlive({ dialled, inbound }: Awaited<ReturnType<typeof enter>>): Promise<boolean> {
  const heard = nextText(dialled.channel).catch(() => '');
  await inbound.channel.send([Buffer.from('still here')]).catch(() => undefined);
  const isHeard = (await heard) === 'still here';
  await Promise.all([dialled.channel.close(), inbound.channel.close()]);
  return isHeard;
}

test('who is let in counts no more; who only has a key does', { timeout }, async (t) => {
  const reception = await openReception(t, { limits: ANY_RATE });
  const admitted = await enter(t, reception, true);
  const unadmitted = await enter(t, reception, false);
  const [first] = await connectSilent(t, reception.address, MOST_PER_ADDRESS);
  assert.equal(await isAlive(unadmitted), false);
  assert.equal(await isAlive(admitted), true);
  assert.equal(first?.closed, false);
});

test('strangers that come and go leave no trace', { timeout }, async (t) => {
  const reception = await openReception(t, { limits: ANY_RATE });
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

test('case 101: a handshake that never begins ends after its time', { timeout }, async (t) => {
  const clock = new MemoryClock();
  const reception = await openReception(t, { clock });
  const first = await connectSilent(t, reception.address, 2);
  await checkOpen(t, reception);
  await clock.advance(admissionMs / 2);
  const second = await connectSilent(t, reception.address, 2);
  await checkOpen(t, reception);
  await clock.advance(admissionMs / 2);
  await Promise.all(first.map((socket) => closedAfter(socket)));
  await checkOpen(t, reception);
  assert.equal(second.filter(({ closed }) => closed).length, 0);
});

test('case 101: a handshake byte by byte ends after its time as well', { timeout }, async (t) => {
  const clock = new MemoryClock();
  const reception = await openReception(t, { clock });
  const hello = await clientHello(t);
  const socket = await connectPlain(t, reception.address);
  socket.setNoDelay(true);
  const ended = closedAfter(socket);
  const bytes = admissionMs / 1000;
  assert.ok(bytes < hello.length);
  for (let sent = 0; sent < bytes; sent += 1) {
    // A byte a second: none of them earns any time.
    socket.write(hello.subarray(sent, sent + 1));
    await checkOpen(t, reception);
    assert.equal(socket.closed, false);
    await clock.advance(1000);
  }
  assert.equal(await ended, 0);
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

test('case 102: the handshake and the greeting have one deadline', { timeout }, async (t) => {
  const clock = new MemoryClock();
  const reception = await openReception(t, { clock });
  const [early, kept, late, admitted] = [
    await enter(t, reception, false),
    await enter(t, reception, false),
    await enter(t, reception, false),
    await enter(t, reception, true),
  ];
  kept.inbound.kept();
  await clock.advance(admissionMs - 1);
  assert.equal(await isAlive(early), true);
  await clock.advance(1);
  assert.equal(await isAlive(late), false);
  assert.equal(await isAlive(kept), true, 'a user deals with it');
  assert.equal(await isAlive(admitted), true);
  assert.ok(reception.logged.includes('dropped a connection from 127.0.0.1: it was not let in in time'));
  assert.equal(clock.armed, 0);
});

test('closing drops strangers, keeps peers, and frees the port', { timeout }, async (t) => {
  const { dialled, inbound, reception } = await joinedPair(t, { clock: new MemoryClock() });
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

test('case 125: a port that is taken, and an address that is not ours, are named', { timeout }, async (t) => {
  const reception = await openReception(t);
  const identity = await newIdentity();
  const open = (host: string, port: number): Promise<Listener> =>
    Listener.open({ identity, host, port, onInbound: () => undefined, logger: silentLogger });
  await assert.rejects(open(LOOPBACK, reception.address.port), isFailure('port-in-use'));
  await assert.rejects(open('203.0.113.1', 0), isFailure('address-unavailable'));
  await checkOpen(t, reception);
});

test(
  'case 100: on Linux a port has several queues, so that one turn of the loop takes up several connections',
  { timeout, skip: process.platform !== 'linux' },
  async (t) => {
    const reception = await openReception(t);
    const port = reception.address.port.toString(16).toUpperCase().padStart(4, '0');
    const listening = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .filter((line) => line.includes(`:${port} 00000000:0000 0A`));
    assert.equal(listening.length, 8);
    for (let at = 0; at < 16; at += 1) await checkOpen(t, reception);
    reception.listener.close();
    await assert.rejects(dialTo(t, [reception.address]), isFailure('not-listening'));
  },
);

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
