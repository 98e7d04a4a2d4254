/** Every number of every message, over TLS, with what a number must not be; and chunks that are none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { message, TYPES } from '../support/wickedFrames.ts';
import type { FrameName, WickedFrame } from '../support/wickedFrames.ts';
import { chunksOf, dataPayload, HELLO, listed } from '../support/wickedSession.ts';
import type { DataParts } from '../support/wickedSession.ts';
import { after, inPlaceOf, PLAIN_ENTRIES, Prey, spelled, Target } from './wire.ts';

/** As they are spelled in JSON, or as somebody might think that they are. */
const NASTY: readonly string[] = [
  ...'-1|-0|-0.0|NaN|Infinity|-Infinity|1e999|-1e999|1.5|1e-3|"12"|null|0x10|[1]|true'.split('|'),
  ...'9007199254740992|9007199254740993|-9007199254740993|18446744073709551616'.split('|'),
];

/** Where the nasty number goes. */
const MARK = '@@';

interface Field {
  /** Of what the message says: one number in it is the mark. */
  readonly template: unknown;
  readonly name: FrameName;
  /** The frame in whose place it is sent. */
  readonly turn: string;
}

const entries = PLAIN_ENTRIES.map(listed);
const end = { pages: 1, entries: 2, files: 2, bytes: 8, leftOut: 0 };
const receipt = { root: 'ab'.repeat(32), published: 3, same: 0, skipped: 0, failed: 0, bytes: 8 };

/** The message once for each number in it, with the mark in its place. */
function fieldsOf(name: FrameName, whole: unknown, turn: string = name): Field[] {
  const fields: Field[] = [];
  const visit = (value: unknown, rebuild: (part: unknown) => unknown): void => {
    if (typeof value === 'number') fields.push({ name, turn, template: rebuild(MARK) });
    else if (Array.isArray(value)) {
      for (const [at, part] of value.entries()) visit(part, (other) => rebuild(value.with(at, other)));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) {
        visit(part, (other) => rebuild({ ...value, [key]: other }));
      }
    }
  };
  visit(whole, (part) => part);
  return fields;
}

function frameWith({ name, template }: Field, number: string): WickedFrame {
  return spelled(name, JSON.stringify(template).replace(`"${MARK}"`, number));
}

const SENDER_FIELDS: readonly Field[] = [
  ...fieldsOf('hello', HELLO),
  ...fieldsOf('page', { entries }),
  ...fieldsOf('offerEnd', end),
];
const RECEIVER_FIELDS: readonly Field[] = [
  ...fieldsOf('hello', { ...HELLO, role: 'receiver' }),
  ...fieldsOf('answer', { decisions: [['take', 3]] }, 'answer 0'),
  ...fieldsOf('progress', { bytes: 0, entries: 0 }, 'want 0'),
  ...fieldsOf('outcome', { failures: [[0, 0, 'disk-error']] }, 'want 0'),
  ...fieldsOf('receipt', receipt),
];

const what = ({ name, template }: Field, number: string): string =>
  `${name} ${JSON.stringify(template)} ${number}`;

/** Times go below zero. */
const isTime = ({ name, template }: Field): boolean =>
  name === 'page' && JSON.stringify(template).includes(`"${MARK}",false]`);

test('case 4: no number of a sender may be anything but a whole one in its range', async (t) => {
  const target = await Target.open(t);
  for (const field of SENDER_FIELDS) {
    for (const number of NASTY) {
      if (isTime(field) && number === '-1') continue;
      const bend = inPlaceOf(field.turn, frameWith(field, number));
      await target.assertRefused(what(field, number), { entries: PLAIN_ENTRIES, bend });
    }
  }
  await target.assertSound();
});

test('case 4: no number of a receiver may be anything but a whole one in its range', async (t) => {
  const prey = await Prey.openPlain(t);
  for (const field of RECEIVER_FIELDS) {
    for (const number of NASTY) {
      await prey.assertRefused(what(field, number), {
        bend: inPlaceOf(field.turn, frameWith(field, number)),
      });
    }
  }
});

test('case 5: the largest number of all is read where it may stand, and one more is refused', async (t) => {
  const target = await Target.open(t);
  const leftOut = (number: string): WickedFrame =>
    spelled('offerEnd', JSON.stringify(end).replace('"leftOut":0', `"leftOut":${number}`));
  const sent = await target.play({
    entries: PLAIN_ENTRIES,
    bend: inPlaceOf('offerEnd', leftOut('9007199254740991')),
  });
  assert.ok(sent.receipt !== undefined);
  const { victim } = target;
  assert.equal(victim.offers.at(-1)?.leftOut, 2 ** 53 - 1);
  for (const number of ['9007199254740992', '9007199254740993']) {
    const refused = await target.play({
      entries: PLAIN_ENTRIES,
      bend: inPlaceOf('offerEnd', leftOut(number)),
    });
    assert.deepEqual([refused.code, victim.offers.length], ['protocol-error', 1], number);
  }
  // A size of 2⁵³ − 1 is a number, and far beyond what a file may be.
  for (const size of [2 ** 43 + 1, 2 ** 53 - 1]) {
    const page = message('page', { entries: [['f', 'c', size, 0, false]] });
    const refused = await target.play({ entries: PLAIN_ENTRIES, bend: inPlaceOf('page', page) });
    assert.equal(refused.code, 'protocol-error');
  }
  victim.assertNothingOutside();
});

test('case 16: a chunk whose index is none of the layout, or no index at all, is refused', async (t) => {
  const target = await Target.open(t);
  const payload = dataPayload(chunksOf(PLAIN_ENTRIES)[0] ?? assert.fail('no chunk'));
  const indices = [1, 2 ** 31, 2 ** 32, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  for (const index of indices) {
    for (const type of [TYPES.data, TYPES.same, TYPES.failed]) {
      const frame = { type, index, payload: type === TYPES.data ? payload : Buffer.alloc(0) };
      await target.assertRefused(`${type} ${index}`, {
        entries: PLAIN_ENTRIES,
        bend: inPlaceOf('data 0', frame),
      });
    }
  }
  const prey = await Prey.openPlain(t);
  for (const index of indices) {
    await prey.assertRefused(`want ${index}`, { bend: inPlaceOf('want 0', { type: TYPES.want, index }) });
    const outcome = `{"failures":[[0,${index},"disk-error"]]}`;
    if (index !== 1) {
      await prey.assertRefused(outcome, { bend: inPlaceOf('want 0', spelled('outcome', outcome)) });
    }
  }
  await target.assertSound();
});

test('case 15: a count of pages, entries, files or bytes that is not that of the list is refused', async (t) => {
  const target = await Target.open(t);
  for (const key of ['pages', 'entries', 'files', 'bytes'] as const) {
    for (const by of [-1, 1]) {
      const bend = inPlaceOf('offerEnd', message('offerEnd', { ...end, [key]: end[key] + by }));
      await target.assertRefused(`${key} ${by}`, { entries: PLAIN_ENTRIES, bend });
    }
  }
  // How a file is cut and how many digests there are follow from its size: nothing on the wire says it again. What
  // tells digests one by one, the want, must tell as many as the chunk has files.
  const prey = await Prey.openPlain(t);
  const digest = 'ab'.repeat(32);
  for (const have of [[digest], [null], [digest, digest, digest], Array.from({ length: 1024 }, () => null)]) {
    await prey.assertRefused(`${have.length}`, { bend: inPlaceOf('want 0', message('want', { have })) });
  }
  for (const counts of [[2], [4], [1, 1], [3, 1], [4096]]) {
    const decisions = counts.map((count) => ['take', count]);
    await prey.assertRefused(counts.join(), {
      bend: inPlaceOf('answer 0', message('answer', { decisions })),
    });
  }
  await target.assertSound();
});

test('case 17, 18: data that nobody wants, that comes twice or for another chunk is refused', async (t) => {
  const target = await Target.open(t);
  const payload = dataPayload(chunksOf(PLAIN_ENTRIES)[0] ?? assert.fail('no chunk'));
  const data = { type: TYPES.data, payload };
  const early = { entries: PLAIN_ENTRIES, bend: after('page', data) };
  await target.assertRefused('before any want', early);
  for (const again of [data, { type: TYPES.same }, message('failed', { reason: 'source-changed' })]) {
    const sent = await target.play({ entries: PLAIN_ENTRIES, bend: after('data 0', again) });
    // What was right before it may stand already, and nothing else.
    assert.equal(sent.code, 'protocol-error');
    assert.equal(sent.receipt, undefined);
    assert.deepEqual(
      target.victim.names.filter((name) => !['a', 'b'].includes(name)),
      [],
    );
  }
  const prey = await Prey.openPlain(t);
  await prey.assertRefused('a want while it is open', {
    bend: after('want 0', { type: TYPES.want, index: 0 }),
  });
  target.victim.assertNothingOutside();
});

test('case 20: a reply that is shorter than its chunk, and says so in every field, is refused', async (t) => {
  const target = await Target.open(t);
  const content = Buffer.alloc(300 * 1024, 'text ');
  const short = content.subarray(0, 1000);
  const range = (parts: DataParts): WickedFrame => ({
    type: TYPES.data,
    payload: dataPayload({ kind: 'range', bytes: short }, parts),
  });
  for (const frame of [range({}), range({ codec: 2, body: gzipSync(short) })]) {
    await target.assertRefused('a range', {
      entries: [{ path: 'big', content }],
      bend: inPlaceOf('data 0', frame),
    });
  }
  const pack: WickedFrame = {
    type: TYPES.data,
    payload: dataPayload({ kind: 'pack', files: [Buffer.from('one'), Buffer.from('th')] }),
  };
  await target.assertRefused('a pack', { entries: PLAIN_ENTRIES, bend: inPlaceOf('data 0', pack) });
  await target.assertSound();
});

test('case 17: chunks of a file in any order are put where they belong', async (t) => {
  const target = await Target.open(t);
  const content = Buffer.concat([1, 2, 3, 4].map((byte) => Buffer.alloc(256 * 1024, byte)));
  const held: WickedFrame[] = [];
  const sent = await target.play({
    entries: [{ path: 'big', content }],
    bend: (frame, name) => {
      if (!name.startsWith('data')) return [frame];
      held.push(frame);
      return held.length === 4 ? held.toReversed() : [];
    },
  });
  assert.ok(sent.receipt !== undefined);
  assert.ok(readFileSync(join(target.victim.folder, 'big')).equals(content));
});
