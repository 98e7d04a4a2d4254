import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { CourierError } from '../../src/base/failure.ts';
import { encodeHeader } from '../../src/protocol/frame.ts';
import { limits } from '../../src/protocol/limits.ts';
import { frame, rawFrame } from '../support/samples.ts';
import { helloOf, SessionPair } from '../support/sessionPair.ts';
import type { Role } from '../support/sessionPair.ts';

const ROLES: readonly Role[] = ['sender', 'receiver'];
const otherOf = (role: Role): Role => (role === 'sender' ? 'receiver' : 'sender');

/** A pair whose listener has heard the dialler and not yet decided. */
function pairBeforeAdmission(dialler: Role): SessionPair {
  const pair = new SessionPair({ dialler, admits: false });
  pair.exchange();
  return pair;
}

for (const dialler of ROLES) {
  const listener = otherOf(dialler);

  test(`${dialler} dials: both learn who the other is`, () => {
    const { ends } = openPair(dialler);
    assert.deepEqual(ends[dialler].events, [{ type: 'opened', hello: helloOf(listener) }]);
    assert.deepEqual(ends[listener].events, [
      { type: 'introduced', hello: helloOf(dialler) },
      { type: 'opened', hello: helloOf(dialler) },
    ]);
    assert.deepEqual([ends[dialler].conversation.state, ends[listener].conversation.state], ['open', 'open']);
  });

  test(`${dialler} dials: the listener says nothing before it admits, however long that takes`, () => {
    const pair = pairBeforeAdmission(dialler);
    const { ends } = pair;
    assert.deepEqual(ends[listener].types, ['introduced']);
    assert.equal(ends[listener].conversation.state, 'admitting');
    for (let waited = 0; waited < limits.greetingTimeoutMs - 1000; waited += 1000) {
      pair.turn(1000);
      assert.equal(ends[listener].speak().length, 0);
    }
    assert.equal(ends[listener].sent.length, 0);
    ends[listener].take(ends[listener].conversation.admit());
    pair.exchange();
    assert.deepEqual(ends[dialler].types, ['opened']);
  });

  test(`${dialler} dials: a dialler who is refused learns the reason and nothing else`, () => {
    const pair = pairBeforeAdmission(dialler);
    const { ends } = pair;
    ends[listener].take(ends[listener].conversation.close({ code: 'not-paired' }));
    pair.exchange();
    assert.deepEqual(ends[listener].sent, frame('close', { code: 'not-paired' }));
    assert.deepEqual(ends[dialler].events, [
      { type: 'closed', origin: 'remote', close: { code: 'not-paired' } },
    ]);
    assert.deepEqual(ends[listener].endings, ['local not-paired']);
  });

  test(`${dialler} dials: a dialler may leave before it is admitted`, () => {
    const pair = pairBeforeAdmission(dialler);
    const { ends } = pair;
    ends[dialler].take(ends[dialler].conversation.close({ code: 'cancelled' }));
    pair.exchange();
    assert.deepEqual(ends[listener].types, ['introduced', 'closed']);
    assert.deepEqual(ends[listener].endings, ['remote cancelled']);
    assert.equal(ends[listener].sent.length, 0);
    assert.throws(() => Array.from(ends[listener].conversation.admit()), { name: 'LocalProtocolError' });
  });

  test(`${dialler} dials: whoever says no hello is left after the whole greeting time, whatever it drips`, () => {
    const pair = new SessionPair({ dialler, admits: false });
    const { ends } = pair;
    const hello = frame('hello', helloOf(dialler));
    for (let second = 0; second < limits.greetingTimeoutMs / 1000; second += 1) {
      assert.deepEqual([ends[listener].types, ends[dialler].types], [[], []]);
      pair.feed(listener, hello.subarray(second, second + 1));
      pair.feed(dialler, hello.subarray(second, second + 1));
      pair.turn(1000);
    }
    assert.deepEqual(ends[listener].endings, ['local timed-out']);
    assert.deepEqual(ends[dialler].endings, ['local timed-out']);
    assert.deepEqual(ends[listener].speak(), frame('close', { code: 'timed-out' }));
  });

  test(`${dialler} dials: a listener that cannot make up its mind lets go at the same time`, () => {
    const pair = pairBeforeAdmission(dialler);
    pair.turn(limits.greetingTimeoutMs - 1);
    assert.deepEqual(pair.ends[listener].endings, []);
    pair.turn(1);
    assert.deepEqual(pair.ends[listener].endings, ['local timed-out']);
  });
}

function openPair(dialler: Role = 'sender'): SessionPair {
  const pair = new SessionPair({ dialler });
  pair.exchange();
  return pair;
}

/** A dialler that speaks `versions`: how both ends end, and nothing if they get on. */
function checkVersions(versions: [number, number], endings: readonly string[]): void {
  test(`case 11, versions ${versions.join(' to ')}: ${endings.join(', ') || 'open'}`, () => {
    const pair = new SessionPair({ hellos: { sender: { versions } } });
    pair.exchange();
    assert.deepEqual([...pair.ends.receiver.endings, ...pair.ends.sender.endings], endings);
    if (endings.length > 0) assert.deepEqual(pair.ends.receiver.types, ['closed']);
  });
}

checkVersions([1, 1], []);
checkVersions([0, 1], []);
checkVersions([1, 9], []);
checkVersions([0, 65_535], []);
checkVersions([0, 0], ['local version-mismatch', 'remote version-mismatch']);
checkVersions([2, 2], ['local version-mismatch', 'remote version-mismatch']);
checkVersions([2, 65_535], ['local version-mismatch', 'remote version-mismatch']);
checkVersions([1, 0], ['local version-mismatch', 'remote version-mismatch']);

test('case 11, a listener of another version is left', () => {
  const pair = new SessionPair({ hellos: { receiver: { versions: [2, 3] } } });
  pair.exchange();
  assert.deepEqual(pair.ends.sender.types, ['closed']);
  assert.deepEqual(pair.ends.sender.endings, ['local version-mismatch']);
});

/** What a fresh end does with `bytes` as the first that it hears. */
function checkFirst(what: string, role: Role, bytes: Uint8Array, ending: string): void {
  for (const dialler of ROLES) {
    test(`${dialler} dials, the ${role} first hears ${what}: ${ending}`, () => {
      const pair = new SessionPair({ dialler, admits: false });
      pair.feed(role, bytes);
      assert.deepEqual(pair.ends[role].types, ['closed']);
      assert.deepEqual(pair.ends[role].endings, [ending]);
    });
  }
}

for (const role of ROLES) {
  checkFirst(`that the other is a ${role}, too`, role, frame('hello', helloOf(role)), 'local protocol-error');
  const overlong = encodeHeader({ type: 1, length: limits.greetingBytes + 1, index: 0 });
  checkFirst('a hello longer than a greeting', role, overlong, 'local limit-exceeded');
  const overlongClose = encodeHeader({ type: 13, length: limits.greetingBytes + 1, index: 0 });
  checkFirst('a close longer than a greeting', role, overlongClose, 'local limit-exceeded');
  checkFirst('a hello that is not JSON', role, frame('hello', new Uint8Array(9)), 'local protocol-error');
  checkFirst(
    'a hello with an index',
    role,
    frame('hello', helloOf(otherOf(role)), 1),
    'local protocol-error',
  );
  checkFirst(
    'a web browser',
    role,
    new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    'local protocol-error',
  );
  checkFirst('an unknown frame', role, rawFrame(15, 0, new Uint8Array(0)), 'local protocol-error');
  checkFirst('a goodbye', role, frame('close', { code: 'busy' }), 'remote busy');
}

test('a hello whose length is exactly that of the greeting is heard', () => {
  const short = frame('hello', { ...helloOf('sender'), more: '' });
  const more = 'x'.repeat(limits.greetingBytes - (short.length - 16));
  const pair = new SessionPair({ dialler: 'sender', admits: false });
  pair.feed('receiver', frame('hello', { ...helloOf('sender'), more }));
  assert.deepEqual(pair.ends.receiver.types, ['introduced']);
});

test('what comes right behind the hello is refused unless the dialler is admitted by then', () => {
  const bytes = concatBytes([frame('hello', helloOf('sender')), frame('alive')]);
  const waiting = new SessionPair({ dialler: 'sender', admits: false });
  waiting.feed('receiver', bytes);
  assert.deepEqual(waiting.ends.receiver.endings, ['local protocol-error']);
  const admitting = new SessionPair({ dialler: 'sender' });
  admitting.feed('receiver', bytes);
  assert.deepEqual(admitting.ends.receiver.types, ['introduced', 'opened']);
});

test('before the greeting is over, commands are refused and nothing of them is sent', () => {
  for (const dialler of ROLES) {
    const { sender, receiver, ends } = new SessionPair({ dialler, admits: false });
    const before = [ends.sender.speak().length, ends.receiver.speak().length];
    const lost = (error: unknown): boolean => CourierError.is(error, 'connection-lost');
    assert.throws(() => sender.offer('00'.repeat(16), 'x'), lost);
    assert.throws(() => receiver.confirm(0, 0), lost);
    assert.throws(() => Array.from(ends[otherOf(dialler)].conversation.admit()), {
      name: 'LocalProtocolError',
    });
    assert.equal(before.filter((length) => length > 0).length, 1);
    assert.deepEqual([ends.sender.speak().length, ends.receiver.speak().length], [0, 0]);
  }
});

test('nobody can be admitted twice', () => {
  const { ends } = openPair();
  assert.throws(() => Array.from(ends.receiver.conversation.admit()), { name: 'LocalProtocolError' });
});
