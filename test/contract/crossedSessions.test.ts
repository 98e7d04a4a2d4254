/** Two devices dial each other for one transfer: which session goes on, as the receiver decides it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { HistoryFile } from '../../src/engine/historyFile.ts';
import { IncomingTransfers } from '../../src/engine/incomingTransfers.ts';
import { RecordFiles } from '../../src/engine/jobFiles.ts';
import type { Receiving } from '../../src/engine/receiver.ts';
import { parseFingerprint } from '../../src/peers/fingerprint.ts';
import type { IncomingReport } from '../../src/transfer/incomingTransfer.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { scratchFolder } from '../support/scratch.ts';

const ID = 'ab'.repeat(16);
const nothing = (): void => undefined;
const logger = { debug: nothing, warn: nothing };

const LOST: IncomingReport = {
  end: { origin: 'local', close: { code: 'connection-lost' } },
  receipt: undefined,
  transfer: ID,
  label: '',
  leftOut: 0,
  isAnswered: true,
};

interface FakeSession extends Receiving {
  /** What became of it. */
  readonly said: string[];
}

function sessionOf(isFetched: boolean, isPreferred: boolean): FakeSession {
  const said: string[] = [];
  const fingerprint = parseFingerprint('1'.repeat(64));
  assert.ok(fingerprint !== undefined);
  return {
    said,
    peer: { name: 'Anna', fingerprint },
    id: ID,
    label: 'things',
    isFetched,
    isPreferred,
    snapshot: () => ({
      state: 'waiting',
      bytesDone: 0,
      bytesTotal: 0,
      entriesDone: 0,
      entriesTotal: 0,
      bytesPerSecond: 0,
      remainingMs: undefined,
    }),
    pause: nothing,
    resume: nothing,
    cancel: () => void said.push('cancelled'),
    interrupt: () => void said.push('interrupted'),
    giveWay: () => void said.push('busy'),
  };
}

function openTransfers(t: TestContext, isConnected = false) {
  const folder = scratchFolder(t);
  const fetched: string[] = [];
  const transfers = new IncomingTransfers({
    clock: new MemoryClock(),
    records: RecordFiles.accepted(join(folder, 'accepted'), logger),
    history: HistoryFile.open(join(folder, 'received.json'), logger),
    logger,
    receiveFolder: () => folder,
    decide: () => undefined,
    workspaceFolders: () => [],
    fetches: { isConnected: () => isConnected, giveWay: () => void fetched.push('gave way') },
    ask: nothing,
    changed: nothing,
    received: nothing,
  });
  return { transfers, fetched };
}

suite('a session runs, and another one of the same transfer begins', () => {
  const cases: readonly (readonly [string, FakeSession, FakeSession, string, string])[] = [
    ['theirs, then ours that goes on', sessionOf(false, false), sessionOf(true, true), 'interrupted', ''],
    ['theirs that goes on, then ours', sessionOf(false, true), sessionOf(true, false), '', 'busy'],
    ['ours that goes on, then theirs', sessionOf(true, true), sessionOf(false, false), '', 'busy'],
    ['ours, then theirs that goes on', sessionOf(true, false), sessionOf(false, true), 'interrupted', ''],
    ['theirs, and theirs again', sessionOf(false, false), sessionOf(false, false), 'interrupted', ''],
    ['ours, and ours again', sessionOf(true, true), sessionOf(true, true), 'interrupted', ''],
  ];
  for (const [what, first, second, ofFirst, ofSecond] of cases) {
    test(what, async (t) => {
      const { transfers } = openTransfers(t);
      transfers.started(first);
      transfers.started(second);
      assert.deepEqual([first.said.join(), second.said.join()], [ofFirst, ofSecond]);
      const [loser, winner] = ofSecond === '' ? [first, second] : [second, first];
      let isIdle = false;
      void transfers.whenIdle(ID).then(() => (isIdle = true));
      assert.equal(transfers.ended(loser, LOST), 'superseded', 'nothing of it is removed');
      await quiet();
      assert.equal(isIdle, false);
      assert.equal(transfers.summary(ID)?.phase, 'offering');
      transfers.ended(winner, LOST);
      await quiet();
      assert.equal(isIdle, true);
    });
  }
});

suite('we are connected and nothing is offered there yet, when theirs begins', () => {
  test('ours goes on', (t) => {
    const { transfers, fetched } = openTransfers(t, true);
    const theirs = sessionOf(false, false);
    transfers.started(theirs);
    assert.deepEqual([theirs.said, fetched], [['busy'], []]);
    assert.equal(transfers.has(ID), false);
  });

  test('theirs goes on', (t) => {
    const { transfers, fetched } = openTransfers(t, true);
    const theirs = sessionOf(false, true);
    transfers.started(theirs);
    assert.deepEqual([theirs.said, fetched], [[], ['gave way']]);
  });
});

test('we dial and are not connected: theirs goes on, whoever comes first', (t) => {
  for (const isPreferred of [false, true]) {
    const { transfers, fetched } = openTransfers(t);
    const theirs = sessionOf(false, isPreferred);
    transfers.started(theirs);
    assert.deepEqual([theirs.said, fetched], [[], ['gave way']]);
  }
});
