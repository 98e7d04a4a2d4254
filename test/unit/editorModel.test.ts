import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, localFailure, parseFailure } from '../../src/editor/model/editorFailure.ts';
import { parseSettings } from '../../src/editor/model/engineSettings.ts';
import { fullFingerprint, shortFingerprint } from '../../src/editor/model/fingerprintText.ts';
import { formatBytes, formatDuration, formatRate } from '../../src/editor/model/format.ts';
import { NodeList } from '../../src/editor/model/nodeList.ts';
import { freeName, withoutNested } from '../../src/editor/model/selection.ts';
import { applyChange, EMPTY_STATE } from '../../src/editor/model/stateChange.ts';
import { actionsOn, contextValueOf, percentOf, spokenPercent } from '../../src/editor/model/transferView.ts';
import { compareVersions } from '../../src/editor/model/version.ts';
import type { Progress, TransferSummary } from '../../src/rpc/model.ts';

function check(name: string, actual: unknown, expected: unknown): void {
  test(name, () => assert.deepEqual(actual, expected));
}

const NOTHING: Progress = {
  bytesDone: 0,
  bytesTotal: 0,
  entriesDone: 0,
  entriesTotal: 0,
  bytesPerSecond: 0,
  remainingMs: undefined,
};

function transfer(change: Partial<TransferSummary>): TransferSummary {
  return {
    id: '1',
    direction: 'outgoing',
    peer: { name: 'Anna', fingerprint: 'ab'.repeat(32) },
    label: 'x',
    phase: 'moving',
    progress: NOTHING,
    startedAtMs: 0,
    window: undefined,
    offer: undefined,
    failure: undefined,
    retryAtMs: undefined,
    heldBytes: undefined,
    failedCount: 0,
    failedEntries: [],
    skippedCount: 0,
    digest: undefined,
    ...change,
  };
}

check('versions: older', Math.sign(compareVersions('0.9.10', '0.10.0')), -1);
check('versions: newer', Math.sign(compareVersions('1.0.0', '0.99.99')), 1);
check('versions: the same, whatever follows', compareVersions('1.2.3-a', '1.2.3+b'), 0);
check('versions: nonsense is oldest', Math.sign(compareVersions('x', '0.0.1')), -1);

check('fingerprint: short', shortFingerprint('0123456789abcdef'.repeat(4)), '0123-4567');
check('fingerprint: lines', fullFingerprint('0123456789abcdef', 2), '0123 4567\n89AB CDEF');

check('bytes', formatBytes(999, 'en'), '999 bytes');
check('kilobytes', formatBytes(1500, 'en'), '1.5 kB');
check('megabytes in Russian', formatBytes(1_500_000, 'ru').replace(/\s/u, ' '), '1,5 МБ');
check('rate', formatRate(12_340_000, 'en'), '12.3 MB/s');
check('seconds', formatDuration(41_001, 'en'), '42 sec');
check('minutes', formatDuration(190_000, 'en'), '3 min 10 sec');

check('percent: nothing known', percentOf(NOTHING), 0);
check('percent: never 100 before it is done', percentOf({ ...NOTHING, bytesDone: 5, bytesTotal: 5 }), 99);
check('percent: done', percentOf(NOTHING, 'done'), 100);
check(
  'percent: empty files count as entries',
  percentOf({ ...NOTHING, entriesDone: 1, entriesTotal: 4 }),
  25,
);
check('percent: spoken in steps', [9, 10, 42, 99].map(spokenPercent), [0, 10, 40, 90]);

check('actions: an offer', actionsOn(transfer({ phase: 'asking', direction: 'incoming' })), ['answer']);
check('actions: moving', contextValueOf(transfer({})), 'transfer:pause:cancel:');
check('actions: interrupted', actionsOn(transfer({ phase: 'interrupted' })), ['resume', 'discard']);
check('actions: failed', actionsOn(transfer({ phase: 'failed' })), ['remove', 'retry']);
check('actions: done', actionsOn(transfer({ phase: 'done', digest: 'd' })), ['remove', 'copyDigest']);
check(
  'actions: nobody retries for the sender',
  actionsOn(transfer({ phase: 'failed', direction: 'incoming' })),
  ['remove'],
);

const file = (path: string) => ({ scheme: 'file', authority: '', path });
check(
  'selection: what lies in another part goes with it',
  withoutNested([file('/a/b'), file('/a'), file('/ab'), file('/a/b/c'), file('/ab')]),
  [file('/a'), file('/ab')],
);
check('free name', freeName('a.txt', new Set(['a.txt', 'a (2).txt'])), 'a (3).txt');
check('free name of a dot file', freeName('.env', new Set(['.env'])), '.env (2)');

const RAW = {
  receiveFolder: '',
  port: 47_470,
  host: '',
  deviceName: '',
  accept: 'ask',
  acceptLimit: 100,
  compression: 'automatic',
  bandwidthLimit: 0,
  discovery: 'automatic',
};
check('settings: the defaults', parseSettings(RAW, '/home/u'), {
  settings: {
    receiveFolder: '',
    port: 47_470,
    host: '',
    deviceName: '',
    accept: 'ask',
    acceptLimitBytes: 100_000_000,
    compression: 'automatic',
    limitBytesPerSecond: 0,
    discovery: 'automatic',
  },
  problems: [],
});
check(
  'settings: home',
  parseSettings({ ...RAW, receiveFolder: '~/in' }, '/home/u').settings.receiveFolder,
  '/home/u/in',
);
check(
  'settings: nonsense is named and passed over',
  parseSettings(
    { ...RAW, receiveFolder: 'in', port: 70_000, host: 'a b', acceptLimit: -1, bandwidthLimit: '9' },
    '/home/u',
  ).problems,
  ['receiveFolder', 'port', 'host', 'acceptLimit', 'bandwidthLimit'],
);
check(
  'settings: a limit',
  parseSettings({ ...RAW, bandwidthLimit: 8 }, '/').settings.limitBytesPerSecond,
  1_000_000,
);
check(
  'settings: accepting is never a typing error',
  parseSettings({ ...RAW, accept: 'yes' }, '/').settings.accept,
  'ask',
);

check('failure: from the engine', parseFailure({ code: 'gone', detail: 'x', origin: 'remote' }), {
  code: 'gone',
  detail: 'x',
  origin: 'remote',
});
check('failure: nothing else', [parseFailure({ code: 'x' }), parseFailure(1)], [undefined, undefined]);
check('failure: kept', failureOf(localFailure('busy')).code, 'busy');
check('failure: anything thrown', failureOf(new Error('x')), {
  code: 'internal',
  detail: 'x',
  origin: 'local',
});

test('a change touches its sections only', () => {
  const { state, changed } = applyChange(EMPTY_STATE, { receiver: { state: 'starting' } });
  assert.deepEqual([...changed], ['receiver']);
  assert.equal(state.peers, EMPTY_STATE.peers);
});

test('rows keep their nodes, and only what changed is drawn anew', () => {
  const list = new NodeList(
    (row: { readonly id: string; readonly text: string }) => ({ row }),
    (node, row) => {
      node.row = row;
    },
  );
  assert.equal(
    list.replace([
      { id: 'a', text: '1' },
      { id: 'b', text: '1' },
    ]).isShapeChanged,
    true,
  );
  const [first, second] = list.nodes;
  const change = list.replace([
    { id: 'a', text: '1' },
    { id: 'b', text: '2' },
  ]);
  assert.deepEqual(change, { isShapeChanged: false, changed: [second] });
  assert.equal(second?.row.text, '2');
  assert.equal(
    list.replace([
      { id: 'b', text: '2' },
      { id: 'a', text: '1' },
    ]).isShapeChanged,
    true,
  );
  assert.deepEqual(list.nodes, [second, first]);
});
