import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { CourierError } from '../../src/base/failure.ts';
import { deferred } from '../../src/base/deferred.ts';
import type { Dialled } from '../../src/node/net/dial.ts';
import type { Inbound } from '../../src/node/net/listener.ts';
import type { Address } from '../../src/peers/address.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { newIdentity } from '../support/certificates.ts';
import { dialTo, joinedPair, openReception, serveTcp, serveTls } from '../support/loopback.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';

/** One connection of ours over real TLS: order, back-pressure, and every way in which it can end. */

const timeout = 30_000;
const MIB = 1024 * 1024;

const isLost = (error: unknown): boolean => CourierError.is(error, 'connection-lost');

async function readAll(channel: Channel): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const bytes of channel.inbound) pieces.push(Uint8Array.from(bytes));
  return Buffer.concat(pieces);
}

test('pieces of every size arrive in order, both ways at once', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  const flows = [
    { from: dialled.channel, to: inbound.channel, random: new MemoryRandom(1) },
    { from: inbound.channel, to: dialled.channel, random: new MemoryRandom(2) },
  ];
  const contents: Buffer[] = [];
  const readings: Promise<Buffer>[] = [];
  await Promise.all(
    flows.map(async ({ from, to, random }) => {
      const sent: Uint8Array[] = [];
      const reading = readAll(to);
      for (let time = 0; time < 150; time += 1) {
        const sizes = Array.from({ length: random.below(5) }, () =>
          random.pick([0, 1, 16, 300, 16_383, 16_384, 100_000]),
        );
        const pieces = sizes.map((size) => random.bytes(size));
        sent.push(...pieces);
        await from.send(pieces);
      }
      contents.push(Buffer.concat(sent));
      readings.push(reading);
    }),
  );
  await Promise.all([dialled.channel.close(), inbound.channel.close()]);
  for (const [at, reading] of readings.entries()) {
    assert.ok(contents[at]?.equals(await reading), `flow ${at}`);
  }
});

test('several sends at once keep their order', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  const reading = readAll(inbound.channel);
  const pieces = Array.from({ length: 50 }, (_, at) => Buffer.alloc(40_000, at));
  await Promise.all(pieces.map((piece) => dialled.channel.send([piece])));
  await dialled.channel.close();
  assert.ok(Buffer.concat(pieces).equals(await reading));
});

/** Sends pieces of a mebibyte for as long as the channel takes them; `count` tells how many it has. */
class Flood {
  count = 0;
  readonly ended: Promise<unknown>;

  constructor(channel: Channel, most: number) {
    const piece = Buffer.alloc(MIB, 7);
    const run = async (): Promise<void> => {
      while (this.count < most) {
        await channel.send([piece]);
        this.count += 1;
      }
    };
    this.ended = run().then(
      () => 'all sent',
      (error: unknown) => error,
    );
  }

  /** Resolves when nothing more was taken for many turns of the event loop. */
  async stalled(): Promise<void> {
    for (let turns = 0, seen = -1; turns < 300; turns += 1) {
      if (this.count !== seen) turns = 0;
      seen = this.count;
      await new Promise(setImmediate);
    }
  }
}

test('who sends waits while the peer does not read, and memory stays flat', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  const before = process.memoryUsage().arrayBuffers;
  const flood = new Flood(dialled.channel, 256);
  await flood.stalled();
  assert.ok(flood.count < 64, `${flood.count} MiB were taken though nobody reads`);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * MIB);
  // One who reads a little and stops makes room for a little.
  const first = flood.count;
  const reader = inbound.channel.inbound[Symbol.asyncIterator]();
  let read = 0;
  const readUntil = async (bytes: number): Promise<void> => {
    while (read < bytes) {
      const next: IteratorResult<Uint8Array, unknown> = await reader.next();
      if (next.done === true) return;
      read += next.value.length;
    }
  };
  await readUntil(64 * MIB);
  await flood.stalled();
  assert.ok(flood.count > first && flood.count < 128, `${first}, then ${flood.count} MiB`);
  await readUntil(256 * MIB);
  assert.equal(await flood.ended, 'all sent');
  assert.equal(read, 256 * MIB);
});

test('the memory of what was read is given back when more is asked for', { timeout }, async (t) => {
  if (!('transfer' in ArrayBuffer.prototype)) return t.skip('this Node leaves it to the collector');
  const { dialled, inbound } = await joinedPair(t);
  const sending = dialled.channel.send([Buffer.alloc(MIB, 7)]);
  const pieces: Uint8Array[] = [];
  let read = 0;
  for await (const bytes of inbound.channel.inbound) {
    assert.ok(pieces.every(({ buffer }) => buffer.byteLength === 0));
    assert.ok(bytes.every((byte) => byte === 7));
    pieces.push(bytes);
    read += bytes.length;
    if (read === MIB) break;
  }
  await sending;
  assert.ok(pieces.length > 1);
});

test('a send that waits learns that the peer is gone', { timeout }, async (t) => {
  const server = deferred<TLSSocket>();
  const { address } = await serveTls(t, await newIdentity(), {}, (socket) => server.resolve(socket));
  const { channel } = await dialTo(t, [address]);
  const flood = new Flood(channel, 256);
  await flood.stalled();
  (await server.promise).destroy();
  assert.ok(isLost(await flood.ended));
  await assert.rejects(channel.send([Buffer.alloc(1)]), isLost);
});

test('closing lets everything that was sent arrive', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  const bytes = new MemoryRandom(3).bytes(5 * MIB);
  const sending = dialled.channel.send([bytes]);
  const closing = dialled.channel.close();
  assert.ok(Buffer.from(bytes).equals(await readAll(inbound.channel)));
  await Promise.all([sending, closing]);
});

test('the last words arrive though those of the peer were never read', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  // Unread bytes at a close would make the system send a reset, which destroys what is on its way.
  await inbound.channel.send([Buffer.alloc(200_000, 1)]);
  await dialled.channel.send([Buffer.from('last words')]);
  // It does not take the time limit to get there.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [heard] = await Promise.all([readAll(inbound.channel), dialled.channel.close()]);
  assert.equal(heard.toString(), 'last words');
});

test('who leaves the loop can still speak, and close', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  await inbound.channel.send([Buffer.from('enough')]);
  for await (const _bytes of dialled.channel.inbound) break;
  await dialled.channel.send([Buffer.from('good bye')]);
  const [heard] = await Promise.all([readAll(inbound.channel), dialled.channel.close()]);
  assert.equal(heard.toString(), 'good bye');
});

const endings: Readonly<Record<string, (dialled: Dialled, inbound: Inbound) => Promise<unknown>>> = {
  'both at once': ({ channel }, inbound) => Promise.all([channel.close(), inbound.channel.close()]),
  'one after the other': async ({ channel }, inbound) => {
    await channel.close();
    await inbound.channel.close();
  },
  'one, twice at once': ({ channel }) => Promise.all([channel.close(), channel.close()]),
  'the other side first': async ({ channel }, inbound) => {
    await inbound.channel.close();
    await channel.close();
  },
};

for (const [who, end] of Object.entries(endings)) {
  test(`closed by ${who}: both are done, and nothing more can be said`, { timeout }, async (t) => {
    const { dialled, inbound } = await joinedPair(t);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await end(dialled, inbound);
    for (const { channel } of [dialled, inbound]) {
      assert.equal((await readAll(channel).catch(() => Buffer.alloc(0))).length, 0);
      await assert.rejects(channel.send([Buffer.from('more')]), isLost);
      await channel.close();
    }
  });
}

test('the end of the peer ends the loop', { timeout }, async (t) => {
  const { dialled, inbound } = await joinedPair(t);
  const reading = readAll(dialled.channel);
  await inbound.channel.send([Buffer.from('all')]);
  await inbound.channel.close();
  assert.equal((await reading).toString(), 'all');
});

interface Relay {
  readonly address: Address;
  /** Breaks both connections as a crash would: with a reset, not with an end. */
  readonly breakOff: (talk: () => Promise<unknown>) => Promise<void>;
}

/** A way to `target` that can break. */
async function openRelay(t: TestContext, target: Address): Promise<Relay> {
  const ends: Socket[] = [];
  const { address } = await serveTcp(t, (near) => {
    const far = connectTcp(target);
    far.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
    ends.push(near, far);
  });
  const breakOff = async (talk: () => Promise<unknown>): Promise<void> => {
    for (const end of ends) end.unpipe().pause();
    // The system resets a connection that is closed while there is something unread.
    await talk();
    for (const end of ends) end.destroy();
  };
  return { address, breakOff };
}

async function relayedPair(
  t: TestContext,
): Promise<{ channels: [Channel, Channel]; breakOff: () => Promise<void> }> {
  const reception = await openReception(t);
  const relay = await openRelay(t, reception.address);
  const coming = reception.nextInbound();
  const { channel } = await dialTo(t, [relay.address]);
  const channels: [Channel, Channel] = [channel, (await coming).channel];
  const talk = (): Promise<unknown> =>
    Promise.all(channels.map((each) => each.send([Buffer.alloc(200_000, 1)])));
  return { channels, breakOff: () => relay.breakOff(talk) };
}

test(
  'a connection that breaks is an error to who reads and to who sends, and no more',
  { timeout },
  async (t) => {
    const { channels, breakOff } = await relayedPair(t);
    const readings = channels.map((channel) => assert.rejects(readAll(channel), isLost));
    await breakOff();
    await Promise.all(readings);
    for (const channel of channels) {
      await assert.rejects(channel.send([Buffer.from('more')]), isLost);
      await assert.rejects(readAll(channel), isLost);
      await channel.close();
    }
  },
);

test('a break that nobody waits for disturbs nobody', { timeout }, async (t) => {
  const { channels, breakOff } = await relayedPair(t);
  await breakOff();
  await Promise.all(channels.map((channel) => channel.close()));
  for (const channel of channels) await assert.rejects(channel.send([Buffer.from('more')]), isLost);
});

test('a record that was forged on the way breaks the connection', { timeout }, async (t) => {
  const reception = await openReception(t);
  const near = deferred<Socket>();
  const { address } = await serveTcp(t, (socket) => {
    const far = connectTcp(reception.address);
    far.on('error', () => undefined);
    socket.pipe(far);
    far.pipe(socket);
    near.resolve(far);
  });
  const coming = reception.nextInbound();
  const { channel } = await dialTo(t, [address]);
  const inbound = await coming;
  const reading = assert.rejects(readAll(inbound.channel), isLost);
  (await near.promise).write(Buffer.from([23, 3, 3, 0, 40, ...Array.from({ length: 40 }, () => 9)]));
  await reading;
  await Promise.all([channel.close(), inbound.channel.close()]);
});

test('a peer that does not agree to the end is left after a moment', { timeout }, async (t) => {
  const server = deferred<TLSSocket>();
  // `net` knows this option, and `tls` hands it on.
  const halfOpen: TlsOptions & { readonly allowHalfOpen: boolean } = { allowHalfOpen: true };
  const { address } = await serveTls(t, await newIdentity(), halfOpen, (socket) => {
    socket.pause();
    server.resolve(socket);
  });
  const { channel } = await dialTo(t, [address]);
  await server.promise;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let isClosed = false;
  const closing = channel.close().then(() => {
    isClosed = true;
  });
  t.mock.timers.tick(1999);
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  assert.equal(isClosed, false);
  t.mock.timers.tick(1);
  await closing;
  await assert.rejects(channel.send([Buffer.from('more')]), isLost);
});

test('a small header and its payload leave in one record', { timeout }, async (t) => {
  const pieces: Buffer[] = [];
  const { address } = await serveTls(t, await newIdentity(), {}, (socket) => {
    socket.on('data', (piece: Buffer) => pieces.push(piece));
  });
  const { channel } = await dialTo(t, [address]);
  await channel.send([Buffer.alloc(16, 1), Buffer.alloc(100, 2), Buffer.alloc(0), Buffer.alloc(300, 3)]);
  await channel.close();
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [416],
  );
});
