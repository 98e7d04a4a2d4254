/** Each way through the states of an outgoing transfer. Long, because all of them are taken on one bench. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { SessionFailure } from '../../src/base/failure.ts';
import { OutgoingJob } from '../../src/engine/outgoingJob.ts';
import type { JobRecord, LastSeen } from '../../src/engine/jobFiles.ts';
import type { SendObserver } from '../../src/engine/sender.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import type { ProgressSnapshot } from '../../src/transfer/progress.ts';
import { QUIET_RETRY_MS, RETRY_FOR_MS } from '../../src/transfer/retryPolicy.ts';
import type { Patience } from '../../src/transfer/retryPolicy.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';

/** One attempt as the job sees it; the test decides what happens. */
interface Attempt {
  readonly observer: SendObserver;
  readonly signal: AbortSignal;
  readonly paused: boolean[];
  /** As often as the session was ended because its process goes. */
  readonly interrupted: readonly true[];
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
  readonly notes: LastSeen[] = [];
  forgotten = 0;
  readonly job: OutgoingJob;

  constructor(
    record: Partial<JobRecord> = {},
    {
      patience = { forMs: RETRY_FOR_MS },
      waitsForUser = true,
      seen,
    }: { patience?: Patience; waitsForUser?: boolean; seen?: LastSeen } = {},
  ) {
    this.job = new OutgoingJob(
      { ...RECORD, ...record },
      {
        clock: this.clock,
        patience,
        waitsForUser,
        note: (_record, now) => void this.notes.push(now),
        attempt: (_record, observer, { signal }) => this.#attempt(observer, signal),
        nameOf: () => 'Boris',
        keep: (changed) => void this.kept.push(changed),
        forget: () => {
          this.forgotten += 1;
        },
        changed: () => undefined,
      },
      seen,
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
    const interrupted: true[] = [];
    this.attempts.push({
      observer,
      signal,
      paused,
      interrupted,
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
      interrupt: () => void interrupted.push(true),
    });
    return promise;
  }
}

suite('a transfer that nobody has accepted yet', () => {
  for (const code of ['not-listening', 'timed-out', 'wrong-identity'] as const) {
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

  for (const code of ['connection-lost', 'not-peer-courier'] as const) {
    test(`${code} before it was let in: it knocks twice more, and then its user is told`, async () => {
      const bench = new Bench();
      const run = bench.job.run();
      for (const knock of [1, 2]) {
        await bench.latest.fail(code);
        assert.equal(bench.phase, 'connecting');
        assert.equal(bench.job.summary().failure, undefined);
        await bench.clock.advance(499);
        assert.equal(bench.attempts.length, knock);
        await bench.clock.advance(1);
        assert.equal(bench.attempts.length, knock + 1);
      }
      await bench.latest.fail(code);
      await run;
      assert.equal(bench.phase, 'failed');
      assert.equal(bench.job.summary().failure?.code, code);
    });
  }

  test('it knocks in vain no longer than its user likes', async () => {
    const bench = new Bench();
    const run = bench.job.run();
    await bench.latest.fail('connection-lost');
    bench.job.cancel();
    await run;
    assert.equal(bench.phase, 'cancelled');
    const impatient = new Bench({}, { patience: { forMs: 0 } });
    const once = impatient.job.run();
    await impatient.latest.fail('connection-lost');
    await once;
    assert.equal(impatient.phase, 'failed');
  });

  test('a connection that was lost after it was let in is no closed door', async () => {
    const fingerprint = parseFingerprint(RECORD.peer);
    assert.ok(fingerprint !== undefined);
    const bench = new Bench();
    const run = bench.job.run();
    bench.latest.observer.connected({
      name: 'Boris',
      fingerprint,
      address: 'here',
    });
    await bench.latest.end('connection-lost');
    await run;
    assert.equal(bench.phase, 'failed');
  });

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
  for (const [code, ...delays] of [
    // Data is to flow within two seconds of the peer's return.
    ['not-listening', 500, 500, 500, 500],
    ['unreachable', 500, 500, 500, 500],
    // Whoever makes room takes longer, and each attempt offers everything again.
    ['disk-full', 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  ] as const) {
    test(`is tried again, later and later, and says when: ${code}`, async () => {
      const bench = new Bench();
      void bench.job.run();
      bench.latest.observer.accepted?.();
      assert.equal(bench.kept.at(-1)?.wasAccepted, true);
      bench.latest.progress(400);
      await bench.latest.end('connection-lost');
      for (const [at, delayMs] of delays.entries()) {
        assert.equal(bench.phase, 'interrupted');
        assert.ok(bench.job.summary().retryAtMs);
        await bench.clock.advance(delayMs - 1);
        assert.equal(bench.attempts.length, at + 1);
        await bench.clock.advance(1);
        assert.equal(bench.attempts.length, at + 2);
        assert.equal(bench.job.summary().progress.bytesDone, 400, 'progress does not go back');
        await bench.latest.fail(code);
      }
    });
  }

  test('gives up by itself after ten minutes without progress, and goes on when its user says so', async () => {
    const bench = new Bench({ wasAccepted: true });
    void bench.job.run();
    await bench.latest.fail('unreachable');
    const before = bench.clock.now();
    let failed = 1;
    while (bench.job.summary().retryAtMs !== undefined) {
      await bench.clock.advance(1000);
      assert.equal(bench.phase, 'interrupted', 'while it waits, and while it tries again');
      for (; failed < bench.attempts.length; failed += 1) await bench.latest.fail('unreachable');
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

  test('is forgotten before its receiver hears that we know: else it would be offered again after a kill', async () => {
    const bench = new Bench({ wasAccepted: true });
    const run = bench.job.run();
    bench.latest.observer.received?.();
    assert.equal(bench.forgotten, 1);
    await bench.latest.end('done');
    await run;
    assert.equal(bench.phase, 'done');
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

/** How it stood at 430 of 1000 bytes. */
const SEEN: LastSeen = {
  progress: { bytesDone: 430, bytesTotal: 1000, entriesDone: 1, entriesTotal: 2 },
  failure: { code: 'connection-lost', detail: '', origin: 'local' },
};

suite('what outlives its process', () => {
  test('how far it is, written down every two seconds and when it is interrupted', async () => {
    const bench = new Bench();
    void bench.job.run();
    bench.latest.observer.accepted?.();
    bench.latest.progress(400);
    const before = bench.notes.length;
    await bench.clock.advance(1999);
    assert.equal(bench.notes.length, before);
    await bench.clock.advance(1);
    assert.equal(bench.notes.at(-1)?.progress.bytesDone, 400);
    bench.latest.progress(500);
    await bench.latest.end('connection-lost');
    assert.equal(bench.notes.at(-1)?.progress.bytesDone, 500);
    assert.equal(bench.notes.at(-1)?.failure?.code, 'connection-lost');
  });

  test('nothing, before it is accepted', async () => {
    const bench = new Bench();
    void bench.job.run();
    bench.latest.progress(400);
    await bench.clock.advance(10_000);
    assert.deepEqual(bench.notes, []);
  });

  test('the next process shows no less, and says why it was interrupted', async () => {
    const bench = new Bench({ wasAccepted: true }, { seen: SEEN });
    assert.equal(bench.phase, 'interrupted');
    assert.equal(bench.job.summary().failure?.code, 'connection-lost');
    void bench.job.run();
    bench.latest.progress(10);
    assert.equal(bench.job.summary().progress.bytesDone, 430);
    bench.latest.progress(600);
    assert.equal(bench.job.summary().progress.bytesDone, 600);
    await quiet();
  });

  test('one that failed for a reason that does not pass: kept, and not tried again by itself', async () => {
    const bench = new Bench({ wasAccepted: true });
    const run = bench.job.run();
    await bench.latest.fail('wrong-identity');
    await run;
    assert.equal(bench.phase, 'failed');
    assert.equal(bench.forgotten, 0);
    const [failure] = bench.notes.slice(-1).map((note) => note.failure);
    assert.equal(failure?.code, 'wrong-identity');
    const next = new Bench({ wasAccepted: true }, { seen: { ...SEEN, ...(failure && { failure }) } });
    assert.equal(next.phase, 'failed');
  });
});

suite('a process that does not wait for its user', () => {
  test('gives up when its patience is at an end, and keeps the record', async () => {
    const bench = new Bench({ wasAccepted: true }, { patience: { forMs: 5000 }, waitsForUser: false });
    const run = bench.job.run();
    await bench.latest.fail('unreachable');
    for (let failed = 1; !bench.job.hasEnded;) {
      await bench.clock.advance(500);
      for (; failed < bench.attempts.length; failed += 1) await bench.latest.fail('unreachable');
    }
    await run;
    assert.ok(bench.clock.now() >= 5000);
    assert.equal(bench.phase, 'interrupted');
    assert.equal(bench.job.summary().failure?.code, 'unreachable');
    assert.equal(bench.forgotten, 0);
    assert.equal(bench.clock.armed, 0);
  });

  test('without patience it does not try once more', async () => {
    const bench = new Bench({ wasAccepted: true }, { patience: { forMs: 0 }, waitsForUser: false });
    const run = bench.job.run();
    await bench.latest.end('connection-lost');
    await run;
    assert.equal(bench.attempts.length, 1);
    assert.equal(bench.phase, 'interrupted');
  });

  test('has to go while it moves: the session is interrupted, the record stays', async () => {
    const bench = new Bench({ wasAccepted: true }, { waitsForUser: false });
    const run = bench.job.run();
    bench.latest.progress(300);
    bench.job.leave();
    assert.deepEqual([bench.latest.interrupted.length, bench.latest.signal.aborted], [1, false]);
    await bench.latest.end('connection-lost', 'local');
    await run;
    assert.equal(bench.phase, 'interrupted');
    assert.equal(bench.forgotten, 0);
    assert.equal(bench.notes.at(-1)?.progress.bytesDone, 300);
  });

  test('has to go while it waits', async () => {
    const bench = new Bench({ wasAccepted: true }, { waitsForUser: false });
    const run = bench.job.run();
    await bench.latest.fail('unreachable');
    bench.job.leave();
    await run;
    assert.equal(bench.attempts.length, 1);
    assert.equal(bench.phase, 'interrupted');
    assert.equal(bench.clock.armed, 0);
  });

  test('has to go before anybody has accepted it: nothing is kept', async () => {
    const bench = new Bench({}, { waitsForUser: false });
    const run = bench.job.run();
    bench.job.leave();
    assert.equal(bench.latest.signal.aborted, true);
    await bench.latest.end('cancelled', 'local');
    await run;
    assert.equal(bench.forgotten, 1);
  });
});

suite('the world', () => {
  test('may have changed: a wait is over at once, and patience begins anew', async () => {
    const bench = new Bench({ wasAccepted: true }, { patience: { forMs: 5000 }, waitsForUser: false });
    void bench.job.run();
    await bench.latest.fail('unreachable');
    await bench.clock.advance(500);
    await bench.latest.fail('unreachable');
    bench.job.wake();
    await quiet();
    assert.equal(bench.attempts.length, 3);
    await bench.latest.fail('unreachable');
    await bench.clock.advance(500);
    assert.equal(bench.attempts.length, 4, 'the waits are short again');
    await quiet();
  });

  test('mends late: whoever lives long goes on trying quietly', async () => {
    const patience = { forMs: 1000, thenEveryMs: QUIET_RETRY_MS };
    const bench = new Bench({ wasAccepted: true }, { patience });
    void bench.job.run();
    await bench.latest.fail('unreachable');
    await bench.clock.advance(500);
    await bench.latest.fail('unreachable');
    await bench.clock.advance(1000);
    for (let again = 0; again < 3; again += 1) {
      const { length } = bench.attempts;
      await bench.latest.fail('unreachable');
      await bench.clock.advance(QUIET_RETRY_MS - 1);
      assert.equal(bench.attempts.length, length);
      await bench.clock.advance(1);
      assert.equal(bench.attempts.length, length + 1);
    }
  });
});
