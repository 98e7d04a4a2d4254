import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { LocalProtocolError } from '../../src/base/failure.ts';
import type { Frame, FrameName } from '../../src/protocol/frame.ts';
import type { Dialogue } from '../../src/protocol/frameTalk.ts';
import { Lane } from '../../src/protocol/lane.ts';
import type { Join, LaneEvent } from '../../src/protocol/lane.ts';
import { limits } from '../../src/protocol/limits.ts';
import { frame, rawFrame, sampleFrames } from '../support/samples.ts';

const JOIN: Join = { session: '0f'.repeat(16), lane: 7, mac: 'ab'.repeat(32) };

type Heard = { readonly type: 'heard'; readonly name: FrameName; readonly bytes: number };

/** Hears `data` and nothing else, as a receiver does. */
const dataOnly: Dialogue<Heard> = {
  admit(_header, name) {
    assert.equal(name, 'data');
  },
  *handle({ length }: Frame, name: FrameName) {
    yield { type: 'heard', name, bytes: length };
  },
};

function listener(): Lane<Heard> {
  return new Lane<Heard>({ now: 0 });
}

function dialler(): Lane<Heard> {
  return new Lane<Heard>({ now: 0, join: JOIN });
}

/** A listener that has taken a lane in. */
function taken(): Lane<Heard> {
  const lane = listener();
  hear(lane, frame('join', JOIN));
  lane.admit(dataOnly);
  lane.takeOutput();
  return lane;
}

function hear(lane: Lane<Heard>, bytes: Uint8Array): (Heard | LaneEvent)[] {
  return [...lane.receive(bytes, 0)];
}

function codes(events: readonly (Heard | LaneEvent)[]): string[] {
  return events.flatMap((event) => (event.type === 'closed' ? [`${event.origin} ${event.close.code}`] : []));
}

test('the two ends join, and data goes through', () => {
  const [one, other] = [dialler(), listener()];
  const events = hear(other, concatBytes(one.takeOutput()));
  assert.deepEqual(events, [{ type: 'joining', join: JOIN }]);
  assert.deepEqual(other.takeOutput(), [], 'nothing is said before it is taken in');
  other.admit(dataOnly);
  assert.deepEqual(hear(one, concatBytes(other.takeOutput())), [{ type: 'joined' }]);
  one.sayBytes('data', 5, [new Uint8Array(100), new Uint8Array(28)]);
  assert.deepEqual(hear(other, concatBytes(one.takeOutput())), [{ type: 'heard', name: 'data', bytes: 128 }]);
});

suite('is refused', () => {
  const first = sampleFrames.filter(([name]) => name !== 'close');
  for (const [name, bytes] of first) {
    if (name !== 'join') {
      test(`by a listener: ${name} as the first word`, () => {
        const lane = listener();
        assert.deepEqual(codes(hear(lane, bytes)), ['local protocol-error']);
      });
    }
    if (name !== 'joined') {
      test(`by a dialler: ${name} as the first word`, () => {
        assert.deepEqual(codes(hear(dialler(), bytes)), ['local protocol-error']);
      });
    }
    if (name !== 'alive') {
      test(`by a dialler that was taken in: ${name}`, () => {
        const lane = dialler();
        hear(lane, frame('joined'));
        assert.deepEqual(codes(hear(lane, bytes)), ['local protocol-error']);
      });
    }
  }

  test('a second greeting', () => {
    for (const name of ['hello', 'join', 'joined'] as const) {
      assert.deepEqual(codes(hear(taken(), frame(name))), ['local protocol-error']);
    }
  });

  test('data before it is taken in', () => {
    const lane = listener();
    hear(lane, frame('join', JOIN));
    assert.deepEqual(codes(hear(lane, frame('data', new Uint8Array(64)))), ['local protocol-error']);
  });

  test('a join that is too long, before its first byte', () => {
    const header = rawFrame(15, 0, new Uint8Array(limits.greetingBytes + 1)).subarray(0, 16);
    assert.deepEqual(codes(hear(listener(), header)), ['local limit-exceeded']);
  });

  test('a joined that says something', () => {
    assert.deepEqual(codes(hear(dialler(), frame('joined', new Uint8Array(1)))), ['local limit-exceeded']);
  });
});

test('nobody is taken in who has not asked', () => {
  assert.throws(() => listener().admit(dataOnly), LocalProtocolError);
});

suite('time', () => {
  test('who does not join in time is given up, without a word before', () => {
    const lane = listener();
    assert.equal(lane.deadline, limits.greetingTimeoutMs);
    assert.deepEqual(codes([...lane.handleTime(limits.greetingTimeoutMs)]), ['local timed-out']);
    assert.equal(lane.deadline, undefined);
  });

  test('both sides say that they are alive, and one that is silent is given up', () => {
    const lane = taken();
    const said: (number | undefined)[] = [];
    for (const turn of [1, 2, 3]) {
      assert.deepEqual([...lane.receive(frame('alive'), turn * limits.aliveEveryMs - 1)], []);
      assert.deepEqual([...lane.handleTime(turn * limits.aliveEveryMs)], []);
      said.push(concatBytes(lane.takeOutput())[0]);
    }
    // It has just said that it took the lane in; and a sign of life is not taken for something said.
    assert.deepEqual(said, [undefined, 14, 14]);
    for (const turn of [4, 5]) assert.deepEqual([...lane.handleTime(turn * limits.aliveEveryMs)], []);
    const heardAt = 3 * limits.aliveEveryMs - 1;
    assert.deepEqual(codes([...lane.handleTime(heardAt + limits.deadAfterMs)]), ['local timed-out']);
  });
});
