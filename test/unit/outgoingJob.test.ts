import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { SessionFailure } from '../../src/base/failure.ts';
import { OutgoingJob } from '../../src/engine/outgoingJob.ts';
import type { JobRecord } from '../../src/engine/jobFiles.ts';
import type { SendObserver } from '../../src/engine/sender.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import type { ProgressSnapshot } from '../../src/transfer/progress.ts';
import { RETRY_FOR_MS } from '../../src/transfer/retryPolicy.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';

/** One attempt as the job sees it; the test decides what happens. */
interface Attempt {
  readonly observer: SendObserver;
  readonly signal: AbortSignal;
  readonly paused: boolean[];
  readonly end: (code: SessionFailure | 'done', origin?: 'local' | 'remote') => Promise<void>;
  readonly fail: (code: SessionFailure) => Promise<void>;
  readonly progress: (bytesDone: number) => void;
}

const RECORD: JobRecord = {
  id: '0'.repeat(32),
  paths: ['/somewhere'],
  peer: '1'.repeat(64),
  label: 'something',
  useGitignore: false,
  leaveOutSecrets: false,
  startedAtMs: 0,
  isPaused: false,
  wasAccepted: false,
};

/** A job on a clock that the test turns. */
class Bench {
  readonly clock = new MemoryClock();
  readonly attempts: Attempt[] = [];
  readonly kept: JobRecord[] = [];
  forgotten = 0;
  readonly job: OutgoingJob;

  constructor(record: Partial<JobRecord> = {}) {
    this.job = new OutgoingJob(
      { ...RECORD, ...record },
      {
        clock: this.clock,
        attempt: (_record, observer, { signal }) => this.#attempt(observer, signal),
        nameOf: () => 'Boris',
        keep: (changed) => void this.kept.push(changed),
        forget: () => {
          this.forgotten += 1;
        },
        changed: () => undefined,
      },
    );
  }

  get latest(): Attempt {
    const attempt = this.attempts.at(-1);
    assert.ok(attempt, 'no attempt was made');
    return attempt;
  }

  get phase(): string {
    return this.job.summary().phase;
  }

  #attempt(observer: SendObserver, signal: AbortSignal): Promise<OutgoingReport> {
    const { promise, resolve, reject } = Promise.withResolvers<OutgoingReport>();
    let snapshot: ProgressSnapshot = {
      state: 'connecting',
      bytesDone: 0,
      bytesTotal: 0,
      entriesDone: 0,
      entriesTotal: 0,
      bytesPerSecond: 0,
      remainingMs: undefined,
    };
    const paused: boolean[] = [];
    this.attempts.push({
      observer,
      signal,
      paused,
      progress: (bytesDone) => {
        snapshot = { ...snapshot, state: 'moving', bytesDone, bytesTotal: 1000 };
      },
      fail: (code) => {
        reject(new CourierError(code, 'as the test says'));
        return quiet();
      },
      end: (code, origin = 'remote') => {
        const counts = { published: 1, same: 0, skipped: 0, failed: 0, bytes: 1000 };
        resolve({
          end: { origin, close: { code } },
          receipt: code === 'done' ? { root: 'ab', counts } : undefined,
          failures: new Map(),
          skippedSpecials: 0,
          omitted: 0,
        });
        return quiet();
      },
    });
    observer.started({
      id: RECORD.id,
      snapshot: () => snapshot,
      pause: () => void paused.push(true),
      resume: () => void paused.push(false),
      cancel: () => undefined,
      interrupt: () => undefined,
    });
    return promise;
  }
}

suite('a transfer that nobody has accepted yet', () => {
  for (const code of ['not-listening', 'connection-lost', 'wrong-identity'] as const) {
    test(`${code}: its user is told at once`, async () => {
      const bench = new Bench();
      const run = bench.job.run();
      await bench.latest.fail(code);
      await run;
      assert.equal(bench.phase, 'failed');
      assert.equal(bench.job.summary().failure?.code, code);
      assert.equal(bench.forgotten, 1);
    });
  }

  test('declined is the end', async () => {
    const bench = new Bench();
    const run = bench.job.run();
    await bench.latest.end('declined');
    await run;
    assert.equal(bench.phase, 'declined');
  });

  test('tried again by hand, it starts over', async () => {
    const bench = new Bench();
    const first = bench.job.run();
    await bench.latest.fail('not-listening');
    await first;
    const second = bench.job.run();
    assert.equal(bench.attempts.length, 2);
    await bench.latest.end('done');
    await second;
    assert.equal(bench.phase, 'done');
    assert.equal(bench.job.summary().failure, undefined);
    assert.equal(bench.job.summary().digest, 'ab');
  });
});

suite('an accepted transfer', () => {
  test('is tried again, later and later, and says when', async () => {
    const bench = new Bench();
    void bench.job.run();
    bench.latest.observer.accepted?.();
    assert.equal(bench.kept.at(-1)?.wasAccepted, true);
    bench.latest.progress(400);
    await bench.latest.end('connection-lost');
    assert.equal(bench.phase, 'interrupted');
    assert.ok(bench.job.summary().retryAtMs);
    for (const [delayMs, attempts] of [
      [500, 2],
      [1000, 3],
      [2000, 4],
    ] as const) {
      await bench.clock.advance(delayMs - 1);
      assert.equal(bench.attempts.length, attempts - 1);
      await bench.clock.advance(1);
      assert.equal(bench.attempts.length, attempts);
      assert.equal(bench.job.summary().progress.bytesDone, 400, 'progress does not go back');
      await bench.latest.fail('not-listening');
    }
  });

  test('gives up by itself after ten minutes without progress, and goes on when its user says so', async () => {
    const bench = new Bench({ wasAccepted: true });
    void bench.job.run();
    await bench.latest.fail('unreachable');
    const before = bench.clock.now();
    while (bench.job.summary().retryAtMs !== undefined) {
      await bench.clock.advance(1000);
      if (bench.phase === 'connecting') await bench.latest.fail('unreachable');
    }
    assert.ok(bench.clock.now() - before >= RETRY_FOR_MS - 31_000);
    assert.equal(bench.phase, 'interrupted');
    assert.equal(bench.clock.armed, 0);
    const { length } = bench.attempts;
    bench.job.resume();
    await quiet();
    assert.equal(bench.attempts.length, length + 1);
  });

  test('a decision of the peer is not retried', async () => {
    const bench = new Bench({ wasAccepted: true });
    const run = bench.job.run();
    await bench.latest.end('cancelled');
    await run;
    assert.equal(bench.phase, 'cancelled');
    assert.equal(bench.job.summary().failure?.origin, 'remote');
  });

  test('is cancelled while it moves, and while it waits', async () => {
    const moving = new Bench({ wasAccepted: true });
    const first = moving.job.run();
    moving.job.cancel();
    assert.equal(moving.latest.signal.aborted, true);
    await moving.latest.end('cancelled', 'local');
    await first;
    const waiting = new Bench({ wasAccepted: true });
    const second = waiting.job.run();
    await waiting.latest.fail('unreachable');
    waiting.job.cancel();
    await second;
    for (const { phase, clock, job } of [moving, waiting]) {
      assert.equal(phase, 'cancelled');
      assert.equal(clock.armed, 0);
      assert.equal(job.summary().failure, undefined);
    }
  });
});

suite('paused', () => {
  test('while it moves: the session is held, the record knows, resuming goes on', async () => {
    const bench = new Bench({ wasAccepted: true });
    void bench.job.run();
    bench.job.pause();
    assert.deepEqual(bench.latest.paused, [true]);
    assert.equal(bench.kept.at(-1)?.isPaused, true);
    bench.job.resume();
    assert.deepEqual(bench.latest.paused, [true, false]);
    assert.equal(bench.kept.at(-1)?.isPaused, false);
    await quiet();
  });

  test('while the connection breaks: no attempt is made before it is resumed', async () => {
    const bench = new Bench({ wasAccepted: true });
    void bench.job.run();
    bench.job.pause();
    await bench.latest.end('connection-lost');
    await bench.clock.advance(60_000);
    assert.equal(bench.phase, 'paused');
    assert.equal(bench.attempts.length, 1);
    bench.job.resume();
    await quiet();
    assert.equal(bench.attempts.length, 2);
  });

  test('while it waits for the next attempt', async () => {
    const bench = new Bench({ wasAccepted: true });
    void bench.job.run();
    await bench.latest.fail('unreachable');
    bench.job.pause();
    await quiet();
    await bench.clock.advance(60_000);
    assert.equal(bench.phase, 'paused');
    assert.equal(bench.attempts.length, 1);
  });

  test('when the engine starts', async () => {
    const bench = new Bench({ wasAccepted: true, isPaused: true });
    assert.equal(bench.phase, 'paused');
    void bench.job.run();
    await quiet();
    assert.equal(bench.attempts.length, 0);
    bench.job.resume();
    await quiet();
    assert.equal(bench.attempts.length, 1);
  });
});
