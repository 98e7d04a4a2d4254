import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Way } from '../../src/transfer/chunkRounds.ts';
import { EffortControl } from '../../src/transfer/effortControl.ts';
import { createRandom, testProperty } from '../support/random.ts';
import { serve, serveStored } from '../support/simulatedServing.ts';
import type { SimulatedWorld } from '../support/simulatedServing.ts';

const MIB = 1024 * 1024;
/** Source text and zstd, on two processors and on more. */
const CODEC_MS = [7, 8.5, 30] as const;
const SHARES = [0.276, 0.228, 0.202] as const;

/** Half a gibibyte over a path of so many megabytes a second. */
function world(megabytesPerSecond: number, other: Partial<SimulatedWorld> = {}): SimulatedWorld {
  const pathRate = (): number => megabytesPerSecond / 1048.576;
  return { chunks: 512, pathRate, codecMs: CODEC_MS, shares: SHARES, threads: 2, ...other };
}

/** A fast path whose other end shares the processors: each call of the codec takes a third of its rate. */
function sharing(megabytesPerSecond: number, other: Partial<SimulatedWorld> = {}): SimulatedWorld {
  const pathRate = (_nowMs: number, running: number): number =>
    (megabytesPerSecond / 1048.576) * (1 - running / 3);
  return world(megabytesPerSecond, { pathRate, ...other });
}

/** A path whose rate changes at a moment. */
function changing(atMs: number, from: number, to: number): SimulatedWorld['pathRate'] {
  return (nowMs) => (nowMs < atMs ? from : to) / 1048.576;
}

/** How many times as long it takes as without compression. */
function timesStored(given: SimulatedWorld): number {
  return serve(given).tookMs / serveStored(given);
}

function lastOf(ways: readonly Way[], count: number): Set<Way> {
  return new Set(ways.slice(-count));
}

/** How many stretches of the other kind there are: of chunks compressed among stored ones, and the reverse. */
function turnsOf(ways: readonly Way[]): number {
  return ways.filter((way, at) => at > 0 && (way === 'stored') !== (ways[at - 1] === 'stored')).length;
}

suite('a path that is faster than the codec', () => {
  for (const [megabytes, threads] of [
    [500, 1],
    [800, 2],
  ] as const) {
    test(`${megabytes} MB/s, ${threads} of the threads that it needs, too: an eighth is tried at most, and a twentieth lost`, () => {
      const given = sharing(megabytes, { threads, chunks: 2048 });
      const { ways } = serve(given);
      assert.ok(ways.filter((way) => way !== 'stored').length <= 2048 / 8);
      assert.ok(timesStored(given) <= 1.05, String(timesStored(given)));
    });
  }

  for (const [megabytes, threads, atMost] of [
    [118, 1, 0.61],
    [250, 1, 0.8],
    [500, 2, 0.8],
  ] as const) {
    test(`${megabytes} MB/s and ${threads} threads of their own: they shorten what they can, at most ${atMost} of the time`, () => {
      const given = world(megabytes, { threads });
      assert.ok(lastOf(serve(given).ways, 256).has('mixed'));
      assert.ok(timesStored(given) <= atMost, String(timesStored(given)));
    });
  }

  test('buffers on it that fill and empty do not look like its rate', () => {
    const given = world(118, { threads: 1, bufferChunks: 8 });
    assert.ok(lastOf(serve(given).ways, 256).has('mixed'));
    assert.ok(timesStored(given) <= 0.65, String(timesStored(given)));
  });

  test('over 16 GiB a chunk in seventy may be compressed to see whether that has changed', () => {
    const { ways } = serve(sharing(800, { chunks: 16_384 }));
    assert.ok(ways.filter((way) => way !== 'stored').length < 16_384 / 70);
    assert.ok(turnsOf(ways) < 14);
  });
});

suite('a path that is slower than the codec', () => {
  for (const [name, megabytes, threads, effort, atMost] of [
    ['10 Mbit/s', 1.25, 2, 2, 0.21],
    ['50 Mbit/s', 6.25, 2, 2, 0.21],
    ['100 Mbit/s, two threads', 12.5, 2, 1, 0.24],
    ['100 Mbit/s, three threads', 12.5, 3, 1, 0.24],
    ['300 Mbit/s, two threads', 37.5, 2, 0, 0.3],
    ['300 Mbit/s, three threads', 37.5, 3, 1, 0.26],
    ['a gigabit, two threads', 118, 2, 'mixed', 0.42],
    ['a gigabit, three threads', 118, 3, 'mixed', 0.32],
  ] as const) {
    test(`${name}: effort ${effort}, and at most ${atMost} of the time`, () => {
      const given = world(megabytes, { threads });
      assert.deepEqual(lastOf(serve(given).ways, 256), new Set([effort]));
      assert.ok(timesStored(given) <= atMost, String(timesStored(given)));
    });
  }

  test('a gigabit: storing is tried once, and no longer than it takes to see that the path is waited for', () => {
    const { ways } = serve(world(118));
    assert.ok(ways.filter((way) => way === 'stored').length <= 12);
    assert.equal(turnsOf(ways), 2);
  });

  test('a slow one is not held up by a trial of storing', () => {
    assert.ok(!serve(world(6.25)).ways.includes('stored'));
  });
});

suite('a path that changes', () => {
  test('becomes slow: compressed within 32 chunks', () => {
    const given = world(500, { pathRate: changing(600, 500, 12) });
    const { ways } = serve(given);
    const stored = ways.lastIndexOf('stored');
    const fastChunks = (600 * 500) / 1048.576;
    assert.ok(stored < fastChunks + 32, `${stored}, ${fastChunks}`);
    assert.ok(timesStored(given) < 0.35);
  });

  test('becomes fast: stored in the end', () => {
    const pathRate = (nowMs: number, running: number): number =>
      changing(2000, 12, 500)(nowMs, running) * (1 - running / 3);
    const given = world(500, { pathRate });
    assert.deepEqual(lastOf(serve(given).ways, 128), new Set(['stored']));
    assert.ok(timesStored(given) < 1.05, String(timesStored(given)));
  });

  test('becomes slower than it was: the effort rises', () => {
    const given = world(118, { pathRate: changing(1000, 118, 3) });
    assert.deepEqual(lastOf(serve(given).ways, 64), new Set([2]));
    assert.ok(timesStored(given) < 0.21);
  });
});

/** Ways of chunks that come twice as fast when they are compressed; `stalled` is the part of the time that the path is waited for. */
function waysWhen(stalled: number): readonly Way[] {
  const control = new EffortControl(1);
  let [nowMs, stalledMs] = [0, 0];
  return Array.from({ length: 512 }, () => {
    const { way } = control;
    const tookMs = way === 'stored' ? 20 : 10;
    nowMs += tookMs;
    stalledMs += tookMs * stalled;
    const codecMs = way === 'stored' ? 0 : tookMs;
    control.encoded({ way, rawBytes: MIB, bodyBytes: MIB / 4, shrinks: true, codecMs, stalledMs }, nowMs);
    return way;
  });
}

suite('a path that compressing seems to make twice as fast', () => {
  test('is believed if it was waited for', () => {
    assert.ok(waysWhen(0.6).filter((way) => way === 'stored').length < 128);
  });

  test('is not if it was not: something else has changed', () => {
    assert.deepEqual(lastOf(waysWhen(0.1), 400), new Set(['stored']));
  });
});

suite('trials', () => {
  test('come back soon after compressing gained a little, not after the path was clearly waited for', () => {
    const trialsAt = (megabytes: number): number => turnsOf(serve(world(megabytes)).ways) / 2;
    assert.deepEqual([trialsAt(118), trialsAt(850)], [1, 3]);
  });

  test('of compressing begin where nothing waits for the codec', () => {
    const pathRate = (nowMs: number): number => (nowMs > 2000 && nowMs < 2600 ? 800 : 6) / 1048.576;
    const { ways } = serve(world(6, { pathRate }));
    const stored = ways.indexOf('stored');
    assert.ok(ways.slice(0, stored).includes(2));
    assert.equal(
      ways.slice(stored).find((way) => way !== 'stored'),
      'mixed',
    );
  });

  test('are made when a path becomes as slow as it was before it became faster', () => {
    const rateAt = (nowMs: number): number => (nowMs < 500 ? 300 : nowMs < 650 ? 1200 : 180);
    const { ways } = serve(
      world(300, { pathRate: (nowMs) => rateAt(nowMs) / 1048.576, codecMs: [6, 7.5, 25] }),
    );
    const slowFrom = (300 * 500 + 1200 * 150) / 1048.576;
    const noticed = ways.findIndex((way, at) => at > slowFrom && way !== 'stored');
    assert.ok(noticed > 0 && noticed < slowFrom + 128, `${noticed}, ${slowFrom}`);
  });
});

suite('data that does not shrink', () => {
  test('starts no trial', () => {
    assert.deepEqual(new Set(serve(world(1000, { shrinks: () => false })).ways), new Set([0]));
  });

  test('in front of text tells nothing about the path', () => {
    const given = world(118, { shrinks: (chunk) => chunk >= 256 });
    assert.ok(timesStored(given) < 0.72, String(timesStored(given)));
  });

  test('among text does not keep that from being compressed', () => {
    const given = world(37.5, { shrinks: (chunk) => chunk % 3 !== 0 });
    assert.ok(timesStored(given) < 0.6, String(timesStored(given)));
  });
});

/** Rates of fast networks and of slow ones, evenly over the magnitudes. */
const anyWorld = fc
  .record({
    magnitude: fc.double({ min: 0, max: 3.2, noNaN: true }),
    codecFactor: fc.double({ min: 0.3, max: 4, noNaN: true }),
    share: fc.double({ min: 0.05, max: 0.85, noNaN: true }),
    threads: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ magnitude, codecFactor, share, threads }) =>
    world(10 ** magnitude, {
      threads,
      codecMs: [CODEC_MS[0] * codecFactor, CODEC_MS[1] * codecFactor, CODEC_MS[2] * codecFactor],
      shares: [share, share * 0.83, share * 0.73],
    }),
  );

testProperty(
  'whatever path and codec are like, not much is lost on storing everything, nor on the least effort',
  anyWorld,
  (given) => {
    const { tookMs, ways } = serve(given);
    assert.ok(turnsOf(ways) <= 8, `${turnsOf(ways)} turns`);
    const storedMs = serveStored(given);
    const leastMs = serve(given, { way: 0, encoded: () => undefined }).tookMs;
    // What is tried at first takes a few dozen chunks, and up to a third is within the noise where rates are.
    const triesMs = (40 * leastMs) / 512;
    assert.ok(tookMs <= 1.03 * storedMs + triesMs, `${tookMs} ms, ${storedMs} when stored`);
    assert.ok(
      tookMs <= 1.35 * leastMs + (32 * storedMs) / 512,
      `${tookMs} ms, ${leastMs} at the least effort`,
    );
  },
  300,
);

testProperty(
  'where rates vary by half for no reason, trials stay rare',
  fc.record({ seed: fc.integer(), megabytes: fc.integer({ min: 400, max: 1500 }) }),
  ({ seed, megabytes }) => {
    const random = createRandom(seed);
    const pathRate = (): number => (megabytes * (0.5 + random())) / 1048.576;
    const { ways } = serve(world(megabytes, { pathRate, chunks: 4096 }));
    // Two turns a trial, and at least 8 rounds of 12 chunks between two even if every one decides otherwise.
    assert.ok(turnsOf(ways) <= (2 * 4096) / 96, `${turnsOf(ways)} turns`);
  },
  50,
);
