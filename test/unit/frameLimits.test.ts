/** Cases 2 and 3: every frame is held to the limit of its kind by its header, before anything is kept of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameName } from '../../src/protocol/frame.ts';
import { limits } from '../../src/protocol/limits.ts';
import { headerOf, testRefusal } from '../support/sessionChecks.ts';
import type { Role, SessionPair } from '../support/sessionPair.ts';
import { RANGE_REPLY, receiverIn, senderIn } from '../support/sessionStates.ts';

const after: Readonly<Record<string, () => SessionPair>> = {
  offering: () => senderIn('offering'),
  serving: () => senderIn('serving'),
  offered: () => senderIn('offered'),
  waiting: () => receiverIn('waiting'),
  listing: () => receiverIn('listing'),
  pulling: () => receiverIn('pulling'),
};

/** Who hears it, what, after what, and the most bytes that it may have. */
const FRAMES: readonly (readonly [Role, FrameName, string, number])[] = [
  ['sender', 'answer', 'offering', limits.controlBytes],
  ['sender', 'want', 'serving', limits.wantBytes],
  ['sender', 'progress', 'offered', limits.controlBytes],
  ['sender', 'outcome', 'offered', limits.controlBytes],
  ['sender', 'receipt', 'offered', limits.controlBytes],
  ['sender', 'close', 'offered', limits.controlBytes],
  ['sender', 'alive', 'offered', 0],
  ['receiver', 'offer', 'waiting', limits.controlBytes],
  ['receiver', 'page', 'listing', limits.pageBytes],
  ['receiver', 'offerEnd', 'listing', limits.controlBytes],
  ['receiver', 'data', 'pulling', RANGE_REPLY.body.length + 40],
  ['receiver', 'same', 'pulling', 0],
  ['receiver', 'failed', 'pulling', limits.controlBytes],
];

const numbered: ReadonlySet<FrameName> = new Set(['page', 'answer', 'want', 'data', 'same', 'failed']);

for (const [role, name, state, most] of FRAMES) {
  const build = after[state] ?? assert.fail(`no ${state}`);
  const index = name === 'page' ? 1 : 0;
  for (const length of [most + 1, 2 ** 31, 2 ** 32 - 1]) {
    const frames = [headerOf(name, length, index)];
    testRefusal(role, `case 2, 3: ${name} of ${length} bytes`, { after: build, frames }, 'limit-exceeded');
  }
  if (!numbered.has(name)) {
    testRefusal(role, `${name} with an index`, { after: build, frames: [headerOf(name, 0, 1)] });
  }
  test(`the ${role} waits for ${name} of ${most} bytes`, () => {
    const pair = build();
    pair.feed(role, headerOf(name, most, index));
    assert.deepEqual(pair.ends[role].endings, []);
  });
}
