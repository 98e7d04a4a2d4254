/** Frames that lie about themselves, over TLS: refused by their header, in both roles; and many at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, message, TYPES } from '../support/wickedFrames.ts';
import type { FrameName, WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload, HELLO, listed, sha256 } from '../support/wickedSession.ts';
import { after, before, inPlaceOf, PLAIN_ENTRIES, Prey, spelled, Target } from './wire.ts';

const MIB = 1024 * 1024;
const ROUNDS = 6;

/** Most bytes of a frame's payload, docs/protocol.md § 4; those of `data` hang on the chunk. */
const MOST_BYTES: Readonly<Record<Exclude<FrameName, 'data'>, number>> = {
  hello: 16 * 1024,
  offer: 64 * 1024,
  page: MIB,
  offerEnd: 64 * 1024,
  answer: 64 * 1024,
  want: 128 * 1024,
  same: 0,
  failed: 64 * 1024,
  progress: 64 * 1024,
  outcome: 64 * 1024,
  receipt: 64 * 1024,
  close: 64 * 1024,
  alive: 0,
  join: 16 * 1024,
  joined: 0,
  lost: 64 * 1024,
};

const [pack] = chunksOf(PLAIN_ENTRIES);
const reply = dataPayload(pack ?? assert.fail('no chunk'));

/** A header that announces `length` bytes, and no byte of them. */
const announced = (name: FrameName, length: number): WickedFrame => ({ type: TYPES[name], length });

/** What a sender says in turn, by the name of the frame before which the lie is told. */
const SENDER_TURNS: readonly (keyof typeof MOST_BYTES)[] = ['hello', 'offer', 'page', 'offerEnd', 'close'];
const RECEIVER_TURNS: readonly (keyof typeof MOST_BYTES)[] = ['hello', 'answer', 'close'];

test('case 1: a frame of no bytes is refused where it has to say something, and nothing loops', async (t) => {
  const target = await Target.open(t);
  for (const name of ['hello', 'offer', 'page', 'offerEnd'] as const) {
    await target.assertRefused(name, {
      entries: PLAIN_ENTRIES,
      bend: inPlaceOf(name, { type: TYPES[name] }),
    });
  }
  await target.assertRefused('data 0', {
    entries: PLAIN_ENTRIES,
    bend: inPlaceOf('data 0', { type: TYPES.data }),
  });
  const prey = await Prey.openPlain(t);
  for (const name of ['hello', 'answer', 'receipt'] as const) {
    const turn = name === 'answer' ? 'answer 0' : name;
    await prey.assertRefused(name, { bend: inPlaceOf(turn, { type: TYPES[name] }) });
  }
  // Where nothing has to be said, it is no more than that.
  const still = Array.from({ length: 1000 }, () => message('alive'));
  const sent = await target.play({ entries: PLAIN_ENTRIES, bend: after('page', ...still) });
  assert.ok(sent.receipt !== undefined);
  assert.ok((await prey.play({ bend: after('answer 0', ...still) })).report.receipt !== undefined);
});

test('case 2: a frame one byte longer than any of its kind is refused by its header', async (t) => {
  const target = await Target.open(t);
  for (const name of SENDER_TURNS) {
    const turn = name === 'close' ? 'offer' : name;
    const bend = inPlaceOf(turn, announced(name, MOST_BYTES[name] + 1));
    await target.assertRefused(name, { entries: PLAIN_ENTRIES, bend }, 'limit-exceeded');
  }
  const tooLong = { type: TYPES.data, length: reply.length + 1 };
  await target.assertRefused(
    'data',
    { entries: PLAIN_ENTRIES, bend: inPlaceOf('data 0', tooLong) },
    'limit-exceeded',
  );
  const prey = await Prey.openPlain(t);
  for (const name of RECEIVER_TURNS) {
    const turn = name === 'hello' ? name : 'answer 0';
    await prey.assertRefused(
      name,
      { bend: inPlaceOf(turn, announced(name, MOST_BYTES[name] + 1)) },
      'limit-exceeded',
    );
  }
  const want = announced('want', MOST_BYTES.want + 1);
  await prey.assertRefused('want', { bend: inPlaceOf('want 0', want) }, 'limit-exceeded');
  await target.assertSound();
});

test('case 3: lengths of gigabytes cost the memory of a header', async (t) => {
  const target = await Target.open(t);
  const lie = async (length: number): Promise<void> => {
    for (const name of ['hello', 'offer', 'page', 'data'] as const) {
      const turn = name === 'data' ? 'data 0' : name;
      const bend = inPlaceOf(turn, announced(name, length));
      await target.assertRefused(`${name} of ${length}`, { entries: PLAIN_ENTRIES, bend }, 'limit-exceeded');
    }
  };
  // The first one brings what a session needs at all; buffers outside of the heap would show at once.
  await lie(2 ** 31);
  const atFirst = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < ROUNDS; round += 1) await lie([2 ** 31, 2 ** 32 - 1][round % 2] ?? 0);
  const grown = process.memoryUsage().arrayBuffers - atFirst;
  assert.ok(grown < MIB, `${grown} bytes of buffers`);
});

test('case 8: a thousand messages in one segment are all heard, and hold the loop for less than 100 ms', async (t) => {
  const prey = await Prey.openPlain(t);
  const { peer, sending } = await prey.meet();
  await peer.expect('hello');
  peer.say('hello', { ...HELLO, role: 'receiver' });
  await peer.expect('offerEnd');
  const turns = new LoopTurns();
  const messages = Array.from({ length: 1000 }, (_, at) =>
    message('progress', { bytes: Math.floor((at * 8) / 999), entries: Math.floor((at * 3) / 999) }),
  );
  const answer = message('answer', { decisions: [['skip', 3]] });
  peer.sendBytes(Buffer.concat([...messages.slice(1), answer].map(encode)));
  const root = sha256().toString('hex');
  peer.say('receipt', { root, published: 0, same: 0, skipped: 3, failed: 0, bytes: 0 });
  assert.equal((await prey.settled(peer, sending)).code, 'done');
  const longest = turns.stop();
  assert.ok(longest < 100_000, `${longest} µs`);
  t.diagnostic(`the longest turn of the loop took ${Math.round(longest / 1000)} ms of processor time`);
});

test('case 8: of a thousand messages in one segment, a wrong one is found wherever it stands', async (t) => {
  const prey = await Prey.openPlain(t);
  for (const place of [0, 500, 999]) {
    const messages = Array.from({ length: 1000 }, (_, at) =>
      message('progress', { bytes: at === place ? 9 : 0, entries: 0 }),
    );
    await prey.assertRefused(`the ${place}th`, { bend: before('answer 0', ...messages) });
  }
});

/** Measures turns of the event loop by the processor time of this thread: a busy machine does not make it longer. */
class LoopTurns {
  #last = process.threadCpuUsage();
  #longest = 0;
  #next = setImmediate(() => this.#turn());

  /** Microseconds of the longest turn. */
  stop(): number {
    clearImmediate(this.#next);
    return this.#longest;
  }

  #turn(): void {
    const { user, system } = process.threadCpuUsage(this.#last);
    this.#longest = Math.max(this.#longest, user + system);
    this.#last = process.threadCpuUsage();
    this.#next = setImmediate(() => this.#turn());
  }
}

/** Bytes of a header that version 1 does not know. */
const UNKNOWN: readonly WickedFrame[] = [
  { type: 0 },
  { type: 15 },
  { type: 255 },
  ...[1, 128].map((flags) => ({ type: TYPES.alive, flags })),
  ...[1, 256].map((reserved) => ({ type: TYPES.alive, reserved })),
];

test('case 11, 66: a type, a flag or a reserved bit of no version is refused, at every turn', async (t) => {
  const target = await Target.open(t);
  for (const frame of UNKNOWN) {
    for (const turn of ['hello', 'offer', 'page', 'data 0']) {
      const what = `${JSON.stringify(frame)} before ${turn}`;
      await target.assertRefused(what, { entries: PLAIN_ENTRIES, bend: before(turn, frame) });
    }
  }
  const prey = await Prey.openPlain(t);
  for (const frame of UNKNOWN) {
    for (const turn of ['hello', 'answer 0', 'receipt']) {
      await prey.assertRefused(`${JSON.stringify(frame)} before ${turn}`, { bend: before(turn, frame) });
    }
  }
  // A flag that would write in another way, on the frames that lead to writing.
  for (const flags of [1, 128]) {
    const page = message('page', { entries: PLAIN_ENTRIES.map(listed) }, { flags });
    await target.assertRefused('page', { entries: PLAIN_ENTRIES, bend: inPlaceOf('page', page) });
    const data = { type: TYPES.data, flags, payload: reply };
    await target.assertRefused('data', { entries: PLAIN_ENTRIES, bend: inPlaceOf('data 0', data) });
  }
  await target.assertSound();
});

/** Digests of the wrong length, as they would be spelled. */
const DIGESTS = ['', 'ab', 'ab'.repeat(31), 'ab'.repeat(33), 'ab'.repeat(20_000)];

test('case 13: a digest of another length is refused', async (t) => {
  const target = await Target.open(t);
  for (const hex of DIGESTS) {
    const offer = message('offer', { transfer: hex.slice(0, 60_000), label: 'x' });
    await target.assertRefused('offer', { entries: PLAIN_ENTRIES, bend: inPlaceOf('offer', offer) });
    const proof = { invite: '0011223344556677', mac: hex.slice(0, 10_000) };
    await target.assertRefused('hello', { entries: PLAIN_ENTRIES, hello: { proof } });
  }
  // A `data` with its digest cut short or drawn out has another length than the layout gives.
  for (const length of [0, 1, 31]) {
    const data = {
      type: TYPES.data,
      payload: Buffer.concat([reply.subarray(0, length), reply.subarray(32)]),
    };
    await target.assertRefused(`data ${length}`, { entries: PLAIN_ENTRIES, bend: inPlaceOf('data 0', data) });
  }
  const drawnOut = { type: TYPES.data, payload: Buffer.concat([Buffer.alloc(1), reply]) };
  await target.assertRefused(
    'data 33',
    { entries: PLAIN_ENTRIES, bend: inPlaceOf('data 0', drawnOut) },
    'limit-exceeded',
  );
  const prey = await Prey.openPlain(t);
  for (const hex of DIGESTS) {
    const receipt = { root: hex, published: 3, same: 0, skipped: 0, failed: 0, bytes: 8 };
    await prey.assertRefused('receipt', { bend: inPlaceOf('receipt', message('receipt', receipt)) });
    const want = spelled('want', JSON.stringify({ have: [hex, null] }));
    await prey.assertRefused('want', { bend: inPlaceOf('want 0', want) });
  }
  await target.assertSound();
});

test('case 20: a reply shorter than what must be in it is refused', async (t) => {
  const target = await Target.open(t);
  for (const length of [0, 1, 31, 32, 35, 36, 37, 39, 40, 41, 42, reply.length - 1]) {
    const data = { type: TYPES.data, payload: reply.subarray(0, length) };
    await target.assertRefused(`${length} bytes`, {
      entries: PLAIN_ENTRIES,
      bend: inPlaceOf('data 0', data),
    });
  }
  await target.assertSound();
});
