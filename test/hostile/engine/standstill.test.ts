/** A machine that slept, and a process that stood still: nobody calls that damage, and no timers storm afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/protocol/limits.ts';
import { isInterruption } from '../../../src/transfer/retryPolicy.ts';
import { SessionPair } from '../../support/sessionPair.ts';
import type { Role } from '../../support/sessionPair.ts';

const SECOND = 1000;
const ALIVE_BYTES = 16;

/** A session that is open, waiting for its user, or moving: its phase says nothing of silence. */
function openPair(): SessionPair {
  const pair = new SessionPair();
  pair.exchange();
  // What the greeting said counts for the first turn.
  for (let turn = 0; turn < 2; turn += 1) {
    pair.turn(limits.aliveEveryMs);
    pair.exchange();
  }
  return pair;
}

for (const [name, sleptMs] of [
  ['a second', SECOND],
  ['an hour', 3600 * SECOND],
  ['eight hours', 8 * 3600 * SECOND],
] as const) {
  test(`case 127: two machines that slept for ${name} go on, and each says once that it is alive`, () => {
    const pair = openPair();
    const said = { sender: pair.ends.sender.sent.length, receiver: pair.ends.receiver.sent.length };
    pair.turn(sleptMs);
    pair.exchange();
    for (let second = 0; second < 120; second += 1) {
      pair.turn(SECOND);
      pair.exchange();
    }
    assert.deepEqual([...pair.ends.sender.endings, ...pair.ends.receiver.endings], []);
    for (const role of ['sender', 'receiver'] as const) {
      // One every ten seconds since, and one for all of the night.
      assert.ok(pair.ends[role].sent.length - said[role] <= 13 * ALIVE_BYTES, role);
    }
  });

  test(`case 127: a greeting that was slept through for ${name} is made up for, or ends as one that may be tried again`, () => {
    const pair = new SessionPair({ admits: false });
    pair.turn(sleptMs);
    pair.exchange();
    const { endings } = pair.ends.receiver;
    assert.deepEqual(endings, sleptMs < limits.greetingTimeoutMs ? [] : ['local timed-out']);
    assert.ok(isInterruption('timed-out'));
  });
}

for (const blocked of ['sender', 'receiver'] as const) {
  const other: Role = blocked === 'sender' ? 'receiver' : 'sender';
  test(`case 128: a ${blocked} that stands still for 30 s is given up as silent, and may be tried again`, () => {
    const pair = openPair();
    const awake = pair[other].conversation;
    // Only the other end has a clock that goes on, and what it says is not read.
    for (let second = 0; second < 30; second += 1) {
      pair.now += SECOND;
      takeTime(pair, other);
    }
    assert.deepEqual(pair.ends[other].endings, ['local timed-out']);
    assert.equal(awake.state, 'closed');
    assert.ok(isInterruption('timed-out'));
    // It wakes up to what was said meanwhile, and takes it for an interruption, too.
    takeTime(pair, blocked);
    pair.exchange();
    assert.deepEqual(pair.ends[blocked].endings, ['remote timed-out']);
  });

  test(`case 128: a ${blocked} that stands still for less than 30 s is not given up`, () => {
    const pair = openPair();
    for (let second = 0; second < 29; second += 1) {
      pair.now += SECOND;
      takeTime(pair, other);
    }
    takeTime(pair, blocked);
    pair.exchange();
    assert.deepEqual([...pair.ends.sender.endings, ...pair.ends.receiver.endings], []);
  });
}

function takeTime(pair: SessionPair, role: Role): void {
  if (role === 'sender') pair.ends.sender.take(pair.sender.conversation.handleTime(pair.now));
  else pair.ends.receiver.take(pair.receiver.conversation.handleTime(pair.now));
}
