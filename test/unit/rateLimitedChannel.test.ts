import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { TransferLimit } from '../../src/node/net/rateLimitedChannel.ts';
import { RateLimiter } from '../../src/node/net/rateLimiter.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { MemoryGate } from '../support/memoryGate.ts';

const MIB = 1024 * 1024;

/** Notes what is sent, and when. */
class NotingChannel implements Channel {
  readonly #clock: MemoryClock;
  readonly sent: { readonly at: number; readonly pieces: readonly Uint8Array[] }[] = [];
  readonly gate = new MemoryGate({ isOpen: true });
  readonly inbound: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => this.#end }) };
  readonly #end: Promise<IteratorResult<Uint8Array, undefined>> = Promise.resolve({
    done: true,
    value: undefined,
  });
  isClosed = false;

  constructor(clock: MemoryClock) {
    this.#clock = clock;
  }

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.isClosed) throw new CourierError('connection-lost', 'closed');
    this.sent.push({ at: this.#clock.now(), pieces });
    await this.gate.pass();
    if (this.isClosed) throw new CourierError('connection-lost', 'closed');
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.gate.open();
    return Promise.resolve();
  }

  get bytes(): number {
    return this.sent.reduce((sum, { pieces }) => sum + lengthOf(pieces), 0);
  }
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function limited(bytesPerSecond: number | undefined, count = 1) {
  const clock = new MemoryClock();
  const limiter = new RateLimiter(clock);
  limiter.setRate(bytesPerSecond);
  const inner = Array.from({ length: count }, () => new NotingChannel(clock));
  const limits = inner.map(() => new TransferLimit(limiter));
  const channels = limits.map((limit, at) => limit.over(inner[at] ?? new NotingChannel(clock)));
  const release = (): void => limits[0]?.release();
  const [firstInner, first] = [inner[0], channels[0]];
  if (firstInner === undefined || first === undefined) throw new Error('at least one');
  return { clock, limiter, inner, channels, release, firstInner, first };
}

/** How a promise stands, without waiting for it. */
function watch(promise: Promise<void>): { state: string } {
  const watched = { state: 'waiting' };
  promise.then(
    () => (watched.state = 'sent'),
    (error: unknown) => (watched.state = CourierError.is(error) ? error.code : String(error)),
  );
  return watched;
}

/** Sends for as long as it can. */
async function sendForEver(channel: Channel, piece: Uint8Array): Promise<void> {
  for (;;) await channel.send([new Uint8Array(16), piece]);
}

function assertAbout(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= expected / 100, `${what}: ${actual}, not ${expected}`);
}

suite('the rate', () => {
  for (const bytesPerSecond of [20_000, 1_000_000, 12_345_678, 100 * MIB]) {
    test(`${bytesPerSecond} bytes a second, over ten seconds, from the first`, async () => {
      const { clock, firstInner, first } = limited(bytesPerSecond);
      sendForEver(first, new Uint8Array(4 * MIB)).catch(() => undefined);
      await clock.advance(1000);
      assert.ok(firstInner.bytes <= bytesPerSecond, `no more in the first second: ${firstInner.bytes}`);
      await clock.advance(9000);
      assertAbout(firstInner.bytes, 10 * bytesPerSecond, 'ten seconds');
    });
  }

  test('a long piece is spread evenly', async () => {
    const { clock, firstInner, first } = limited(MIB);
    void first.send([new Uint8Array(8 * MIB)]);
    await clock.advance(4000);
    for (let at = 100; at < 4000; at += 100) {
      const bytes = firstInner.sent
        .filter((slice) => slice.at > at - 100 && slice.at <= at)
        .reduce((sum, { pieces }) => sum + lengthOf(pieces), 0);
      assert.ok(Math.abs(bytes - MIB / 10) <= MIB / 50, `${bytes} bytes up to ${at} ms`);
    }
  });

  test('a timer that is late costs nothing', async () => {
    const { clock, firstInner, first } = limited(MIB);
    sendForEver(first, new Uint8Array(4 * MIB)).catch(() => undefined);
    for (let turn = 0; turn < 100; turn += 1) {
      await quiet();
      clock.tick(90);
      await clock.advance(10);
    }
    assertAbout(firstInner.bytes, 10 * MIB, 'ten seconds');
  });
});

suite('without a limit', () => {
  test('everything goes straight through, as it is', async () => {
    const { clock, firstInner, first } = limited(undefined);
    const pieces = [new Uint8Array(3), new Uint8Array(9 * MIB)];
    firstInner.gate.shut();
    const sending = watch(first.send(pieces));
    assert.equal(firstInner.sent[0]?.pieces, pieces, 'in the same turn');
    await quiet();
    assert.equal(sending.state, 'waiting', 'it has not left yet');
    firstInner.gate.open();
    await quiet();
    assert.equal(sending.state, 'sent');
    assert.equal(clock.armed, 0);
  });

  test('inbound is that of the channel', () => {
    const { firstInner, first } = limited(1);
    assert.equal(first.inbound, firstInner.inbound);
  });
});

test('pieces are cut as views, in order, and none is copied', async () => {
  const { clock, firstInner, first } = limited(100_000);
  const memory = Uint8Array.from({ length: 10_000 }, (_, at) => at % 251);
  const pieces = [0, 1, 17, 3000, 3000, 9000, 10_000].flatMap((end, at, ends) =>
    at === 0 ? [] : [memory.subarray(ends[at - 1], end)],
  );
  const sending = watch(first.send(pieces));
  await clock.advance(80);
  assert.equal(sending.state, 'waiting');
  await clock.advance(20);
  assert.equal(sending.state, 'sent');
  const sent = firstInner.sent.flatMap(({ pieces: slice }) => slice);
  assert.equal(firstInner.sent.length, 5, 'slices of 20 ms');
  assert.deepEqual(Uint8Array.from(Buffer.concat(sent)), memory);
  assert.ok(sent.every(({ buffer }) => buffer === memory.buffer));
  assert.ok(sent.every(({ length }) => length > 0));
  // A header goes with what follows it.
  assert.deepEqual(
    firstInner.sent[0]?.pieces.map(({ length }) => length),
    [1, 16, 1983],
  );
});

test('it has been sent when its last slice has left, not before', async () => {
  const { clock, firstInner, first } = limited(1_000_000);
  firstInner.gate.shut();
  const sending = watch(first.send([new Uint8Array(30_000)]));
  await clock.advance(1000);
  assert.equal(firstInner.sent.length, 1, 'a channel that is not through with a slice gets no other');
  firstInner.gate.step();
  await clock.advance(1000);
  assert.equal(firstInner.bytes, 30_000);
  assert.equal(sending.state, 'waiting');
  firstInner.gate.step();
  await quiet();
  assert.equal(sending.state, 'sent');
});

test('two sends over one channel never mix', async () => {
  const { clock, limiter, firstInner, first } = limited(1_000_000);
  const [one, two, three] = [1, 2, 3].map((value) => watch(first.send([new Uint8Array(50_000).fill(value)])));
  await clock.advance(60);
  assert.deepEqual([one?.state, two?.state, three?.state], ['sent', 'waiting', 'waiting']);
  // What comes later has to wait for the others, also when it would be free to go.
  limiter.setRate(undefined);
  const four = watch(first.send([new Uint8Array(50_000).fill(4)]));
  await quiet();
  assert.deepEqual([two?.state, three?.state, four.state], ['sent', 'sent', 'sent']);
  const sent = Buffer.concat(firstInner.sent.flatMap(({ pieces }) => pieces));
  assert.deepEqual(sent, Buffer.concat([1, 2, 3, 4].map((value) => Buffer.alloc(50_000, value))));
});

test('an empty send goes to the channel, too', async () => {
  const { first, firstInner } = limited(1000);
  await first.send([]);
  await firstInner.close();
  await assert.rejects(first.send([]), isLost);
});

suite('several channels', () => {
  test('two share the rate evenly, whatever the length of their pieces', async () => {
    const { clock, inner, channels } = limited(MIB, 2);
    const [long, short] = channels;
    if (long === undefined || short === undefined) throw new Error('two');
    sendForEver(long, new Uint8Array(4 * MIB)).catch(() => undefined);
    sendForEver(short, new Uint8Array(100_000)).catch(() => undefined);
    await clock.advance(10_000);
    const [first = 0, second = 0] = inner.map(({ bytes }) => bytes);
    assertAbout(first + second, 10 * MIB, 'both');
    // The end of each short piece is a short slice: one in six here.
    assert.ok(Math.abs(first - second) / (first + second) < 0.1, `${first} and ${second}`);
  });

  test('they take turns, slice by slice', async () => {
    const { clock, inner, channels } = limited(1_000_000, 3);
    for (const channel of channels) channel.send([new Uint8Array(100_000)]).catch(() => undefined);
    await clock.advance(300);
    const turns = inner.flatMap(({ sent }, at) => sent.map((slice) => ({ at: slice.at, channel: at })));
    const order = turns.toSorted((left, right) => left.at - right.at).map(({ channel }) => channel);
    assert.deepEqual(
      order,
      Array.from({ length: 15 }, (_, at) => at % 3),
    );
  });

  test('who has nothing to send leaves the rate to the others', async () => {
    const { clock, firstInner, first } = limited(MIB, 4);
    sendForEver(first, new Uint8Array(4 * MIB)).catch(() => undefined);
    await clock.advance(2000);
    assertAbout(firstInner.bytes, 2 * MIB, 'two seconds');
  });
});

test('a transfer with several connections gets no more than one with a single one', async () => {
  const clock = new MemoryClock();
  const limiter = new RateLimiter(clock);
  limiter.setRate(MIB);
  const many = new TransferLimit(limiter);
  const lanes = Array.from({ length: 16 }, () => new NotingChannel(clock));
  for (const lane of lanes) sendForEver(many.over(lane), new Uint8Array(MIB)).catch(() => undefined);
  const alone = new NotingChannel(clock);
  sendForEver(new TransferLimit(limiter).over(alone), new Uint8Array(MIB)).catch(() => undefined);
  await clock.advance(10_000);
  assertAbout(alone.bytes, 5 * MIB, 'the one');
  const bytes = lanes.map((lane) => lane.bytes);
  assertAbout(
    bytes.reduce((sum, each) => sum + each, 0),
    5 * MIB,
    'the sixteen',
  );
  assert.ok(Math.max(...bytes) - Math.min(...bytes) <= MIB / 32, 'they take turns, too');
});

suite('a change of the rate', () => {
  test('counts for what is being sent', async () => {
    const { clock, limiter, firstInner, first } = limited(1_000_000);
    void first.send([new Uint8Array(16 * MIB)]);
    await clock.advance(2000);
    assertAbout(firstInner.bytes, 2_000_000, 'before');
    limiter.setRate(4_000_000);
    await clock.advance(2000);
    assertAbout(firstInner.bytes, 10_000_000, 'faster');
    limiter.setRate(100_000);
    await clock.advance(20_000);
    assertAbout(firstInner.bytes, 12_000_000, 'slower');
  });

  test('counts at once for who waits long already', async () => {
    const { clock, limiter, firstInner, first } = limited(1);
    void first.send([new Uint8Array(20_000)]);
    await clock.advance(1000);
    assert.equal(firstInner.bytes, 0);
    limiter.setRate(1_000_000);
    await clock.advance(20);
    assert.equal(firstInner.bytes, 20_000);
  });

  test('to none lets the rest go in one', async () => {
    const { clock, limiter, firstInner, first } = limited(1_000_000);
    const sending = watch(first.send([new Uint8Array(MIB)]));
    await clock.advance(50);
    limiter.setRate(undefined);
    await quiet();
    assert.equal(sending.state, 'sent');
    assert.equal(firstInner.sent.length, 3);
    assert.equal(firstInner.bytes, MIB);
    assert.equal(clock.armed, 0);
  });

  test('from none begins with an empty bucket', async () => {
    const { clock, limiter, firstInner, first } = limited(undefined);
    await clock.advance(5000);
    limiter.setRate(1_000_000);
    void first.send([new Uint8Array(MIB)]);
    await clock.advance(100);
    assert.equal(firstInner.bytes, 100_000);
  });

  test('to what is no rate is refused, and changes nothing', async () => {
    const { clock, limiter, firstInner, first } = limited(1_000_000);
    assert.throws(() => limiter.setRate(0), RangeError);
    void first.send([new Uint8Array(MIB)]);
    await clock.advance(100);
    assert.equal(firstInner.bytes, 100_000);
  });
});

function isLost(error: unknown): boolean {
  return CourierError.is(error, 'connection-lost');
}

suite('closing', () => {
  test('wakes all that waits, as a broken pipe; the others go on', async () => {
    const { clock, firstInner, first, channels, inner } = limited(1_000_000, 2);
    const [, other] = channels;
    const mine = [watch(first.send([new Uint8Array(MIB)])), watch(first.send([new Uint8Array(10)]))];
    const theirs = watch(other?.send([new Uint8Array(100_000)]) ?? Promise.resolve());
    await clock.advance(50);
    assert.ok(firstInner.bytes > 0 && firstInner.bytes < MIB);
    await first.close();
    assert.deepEqual(
      mine.map(({ state }) => state),
      ['connection-lost', 'connection-lost'],
    );
    assert.equal(firstInner.isClosed, true);
    const before = firstInner.bytes;
    await clock.advance(100);
    assert.equal(firstInner.bytes, before);
    assert.deepEqual([theirs.state, inner[1]?.bytes], ['sent', 100_000]);
    assert.equal(clock.armed, 0, 'nobody waits, so no timer is armed');
  });

  test('gives its turn to the next, who waits no longer than it has to', async () => {
    const { clock, channels, first } = limited(1, 2);
    const closed = watch(first.send([new Uint8Array(1024)]));
    const next = watch(channels[1]?.send([new Uint8Array(10)]) ?? Promise.resolve());
    await clock.advance(1000);
    await first.close();
    assert.equal(closed.state, 'connection-lost');
    await clock.advance(8999);
    assert.equal(next.state, 'waiting');
    await clock.advance(1);
    assert.equal(next.state, 'sent');
  });

  test('of the only one stops the timer', async () => {
    const { clock, first } = limited(1);
    const sending = watch(first.send([new Uint8Array(1024)]));
    assert.equal(clock.armed, 1);
    await first.close();
    assert.deepEqual([sending.state, clock.armed], ['connection-lost', 0]);
  });

  test('while a slice is leaving', async () => {
    const { clock, firstInner, first } = limited(1_000_000);
    firstInner.gate.shut();
    const sending = watch(first.send([new Uint8Array(MIB)]));
    await clock.advance(50);
    await first.close();
    assert.equal(sending.state, 'connection-lost');
    assert.equal(clock.armed, 0);
  });

  test('what is sent afterwards is refused, with a limit and without', async () => {
    const { limiter, first } = limited(1_000_000);
    await first.close();
    await assert.rejects(first.send([new Uint8Array(1)]), isLost);
    limiter.setRate(undefined);
    await assert.rejects(first.send([new Uint8Array(1)]), isLost);
    await first.close();
  });
});

suite('released', () => {
  test('what waits leaves at once, whole and in order, and nothing is held back after it', async () => {
    const { clock, first, firstInner, release } = limited(1000);
    const bytes = Uint8Array.from({ length: 5000 }, (_, at) => at % 251);
    const sending = first.send([bytes]);
    await clock.advance(500);
    assert.ok(firstInner.bytes < bytes.length, 'it was held back');
    release();
    await sending;
    await first.send([Uint8Array.of(255)]);
    assert.equal(clock.now(), 500);
    assert.deepEqual(
      Buffer.concat(firstInner.sent.flatMap(({ pieces }) => pieces)),
      Buffer.from([...bytes, 255]),
    );
  });
});
