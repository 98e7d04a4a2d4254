import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LaneGrowth } from '../../src/transfer/laneGrowth.ts';

const MIB = 1024 * 1024;
/** How often the receiver confirms. */
const EVERY_MS = 100;

interface PathModel {
  readonly roundTripMs: number;
  readonly most?: number;
  /** Bytes a second that so many lanes carry. */
  readonly rate: (lanes: number, now: number) => number;
}

/** Sends for so long; tells how many lanes were used at each confirmation. */
function send(
  path: PathModel,
  seconds: number,
): { readonly growth: LaneGrowth; readonly lanes: readonly number[] } {
  const growth = new LaneGrowth({ most: path.most ?? 16, roundTripMs: path.roundTripMs, now: 0 });
  let bytes = 0;
  const lanes: number[] = [];
  for (let now = EVERY_MS; now <= seconds * 1000; now += EVERY_MS) {
    lanes.push(growth.lanes);
    bytes += (path.rate(growth.lanes, now) * EVERY_MS) / 1000;
    growth.observe(now, bytes);
  }
  return { growth, lanes };
}

/** What share of the time so many lanes were used. */
function shareOf(lanes: readonly number[], count: number): number {
  return lanes.filter((each) => each === count).length / lanes.length;
}

suite('a path on which packets get lost: each lane has the same small rate', () => {
  const lossy = { roundTripMs: 50, rate: (lanes: number) => Math.min(lanes * 2, 37) * MIB };

  test('all lanes are used, and soon', () => {
    const { lanes } = send(lossy, 10);
    assert.equal(lanes.at(-1), 16);
    assert.ok(lanes.indexOf(16) * EVERY_MS <= 1000, `after ${lanes.indexOf(16) * EVERY_MS} ms`);
  });

  test('a short one begins with one lane, and gets there by doubling', () => {
    const { lanes } = send({ ...lossy, roundTripMs: 2 }, 10);
    assert.deepEqual([...new Set(lanes)], [1, 2, 4, 8, 16]);
  });

  test('never more than allowed', () => {
    for (const most of [1, 2, 3, 5, 8]) {
      const { lanes } = send({ ...lossy, most }, 10);
      assert.equal(Math.max(...lanes), most);
      assert.equal(lanes.at(-1), most);
    }
  });
});

suite('a path that one lane fills', () => {
  const full = { roundTripMs: 0.5, rate: () => 118 * MIB };

  test('another is tried for a moment, seldom, and ever more seldom', () => {
    const { lanes } = send(full, 60);
    assert.deepEqual([...new Set(lanes)], [1, 2]);
    assert.ok(shareOf(lanes, 2) < 0.05, `${shareOf(lanes, 2)} of the time`);
    const late = send(full, 600).lanes;
    assert.ok(shareOf(late, 2) < 0.01, `${shareOf(late, 2)} of the time`);
  });

  test('a long one is not slower for its lanes, and gets no more of them', () => {
    const { lanes } = send({ ...full, roundTripMs: 30 }, 20);
    assert.ok(shareOf(lanes, 8) > 0.9);
  });
});

test('what stops helping half-way stays as it was good', () => {
  const { lanes } = send({ roundTripMs: 5, rate: (count) => Math.min(count, 4) * 10 * MIB }, 60);
  assert.equal(lanes.at(-1), 4);
  assert.ok(shareOf(lanes, 4) > 0.8);
  assert.ok(!lanes.includes(16));
});

test('lanes that make it slower are left', () => {
  const { lanes } = send({ roundTripMs: 1, rate: (count) => (50 * MIB) / count }, 60);
  assert.ok(shareOf(lanes, 1) > 0.9);
});

test('a path that begins to lose packets is noticed', () => {
  const path: PathModel = {
    roundTripMs: 2,
    rate: (count, now) => (now < 20_000 ? 100 : Math.min(100, count * 6)) * MIB,
  };
  const { lanes } = send(path, 120);
  assert.equal(lanes.at(-1), 16);
});

test('nothing is judged by a moment in which little moved, or that was interrupted', () => {
  const growth = new LaneGrowth({ most: 16, roundTripMs: 1, now: 0 });
  for (let now = 0; now < 60_000; now += EVERY_MS) growth.observe(now, 1000);
  assert.equal(growth.lanes, 1, 'nothing moved');
  growth.observe(60_000, 1000);
  growth.interrupt(60_100);
  growth.observe(60_200, 100 * MIB);
  growth.observe(60_250, 100 * MIB);
  assert.equal(growth.lanes, 1, 'what came after the interruption is measured from there');
});

test('a lane that fails is not missed at once, and is tried again later', () => {
  const growth = new LaneGrowth({ most: 16, roundTripMs: 50, now: 0 });
  assert.equal(growth.lanes, 8);
  growth.fail(100, 3);
  assert.equal(growth.lanes, 3);
  growth.fail(200, 0);
  assert.equal(growth.lanes, 1);
  let bytes = 0;
  let now = 200;
  for (; growth.lanes === 1 && now < 60_000; now += EVERY_MS) {
    bytes += 10 * MIB;
    growth.observe(now, bytes);
  }
  assert.ok(growth.lanes > 1);
  assert.ok(now >= 5000, `again after ${now} ms`);
});
