import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Round } from '../../src/transfer/chunkRounds.ts';
import { EffortLadder } from '../../src/transfer/effortLadder.ts';

const THREADS = 2;

type Seen = Pick<Round, 'rate' | 'load'> & Partial<Pick<Round, 'left'>>;

/** The efforts after each of these rounds. */
function climb(rounds: readonly Seen[], ladder = new EffortLadder(THREADS)): string {
  const efforts = rounds.map((round) => {
    ladder.climb({ left: 0, ...round, stalled: 0, shrinks: true });
    return ladder.rung;
  });
  return efforts.join(' ');
}

const idle = { rate: 10, load: 0.05 };
/** More than the next effort could do with half of the threads. */
const busy = { rate: 10, load: 0.9 };
const overloaded = { rate: 10, load: 1.7 };

function times(count: number, round: Seen) {
  return Array.from({ length: count }, () => round);
}

test('rises while the next effort leaves the codec idle half of the time', () => {
  assert.equal(climb([idle, idle, idle]), '1 2 2');
  assert.equal(climb([busy, busy]), '0 0');
  // Effort 2 costs four times as much as effort 1.
  assert.equal(
    climb([
      { rate: 10, load: 0.2 },
      { rate: 10, load: 0.26 },
    ]),
    '1 1',
  );
});

test('does not rise while chunks leave before the codec has them, whatever it is idle', () => {
  const ladder = new EffortLadder(THREADS);
  ladder.reset();
  assert.equal(
    climb(
      [
        { ...idle, left: 0.2 },
        { ...idle, left: 0.05 },
      ],
      ladder,
    ),
    'mixed 0',
  );
});

test('more threads can do more', () => {
  assert.equal(climb([busy], new EffortLadder(4)), '1');
});

test('falls when the codec is nearly always at work', () => {
  assert.equal(climb([idle, idle, overloaded, overloaded, overloaded]), '1 2 1 0 mixed');
});

test('stays where it is in between', () => {
  assert.equal(climb([idle, idle, { rate: 10, load: 1.5 }]), '1 2 2');
});

test('takes back a rise that made the whole slower, but not if the codec was idle meanwhile', () => {
  assert.equal(climb([idle, { rate: 8, load: 1.1 }]), '1 0');
  assert.equal(climb([idle, { rate: 9.5, load: 1.1 }]), '1 1');
  assert.equal(climb([idle, { rate: 8, load: 0.3 }]), '1 1');
});

test('waits after a fall, and longer after each', () => {
  const ladder = new EffortLadder(THREADS);
  for (const wait of [8, 16, 32, 64, 64]) {
    assert.equal(climb([idle, overloaded], ladder), '1 0');
    assert.equal(
      climb(times(wait - 1, idle), ladder),
      times(wait - 1, idle)
        .map(() => '0')
        .join(' '),
    );
  }
});

test('begins at the bottom again', () => {
  const ladder = new EffortLadder(THREADS);
  assert.equal(climb([idle, idle], ladder), '1 2');
  ladder.reset();
  assert.equal(ladder.rung, 'mixed');
});
