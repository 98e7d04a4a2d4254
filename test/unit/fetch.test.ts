/** What is fetched: dialled for again and again, unless it comes over a connection that the other device has dialled. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { SessionFailure } from '../../src/base/failure.ts';
import { Fetch } from '../../src/engine/fetch.ts';
import type { FetchObserver } from '../../src/engine/fetchSession.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import type { IncomingReport } from '../../src/transfer/incomingTransfer.ts';
import { RETRY_FOR_MS } from '../../src/transfer/retryPolicy.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';

const ID = '0'.repeat(32);

interface Session {
  readonly transfer: string | undefined;
  readonly signal: AbortSignal;
  readonly observer: FetchObserver;
  hasGivenWay: boolean;
  end(code: SessionFailure | 'done', origin?: 'local' | 'remote'): Promise<void>;
  fail(code: SessionFailure): Promise<void>;
}

class Bench {
  readonly clock = new MemoryClock();
  readonly sessions: Session[] = [];
  readonly cancelled: string[] = [];
  isUnfinished = true;
  hasReceived = false;
  idle = Promise.resolve();
  readonly fetch: Fetch;

  constructor(transfer?: string) {
    this.fetch = new Fetch({
      clock: this.clock,
      transfers: {
        whenIdle: () => this.idle,
        isUnfinished: () => this.isUnfinished,
        hasReceived: () => this.hasReceived,
        cancel: (id) => void this.cancelled.push(id),
        summary: () => undefined,
      },
      ...(transfer === undefined ? {} : { transfer }),
      patience: () => ({ forMs: RETRY_FOR_MS }),
      session: (id, observer, { signal }) => this.#begin(id, observer, signal),
    });
  }

  get latest(): Session {
    const session = this.sessions.at(-1);
    assert.ok(session, 'no session has begun');
    return session;
  }

  /** The other device lets us in, and makes its offer. */
  offer(): void {
    const fingerprint = parseFingerprint('1'.repeat(64));
    assert.ok(fingerprint !== undefined);
    this.connect();
    this.latest.observer.opened({ name: 'Anna', fingerprint });
    this.latest.observer.offered(ID);
  }

  connect(): void {
    const { latest } = this;
    latest.observer.connected(() => {
      latest.hasGivenWay = true;
      void latest.end('busy', 'local');
    });
  }

  #begin(
    transfer: string | undefined,
    observer: FetchObserver,
    signal: AbortSignal,
  ): Promise<IncomingReport> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingReport>();
    const cancelled = new CourierError('cancelled', 'cancelled while connecting');
    signal.addEventListener('abort', () => reject(cancelled));
    this.sessions.push({
      transfer,
      observer,
      signal,
      hasGivenWay: false,
      end: (code, origin = 'remote') => {
        const counts = { published: 1, same: 0, skipped: 0, failed: 0, bytes: 1 };
        resolve({
          end: { origin, close: { code } },
          receipt: code === 'done' ? { root: 'ab', counts, names: [] } : undefined,
          transfer: ID,
          label: '',
          leftOut: 0,
          isAnswered: true,
        });
        return quiet();
      },
      fail: (code) => {
        reject(new CourierError(code, 'as the test says'));
        return quiet();
      },
    });
    return promise;
  }
}

suite('one that was never let in', () => {
  for (const code of ['not-listening', 'connection-lost', 'invite-refused', 'wrong-identity'] as const) {
    test(`${code}: its user is told at once`, async () => {
      const bench = new Bench();
      const run = bench.fetch.run();
      const opened = assert.rejects(bench.fetch.opened, { code });
      await bench.latest.fail(code);
      assert.equal((await run)?.code, code);
      await opened;
      assert.equal(bench.sessions.length, 1);
    });
  }

  test('cancelled', async () => {
    const bench = new Bench();
    const run = bench.fetch.run();
    const opened = assert.rejects(bench.fetch.opened, { code: 'cancelled' });
    bench.fetch.stop();
    assert.equal(await run, undefined);
    await opened;
  });
});

suite('one that was let in', () => {
  test('is fetched, and the other device knows', async () => {
    const bench = new Bench();
    const run = bench.fetch.run();
    bench.offer();
    assert.equal((await bench.fetch.opened).name, 'Anna');
    await bench.latest.end('done');
    assert.equal(await run, undefined);
  });

  test('is dialled for again after an interruption, by its name', async () => {
    const bench = new Bench();
    const run = bench.fetch.run();
    bench.offer();
    await bench.latest.end('connection-lost');
    for (let attempt = 2; attempt < 6; attempt += 1) {
      await bench.clock.advance(500);
      assert.equal(bench.sessions.length, attempt);
      assert.equal(bench.latest.transfer, ID);
      await bench.latest.fail('not-listening');
    }
    await bench.clock.advance(500);
    bench.offer();
    await bench.latest.end('done');
    assert.equal(await run, undefined);
  });

  test('patience ends', async () => {
    const bench = new Bench(ID);
    const run = bench.fetch.run();
    await quiet();
    for (let at = 0; at < 1300; at += 1) {
      await bench.latest.fail('unreachable');
      await bench.clock.advance(500);
    }
    assert.equal((await run)?.code, 'unreachable');
  });

  test('is given up by the other device while it was away: what is held of it goes', async () => {
    const bench = new Bench(ID);
    const run = bench.fetch.run();
    await quiet();
    bench.connect();
    await bench.latest.end('cancelled');
    assert.deepEqual([(await run)?.code, bench.cancelled], ['cancelled', [ID]]);
  });

  test('is given up here meanwhile: nobody dials any more', async () => {
    const bench = new Bench();
    const run = bench.fetch.run();
    bench.offer();
    await bench.latest.end('connection-lost');
    bench.isUnfinished = false;
    await bench.clock.advance(500);
    assert.deepEqual([await run, bench.sessions.length], [undefined, 1]);
  });

  test('has come as a whole, and only its sender had not heard so', async () => {
    const bench = new Bench(ID);
    const run = bench.fetch.run();
    await quiet();
    bench.hasReceived = true;
    await bench.latest.end('invite-refused');
    assert.equal(await run, undefined);
  });
});

suite('the other device dials, too', () => {
  test('what is not connected gives way at once, and waits until that session is over', async () => {
    const bench = new Bench(ID);
    const theirs = Promise.withResolvers<void>();
    const run = bench.fetch.run();
    await quiet();
    assert.equal(bench.fetch.isConnected, false);
    bench.idle = theirs.promise;
    bench.fetch.giveWay();
    assert.equal(bench.latest.signal.aborted, true);
    await bench.clock.advance(60_000);
    assert.equal(bench.sessions.length, 1);
    bench.isUnfinished = false;
    theirs.resolve();
    await bench.clock.advance(60_000);
    assert.equal(await run, undefined);
    assert.equal(bench.sessions.length, 1);
  });

  test('what is connected ends as busy; afterwards it dials again if there is a reason', async () => {
    const bench = new Bench(ID);
    const run = bench.fetch.run();
    await quiet();
    bench.connect();
    assert.equal(bench.fetch.isConnected, true);
    bench.fetch.giveWay();
    await quiet();
    assert.equal(bench.latest.hasGivenWay, true);
    assert.equal(bench.fetch.isConnected, false);
    await bench.clock.advance(500);
    assert.equal(bench.sessions.length, 2);
    bench.offer();
    await bench.latest.end('done');
    assert.equal(await run, undefined);
  });
});
