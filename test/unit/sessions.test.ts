import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/base/bytes.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { testProperty } from '../support/random.ts';
import { file, folder } from '../support/samples.ts';
import { SessionPair } from '../support/sessionPair.ts';
import type { Role, SessionPairInit } from '../support/sessionPair.ts';
import { playTransfer } from '../support/sessionScript.ts';
import type { Offer } from '../support/sessionScript.ts';

const BIG = 256 * 1024;

function offerOf(...pages: readonly (readonly (readonly [path: string, size?: number])[])[]): Offer {
  const contents = new Map<string, Uint8Array>();
  const entries = pages.map((page) =>
    page.map(([path, size]): Entry => {
      if (size === undefined) return folder(path);
      contents.set(
        path,
        new Uint8Array(size).map((_, at) => (at * 7 + path.length) % 251),
      );
      return file(path, size, path.endsWith('.sh'));
    }),
  );
  return { pages: entries, contents };
}

/** Every fate that an entry can have; nothing big has to travel. */
const SMALL = offerOf(
  [
    ['a'],
    ['a/big-held', BIG + 3],
    ['a/empty', 0],
    ['a/held', 9],
    ['a/one', 3],
    ['a/run.sh', 5],
    ['a/vanished', 4],
  ],
  [['b-skipped', 9], ['c-unreadable', BIG], ['d-kept', 6], ['e-refused'], ['f-stuck', 2]],
);
/** Ranges that travel, too. */
const LARGE = offerOf(
  [
    ['a', 2 * BIG + 1],
    ['b', 5],
    ['c', BIG],
  ],
  [
    ['d', BIG - 1],
    ['e', BIG - 1],
  ],
);

/** The paths that must arrive. */
function arriving({ contents }: Offer): string[] {
  const fates = ['skipped', 'unreadable', 'kept', 'refused', 'vanished', 'stuck'];
  return [...contents.keys()].filter((path) => !fates.some((fate) => path.includes(fate)));
}

/** Plays a whole transfer, which must succeed. */
function check(offer: Offer, init: SessionPairInit = {}): SessionPair {
  const pair = new SessionPair({ admits: false, ...init });
  const { arrived } = playTransfer(pair, offer);
  pair.exchange();
  assert.deepEqual(pair.ends.sender.endings, ['local done']);
  assert.deepEqual(pair.ends.receiver.endings, ['remote done']);
  assert.deepEqual([...arrived.keys()].toSorted(), arriving(offer).toSorted());
  for (const [path, bytes] of arrived) assert.deepEqual(bytes, offer.contents.get(path), path);
  return pair;
}

for (const dialler of ['sender', 'receiver'] as const) {
  test(`a whole transfer, dialled by the ${dialler}`, () => {
    const { ends } = check(SMALL, { dialler });
    const introduced = (role: Role): string[] => (role === dialler ? [] : ['introduced']);
    assert.deepEqual(ends.sender.types, [
      ...introduced('sender'),
      ...'opened answered wanted wanted wanted answered wanted wanted'.split(' '),
      ...'confirmed failures receipt closed'.split(' '),
    ]);
    assert.deepEqual(ends.receiver.types, [
      ...introduced('receiver'),
      ...'opened offered page page offer-ended'.split(' '),
      ...'chunk-same chunk-same chunk chunk-failed chunk closed'.split(' '),
    ]);
  });
}

test('the events of a whole transfer say what was said', () => {
  const { ends } = check(SMALL);
  const offered = ends.receiver.events.find(({ type }) => type === 'offered');
  assert.deepEqual(offered, {
    type: 'offered',
    transfer: '00112233445566778899aabbccddeeff',
    label: 'A sample',
  });
  const pages = ends.receiver.events.flatMap((event) =>
    event.type === 'page' ? [[event.page, event.entries]] : [],
  );
  assert.deepEqual(
    pages,
    SMALL.pages.map((entries, at) => [at, entries]),
  );
  const ended = ends.receiver.events.find(({ type }) => type === 'offer-ended');
  const totals = { entries: 12, files: 10, bytes: BIG + 3 + 9 + 3 + 5 + 4 + 9 + BIG + 6 + 2 };
  assert.deepEqual(ended, { type: 'offer-ended', totals, leftOut: 1 });
  const statuses = ends.receiver.events.flatMap((event) =>
    event.type === 'chunk' ? [event.reply.statuses] : [],
  );
  assert.deepEqual(statuses, [['bytes', 'same', 'bytes', 'bytes', 'source-vanished'], ['bytes']]);
  const failures = ends.sender.events.find(({ type }) => type === 'failures');
  assert.deepEqual(failures, { type: 'failures', failures: [[1, 4, 'disk-error']] });
  const confirmed = ends.sender.events.find(({ type }) => type === 'confirmed');
  assert.deepEqual(confirmed, { type: 'confirmed', bytes: BIG + 3 + 9 + 3 + 5 + 2, entries: 12 });
  const receipt = ends.sender.events.flatMap((event) => (event.type === 'receipt' ? [event.receipt] : []));
  const { root: _, ...counts } = receipt[0] ?? assert.fail('no receipt');
  assert.deepEqual(counts, { published: 6, same: 1, skipped: 2, failed: 3, bytes: BIG + 3 + 9 + 3 + 5 + 2 });
});

for (const pieceBytes of [1, 2, 15, 16, 17, 1000]) {
  test(`a whole transfer in pieces of ${pieceBytes} bytes`, () => {
    assert.deepEqual(check(SMALL, { pieceBytes }).ends.receiver.types, check(SMALL).ends.receiver.types);
  });
}

testProperty(
  'a whole transfer with bytes for ranges, in pieces of any length',
  fc.record({
    dialler: fc.constantFrom<Role>('sender', 'receiver'),
    pieceBytes: fc.integer({ min: 200, max: 400_000 }),
  }),
  (init) => void check(LARGE, init),
  10,
);

test('more chunks than may be wanted at once', () => {
  const offer = offerOf(
    Array.from({ length: limits.openWants + 9 }, (_, at) => [`held-${String(at).padStart(3, '0')}`, BIG]),
  );
  const { ends } = check(offer);
  assert.equal(ends.sender.types.filter((type) => type === 'wanted').length, limits.openWants + 9);
});

test('nothing at all is left of an offer whose entries are all declined', () => {
  const { ends } = check(
    offerOf([
      ['a-skipped', 1],
      ['b-kept', 2],
    ]),
  );
  assert.ok(!ends.sender.types.includes('wanted'));
});

/** What a session with one changed byte may end in. */
const ENDINGS = new Set([
  'done',
  'protocol-error',
  'limit-exceeded',
  'version-mismatch',
  'internal',
  'connection-lost',
]);

/** Plays the small transfer with one byte changed; returns how it ended at the receiver. */
function checkFlip(from: Role, at: number, mask: number): string {
  const where = `byte ${at} from the ${from} changed by ${mask}`;
  const pair = new SessionPair({ admits: false, flip: { from, at, mask } });
  const { arrived } = playTransfer(pair, SMALL);
  try {
    pair.exchange();
    // One side may wait for the rest of a frame that never ends; the other then hangs up.
    pair.ends.sender.take(pair.sender.conversation.receiveEnd());
    pair.ends.receiver.take(pair.receiver.conversation.receiveEnd());
    pair.turn(10 * limits.deadAfterMs);
  } catch (error) {
    throw new Error(`${where} throws`, { cause: error });
  }
  for (const end of [pair.ends.sender, pair.ends.receiver]) {
    assert.equal(end.closes.length, 1, where);
    assert.equal(end.types.at(-1), 'closed', where);
    assert.ok(ENDINGS.has(end.closes[0]?.close.code ?? ''), `${where}: ${end.endings.join()}`);
    assert.equal(end.speak().length, 0, `${where}: speaks after the end`);
  }
  const isDone = pair.ends.sender.closes[0]?.close.code === 'done';
  if (isDone) {
    // Both say done: then everything is right, whatever the byte was.
    assert.deepEqual([...arrived.keys()].toSorted(), arriving(SMALL).toSorted(), where);
    for (const [path, bytes] of arrived) {
      assert.ok(Buffer.from(bytes).equals(SMALL.contents.get(path) ?? utf8('')), where);
    }
  }
  return isDone ? 'done' : 'refused';
}

for (const from of ['sender', 'receiver'] as const) {
  test(`case 10, every byte that the ${from} says, changed in turn`, () => {
    const { length } = check(SMALL).ends[from].sent;
    const seen = { done: 0, refused: 0 };
    for (let at = 0; at < length; at += 1) {
      for (const mask of [2 ** (at % 8), 0xff]) {
        const ending = checkFlip(from, at, mask);
        if (ending === 'done') seen.done += 1;
        else seen.refused += 1;
      }
    }
    assert.ok(length > 500 && seen.refused > length && seen.done > 0, JSON.stringify({ length, ...seen }));
  });
}
