import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { CourierError } from '../../src/base/failure.ts';
import { limits } from '../../src/protocol/limits.ts';
import { file, frame } from '../support/samples.ts';
import { SessionPair } from '../support/sessionPair.ts';

const ALIVE = frame('alive');

function openPair(): SessionPair {
  const pair = new SessionPair();
  pair.exchange();
  return pair;
}

/**
 * A session that has just been opened; what it says, and when, as `turns` of time pass. In between it may
 * `hear` from the peer or `speak` by itself.
 */
function check(what: string, turns: readonly (number | 'hear' | 'speak')[], said: readonly string[]): void {
  test(what, () => {
    const pair = openPair();
    const { conversation } = pair.receiver;
    // What the greeting said counts for the first turn.
    pair.turn(limits.aliveEveryMs);
    pair.ends.receiver.speak();
    pair.feed('receiver', ALIVE);
    const start = pair.now;
    const spoken = turns.flatMap((turn) => {
      if (turn === 'hear') pair.feed('receiver', ALIVE);
      else if (turn === 'speak') conversation.sayBytes('want', 0, []);
      else pair.turn(turn);
      const bytes = pair.ends.receiver.speak();
      if (bytes.length === 0 || turn === 'speak') return [];
      return [`${Buffer.from(bytes).equals(ALIVE) ? 'alive' : 'close'} at ${(pair.now - start) / SECOND}`];
    });
    assert.deepEqual(spoken, said);
    assert.equal(conversation.state, said.some((each) => each.startsWith('close')) ? 'closed' : 'open');
  });
}

const SECOND = 1000;
assert.deepEqual([limits.aliveEveryMs, limits.deadAfterMs], [10 * SECOND, 30 * SECOND]);
const seconds = (count: number): readonly number[] => Array.from({ length: count }, () => SECOND);
check('says nothing while its silence is short', [9_999], []);
check('says that it is alive', [9_999, 1], ['alive at 10']);
check('says so once in a while', seconds(27), ['alive at 10', 'alive at 20']);
check('says so whether it hears anything or not', ['hear', 9_999, 'hear', 1], ['alive at 10']);
check('says nothing when it has spoken', [9_000, 'speak', 1000, 9_000], []);
check('says so when it has spoken the time before last', [9_000, 'speak', 1000, 10_000], ['alive at 20']);
check('gives up on a peer that says nothing', seconds(35), ['alive at 10', 'alive at 20', 'close at 30']);
check(
  'gives up at the moment itself',
  [...seconds(29), 999, 1],
  ['alive at 10', 'alive at 20', 'close at 30'],
);
check(
  'waits anew when it hears something at the last moment',
  [...seconds(29), 999, 'hear', ...seconds(30)],
  ['alive at 10', 'alive at 20', 'alive at 30.999', 'alive at 40.999', 'alive at 50.999', 'close at 59.999'],
);
check('whoever slept through it all does not blame the peer', [3600 * SECOND], ['alive at 3600']);
check(
  'and gives it the whole time from then',
  [3600 * SECOND, ...seconds(30)],
  ['alive at 3600', 'alive at 3610', 'alive at 3620', 'close at 3630'],
);

test('two ends of which one talks without pause keep each other alive', () => {
  const pair = openPair();
  for (let second = 0; second < 600; second += 1) {
    pair.sender.conversation.say('offer', { transfer: '00'.repeat(16), label: '' });
    pair.turn(SECOND);
    pair.ends.receiver.take(pair.receiver.conversation.receive(new Uint8Array(0), pair.now));
    pair.feed('sender', pair.ends.receiver.speak());
  }
  assert.deepEqual([...pair.ends.sender.endings, ...pair.ends.receiver.endings], []);
});

test('one byte of a frame is a sign of life', () => {
  const pair = openPair();
  for (let at = 0; at < 10; at += 1) {
    pair.turn(27 * SECOND);
    pair.feed('receiver', frame('offer', { transfer: '00'.repeat(16), label: '' }).subarray(at, at + 1));
  }
  assert.deepEqual(pair.ends.receiver.endings, []);
});

test('its deadline is when it next has something to do', () => {
  const pair = new SessionPair({ admits: false });
  const { conversation } = pair.receiver;
  const start = pair.now;
  assert.equal(conversation.deadline, start + limits.greetingTimeoutMs);
  pair.now += 100;
  pair.exchange();
  assert.equal(conversation.deadline, start + limits.greetingTimeoutMs);
  pair.ends.receiver.take(conversation.admit());
  assert.equal(conversation.deadline, start + limits.aliveEveryMs);
  pair.turn(limits.aliveEveryMs - 100);
  assert.equal(conversation.deadline, start + 2 * limits.aliveEveryMs);
  pair.turn(limits.aliveEveryMs);
  assert.equal(conversation.deadline, start + 3 * limits.aliveEveryMs);
  pair.turn(limits.aliveEveryMs);
  assert.equal(conversation.deadline, start + 100 + limits.deadAfterMs);
  pair.ends.receiver.take(conversation.close({ code: 'done' }));
  assert.equal(conversation.deadline, undefined);
});

test('nobody has to answer that the other is alive', () => {
  const pair = openPair();
  pair.feed('receiver', concatBytes([ALIVE, ALIVE]));
  assert.deepEqual([pair.ends.receiver.speak().length, pair.ends.receiver.types.length], [0, 2]);
});

test('two ends that keep still keep each other alive', () => {
  const pair = openPair();
  for (let second = 0; second < 600; second += 1) {
    pair.turn(1000);
    pair.exchange();
  }
  assert.deepEqual([...pair.ends.sender.endings, ...pair.ends.receiver.endings], []);
  assert.ok(pair.ends.sender.sent.length < 80 * ALIVE.length, 'chatters');
});

test('the end of the stream ends the session without a word', () => {
  const pair = openPair();
  pair.ends.receiver.take(pair.receiver.conversation.receiveEnd());
  assert.deepEqual(pair.ends.receiver.events.at(-1), {
    type: 'closed',
    origin: 'remote',
    close: { code: 'connection-lost' },
  });
  assert.equal(pair.ends.receiver.speak().length, 0);
});

test('after the end nothing is said and nothing is told', () => {
  const endings: readonly ((pair: SessionPair) => void)[] = [
    (pair) => pair.ends.receiver.take(pair.receiver.conversation.close({ code: 'cancelled' })),
    (pair) => pair.ends.receiver.take(pair.receiver.conversation.receiveEnd()),
    (pair) => pair.feed('receiver', frame('close', { code: 'busy' })),
    (pair) => pair.feed('receiver', frame('hello', {})),
    (pair) => seconds(50).forEach((turn) => pair.turn(turn)),
  ];
  for (const end of endings) {
    const pair = openPair();
    pair.feed('receiver', frame('offer', { transfer: '00'.repeat(16), label: '' }));
    end(pair);
    pair.ends.receiver.speak();
    const before = pair.ends.receiver.types;
    assert.equal(before.at(-1), 'closed');
    const { conversation } = pair.receiver;
    pair.feed('receiver', concatBytes([frame('page', { entries: [['d', 'a', 0]] }), ALIVE]));
    pair.feed('receiver', new Uint8Array(100).fill(255));
    pair.ends.receiver.take(conversation.receiveEnd());
    pair.ends.receiver.take(conversation.close({ code: 'done' }));
    pair.turn(10 * limits.deadAfterMs);
    conversation.say('progress', { bytes: 0, entries: 0 });
    assert.throws(
      () => pair.receiver.confirm(0, 0),
      (error) => CourierError.is(error, 'connection-lost'),
    );
    assert.throws(
      () => pair.receiver.answer(0, ['take']),
      (error) => CourierError.is(error, 'connection-lost'),
    );
    assert.deepEqual(pair.ends.receiver.types, before);
    assert.equal(pair.ends.receiver.speak().length, 0);
  }
});

test('frames behind a close in the same piece are not read', () => {
  const pair = openPair();
  pair.feed(
    'receiver',
    concatBytes([frame('close', { code: 'busy' }), frame('offer', { transfer: '00'.repeat(16), label: '' })]),
  );
  assert.deepEqual(pair.ends.receiver.types.slice(2), ['closed']);
  assert.equal(pair.ends.receiver.speak().length, 0);
});

test('a reason longer than the limit is cut, and still understood', () => {
  const pair = openPair();
  pair.ends.sender.take(pair.sender.conversation.close({ code: 'internal', message: '😀'.repeat(1000) }));
  pair.exchange();
  assert.deepEqual(pair.ends.receiver.endings, ['remote internal']);
});

test('a label longer than the limit is cut, and still understood', () => {
  const pair = openPair();
  pair.sender.offer('00'.repeat(16), `${'x'.repeat(255)}😀😀`);
  pair.sender.sendPage([file('a')]);
  pair.exchange();
  assert.deepEqual(pair.ends.receiver.types.slice(2), ['offered', 'page']);
});
