/** Each message, sound in itself, at each turn of a session at which it has no business; and versions. Over TLS. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, TYPES } from '../support/wickedFrames.ts';
import type { FrameName, WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload, HELLO, listed } from '../support/wickedSession.ts';
import { before, PLAIN_ENTRIES, Prey, Target } from './wire.ts';

const pack = dataPayload(chunksOf(PLAIN_ENTRIES)[0] ?? assert.fail('no chunk'));

/** One of each, as it could be said at its time; `alive` and `close` may come at any. */
const SOUND: Readonly<Record<Exclude<FrameName, 'alive' | 'close'>, WickedFrame>> = {
  hello: message('hello', HELLO),
  offer: message('offer', { transfer: 'ef'.repeat(16), label: 'x' }),
  page: message('page', { entries: PLAIN_ENTRIES.map(listed) }),
  offerEnd: message('offerEnd', { pages: 1, entries: 2, files: 2, bytes: 8, leftOut: 0 }),
  answer: message('answer', { decisions: [['take', 3]] }),
  want: message('want'),
  data: { type: TYPES.data, payload: pack },
  same: message('same'),
  failed: message('failed', { reason: 'source-changed' }),
  progress: message('progress', { bytes: 0, entries: 0 }),
  outcome: message('outcome', { failures: [[0, 1, 'disk-error']] }),
  receipt: message('receipt', {
    root: 'ab'.repeat(32),
    published: 3,
    same: 0,
    skipped: 0,
    failed: 0,
    bytes: 8,
  }),
  join: message('join', { session: 'ab'.repeat(16), lane: 1, mac: 'cd'.repeat(32) }),
  joined: message('joined'),
  lost: message('lost', { lane: 1, chunks: [0] }),
};
const NAMES = Object.keys(SOUND) as (keyof typeof SOUND)[];

/** Before what the wicked sender would say next, and what it may say there. */
const SENDER_TURNS: Readonly<Record<string, readonly FrameName[]>> = {
  hello: [],
  offer: [],
  page: [],
  offerEnd: [],
  'data 0': ['data', 'lost'],
};

test('case 12: whatever a sender says at the wrong time is refused, and nothing is made', async (t) => {
  const target = await Target.open(t);
  for (const [turn, legal] of Object.entries(SENDER_TURNS)) {
    for (const name of NAMES.filter((each) => !legal.includes(each))) {
      const script = { entries: PLAIN_ENTRIES, bend: before(turn, SOUND[name]) };
      await target.assertRefused(`${name} before ${turn}`, script);
    }
  }
  await target.assertSound();
});

test('case 12: whatever a sender says after the receipt is refused, and what was received stands', async (t) => {
  for (const name of NAMES) {
    const target = await Target.open(t);
    const sent = await target.play({ entries: PLAIN_ENTRIES, bend: before('close', SOUND[name]) });
    assert.equal(sent.code, 'protocol-error', name);
    assert.ok(sent.receipt !== undefined, name);
    assert.deepEqual(target.victim.names, ['a', 'b'], name);
  }
});

const RECEIVER_TURNS: Readonly<Record<string, readonly FrameName[]>> = {
  hello: [],
  'answer 0': ['answer', 'progress'],
  'want 0': ['want', 'progress', 'outcome'],
  receipt: ['want', 'progress', 'outcome'],
};

test('case 12: whatever a receiver says at the wrong time is refused, and is no success', async (t) => {
  const prey = await Prey.openPlain(t);
  for (const [turn, legal] of Object.entries(RECEIVER_TURNS)) {
    for (const name of NAMES.filter((each) => !legal.includes(each))) {
      const hello = name === 'hello' && turn === 'hello' ? message('hello', HELLO) : SOUND[name];
      await prey.assertRefused(`${name} before ${turn}`, { bend: before(turn, hello) });
    }
  }
});

/** `[oldest, newest]` as the wicked peer says it, and whether the two of them have a version in common. */
const VERSIONS: readonly (readonly [readonly [number, number], boolean])[] = [
  [[1, 1], true],
  [[1, 2], true],
  [[0, 1], true],
  [[0, 65_535], true],
  [[2, 3], false],
  [[0, 0], false],
  [[65_535, 65_535], false],
  [[2, 1], false],
];

test('case 25: a sender of a version before or after ours is received, if it speaks ours too', async (t) => {
  for (const [versions, isCommon] of VERSIONS) {
    const target = await Target.open(t);
    const sent = await target.play({ entries: PLAIN_ENTRIES, hello: { versions } });
    assert.equal(sent.receipt !== undefined, isCommon, versions.join());
    assert.equal(sent.code, isCommon ? undefined : 'version-mismatch', versions.join());
    assert.deepEqual(target.victim.names, isCommon ? ['a', 'b'] : []);
    // Nobody says anything of a version that the other has not named.
    const hello = sent.peer.seen.find(({ name }) => name === 'hello');
    if (hello !== undefined) assert.ok(hello.payload.toString().includes('"versions":[1,1]'));
  }
});

test('case 25: a receiver of a version before or after ours is sent to, if it speaks ours too', async (t) => {
  const prey = await Prey.openPlain(t);
  for (const [versions, isCommon] of VERSIONS) {
    const { code, report } = await prey.play({ hello: { versions, codecs: [] } });
    assert.equal(code, isCommon ? 'done' : 'version-mismatch', versions.join());
    assert.equal(report.receipt !== undefined, isCommon, versions.join());
  }
});

test('case 11: keys, codecs and limits of a later hello are passed over; those of other messages are refused', async (t) => {
  const target = await Target.open(t);
  const later = {
    later: { nested: [1] },
    codecs: ['brotli', 'zstd', 'x'.repeat(200)],
    limits: { openWants: 64, more: 1 },
  };
  assert.ok((await target.play({ entries: PLAIN_ENTRIES, hello: later })).receipt !== undefined);
  const prey = await Prey.openPlain(t);
  // The wicked receiver decodes nothing but what is stored.
  assert.equal((await prey.play({ hello: { ...later, codecs: ['brotli'] } })).code, 'done');
  for (const name of ['offer', 'page', 'offerEnd'] as const) {
    const words: unknown = JSON.parse(Buffer.from(SOUND[name].payload ?? []).toString());
    const bend = (frame: WickedFrame, turn: string): readonly WickedFrame[] =>
      turn === name ? [message(name, { ...(words as object), later: 1 })] : [frame];
    const sent = await target.play({ entries: PLAIN_ENTRIES, bend });
    assert.equal(sent.code, 'protocol-error', name);
  }
});
