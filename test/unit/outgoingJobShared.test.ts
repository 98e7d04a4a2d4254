/** What is shared: it waits for whoever redeems its invite, and its peer may dial as well as be dialled. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { SessionFailure } from '../../src/base/failure.ts';
import { OutgoingJob } from '../../src/engine/outgoingJob.ts';
import type { JobRecord } from '../../src/engine/jobFiles.ts';
import type { Arrival, SendObserver } from '../../src/engine/sender.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import { RETRY_FOR_MS } from '../../src/transfer/retryPolicy.ts';
import { MemoryLink } from '../support/memoryChannel.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { helloOf } from '../support/memoryTransfer.ts';

const PEER = '1'.repeat(64);
const MINUTE = 60_000;

/** One attempt as the job sees it; the test decides what happens. */
interface Attempt {
  readonly arrival: Arrival | undefined;
  readonly signal: AbortSignal;
  readonly observer: SendObserver;
  /** The connection is there. */
  connect(): void;
  end(code: SessionFailure | 'done'): Promise<void>;
  isInterrupted: boolean;
}

class Bench {
  readonly clock = new MemoryClock();
  readonly attempts: Attempt[] = [];
  readonly refused: SessionFailure[] = [];
  kept: JobRecord[] = [];
  forgotten = 0;
  readonly job: OutgoingJob;

  constructor(record: Partial<JobRecord> = {}) {
    this.job = new OutgoingJob(
      {
        id: '0'.repeat(32),
        paths: ['/somewhere'],
        peer: '',
        share: { invite: 'a'.repeat(16) },
        label: 'something',
        useGitignore: false,
        leaveOutSecrets: false,
        startedAtMs: Date.now(),
        isPaused: false,
        wasAccepted: false,
        ...record,
      },
      {
        clock: this.clock,
        patience: { forMs: RETRY_FOR_MS },
        waitsForUser: true,
        attempt: (_record, observer, options) => this.#attempt(observer, options),
        nameOf: (fingerprint) => (fingerprint === PEER ? 'Boris' : fingerprint),
        keep: (changed) => void this.kept.push(changed),
        note: () => undefined,
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

  /** Somebody has dialled; tells why it is turned away. */
  async arrive(isPreferred = false): Promise<SessionFailure | undefined> {
    const fingerprint = parseFingerprint(PEER);
    assert.ok(fingerprint !== undefined);
    const refusal = this.job.arrive({
      fingerprint,
      address: '192.0.2.7',
      session: new SenderSession({ isDialler: false, hello: helloOf('sender'), now: 0 }),
      channel: new MemoryLink(this.clock).sender,
      isPreferred,
      refuse: (code) => void this.refused.push(code),
    });
    await quiet();
    return refusal;
  }

  #attempt(
    observer: SendObserver,
    { signal, arrival }: { readonly signal: AbortSignal; readonly arrival?: Arrival },
  ): Promise<OutgoingReport> {
    const { promise, resolve, reject } = Promise.withResolvers<OutgoingReport>();
    let isConnected = false;
    const end = (code: SessionFailure | 'done', origin: 'local' | 'remote' = 'remote'): Promise<void> => {
      const counts = { published: 1, same: 0, skipped: 0, failed: 0, bytes: 1000 };
      resolve({
        end: { origin, close: { code } },
        receipt: code === 'done' ? { root: 'ab', counts } : undefined,
        failures: new Map(),
        skippedSpecials: 0,
        omitted: 0,
      });
      return quiet();
    };
    const attempt: Attempt = {
      arrival,
      signal,
      observer,
      isInterrupted: false,
      connect: () => {
        isConnected = true;
        observer.started({
          id: '0'.repeat(32),
          snapshot: () => ({
            state: 'moving',
            bytesDone: 0,
            bytesTotal: 0,
            entriesDone: 0,
            entriesTotal: 0,
            bytesPerSecond: 0,
            remainingMs: undefined,
          }),
          pause: () => undefined,
          resume: () => undefined,
          cancel: () => undefined,
          interrupt: () => {
            attempt.isInterrupted = true;
            void end('connection-lost', 'local');
          },
        });
      },
      end: (code) => end(code),
    };
    // As when it dials.
    signal.addEventListener('abort', () => {
      if (!isConnected) reject(new CourierError('cancelled', 'cancelled while connecting'));
    });
    this.attempts.push(attempt);
    if (arrival !== undefined) attempt.connect();
    return promise;
  }
}

suite('before anybody has come', () => {
  test('it dials nobody, has no peer, and ends when its invite does', async () => {
    const bench = new Bench();
    const run = bench.job.run();
    await quiet();
    assert.deepEqual([bench.phase, bench.attempts.length], ['shared', 0]);
    assert.deepEqual(bench.job.summary().peer, { name: '', fingerprint: '' });
    await bench.clock.advance(10 * MINUTE - 1000);
    assert.equal(bench.phase, 'shared');
    await bench.clock.advance(1000);
    // The other clock is the wall's, which this one does not turn.
    bench.job.cancel();
    await run;
    assert.equal(bench.forgotten, 1);
  });

  test('one whose ten minutes are over says so', async () => {
    const bench = new Bench({ startedAtMs: Date.now() - 10 * MINUTE });
    await bench.job.run();
    assert.deepEqual([bench.phase, bench.job.summary().failure?.code], ['failed', 'invite-expired']);
    assert.equal(bench.forgotten, 1);
  });

  test('cancelled, it turns away whoever comes late', async () => {
    const bench = new Bench();
    const run = bench.job.run();
    bench.job.cancel();
    await run;
    assert.equal(bench.phase, 'cancelled');
    assert.equal(await bench.arrive(), 'cancelled');
    assert.equal(bench.attempts.length, 0);
  });
});

suite('whoever has redeemed the invite', () => {
  test('is its peer from then on, and is written down', async () => {
    const bench = new Bench();
    const run = bench.job.run();
    assert.equal(await bench.arrive(), undefined);
    assert.equal(bench.kept.at(-1)?.peer, PEER);
    assert.equal(bench.job.summary().peer.name, 'Boris');
    assert.ok(bench.latest.arrival);
    await bench.latest.end('done');
    await run;
    assert.deepEqual([bench.phase, bench.refused], ['done', []]);
    assert.equal(await bench.arrive(), 'invite-refused');
  });

  test('is waited for after an interruption, also if nobody has accepted yet', async () => {
    const bench = new Bench();
    void bench.job.run();
    await bench.arrive();
    await bench.latest.end('connection-lost');
    assert.equal(bench.phase, 'interrupted');
    await bench.arrive();
    assert.equal(bench.attempts.length, 2);
    await bench.latest.end('declined');
    assert.equal(bench.phase, 'declined');
    assert.equal(await bench.arrive(), 'invite-refused');
  });

  test('who dials twice has given the first one up', async () => {
    const bench = new Bench();
    void bench.job.run();
    await bench.arrive();
    const [first] = bench.attempts;
    assert.equal(await bench.arrive(), undefined);
    assert.equal(first?.isInterrupted, true);
    assert.equal(bench.attempts.length, 2);
    await bench.latest.end('done');
    assert.equal(bench.phase, 'done');
  });
});

suite('both dial', () => {
  const redeemed = { peer: PEER, wasAccepted: true };

  test('ours is connected and goes on: theirs is told that we are busy', async () => {
    const bench = new Bench(redeemed);
    void bench.job.run();
    await quiet();
    bench.latest.connect();
    assert.equal(await bench.arrive(false), 'busy');
    assert.deepEqual([bench.attempts.length, bench.latest.isInterrupted], [1, false]);
    await bench.latest.end('done');
    assert.equal(bench.phase, 'done');
  });

  test('theirs goes on: ours ends, and nothing has failed', async () => {
    const bench = new Bench(redeemed);
    void bench.job.run();
    await quiet();
    const ours = bench.latest;
    ours.connect();
    assert.equal(await bench.arrive(true), undefined);
    assert.equal(ours.isInterrupted, true);
    assert.equal(bench.attempts.length, 2);
    assert.equal(bench.job.summary().failure, undefined);
    await bench.latest.end('done');
    assert.equal(bench.phase, 'done');
  });

  test('ours is not connected, and may never be: whoever has come goes on', async () => {
    const bench = new Bench(redeemed);
    void bench.job.run();
    await quiet();
    const ours = bench.latest;
    assert.equal(await bench.arrive(false), undefined);
    assert.equal(ours.signal.aborted, true);
    assert.equal(bench.attempts.length, 2);
    assert.ok(bench.latest.arrival);
    await bench.latest.end('done');
    assert.equal(bench.phase, 'done');
  });

  test('the peer says that it is busy: that is waited out', async () => {
    const bench = new Bench(redeemed);
    void bench.job.run();
    await quiet();
    bench.latest.connect();
    await bench.latest.end('busy');
    assert.equal(bench.phase, 'interrupted');
    assert.equal(await bench.arrive(true), undefined);
    await bench.latest.end('done');
    assert.equal(bench.phase, 'done');
  });
});
