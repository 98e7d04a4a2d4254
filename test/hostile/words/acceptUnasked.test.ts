/** What is accepted without a question when the user has set that: nothing that somebody should have seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAcceptedUnasked, ruleFor } from '../../../src/engine/acceptUnasked.ts';
import type { GeneralRule } from '../../../src/engine/acceptUnasked.ts';
import type { StoredPolicy } from '../../../src/peers/policy.ts';
import type { EngineSettings, OfferDetails } from '../../../src/rpc/model.ts';

const OFFER: OfferDetails = {
  files: 99_000,
  folders: 1000,
  bytes: 5000,
  roots: ['a'],
  rootCount: 1,
  largest: [],
  notable: { count: 0, first: [] },
  folder: '/received',
  conflicts: 0,
  isInWorkspace: false,
  deadlineMs: 0,
};

const KNOWN: EngineSettings = {
  receiveFolder: '',
  host: '',
  port: 47_470,
  deviceName: '',
  accept: 'known',
  acceptLimitBytes: 5000,
  compression: 'automatic',
  limitBytesPerSecond: 0,
  discovery: 'automatic',
};

function check(offer: Partial<OfferDetails>, settings: Partial<EngineSettings>, isAccepted: boolean): void {
  assert.equal(isAcceptedUnasked({ ...OFFER, ...offer }, { ...KNOWN, ...settings }), isAccepted);
}

test('case 96: above 100,000 entries the user is asked, whatever the setting says', () => {
  check({}, {}, true);
  check({ files: 99_001 }, {}, false);
  check({ files: 0, folders: 100_001 }, {}, false);
  check({ files: 5_000_000 }, { acceptLimitBytes: 0 }, false);
});

test('case 177: names that programs obey are asked about, whatever the setting says', () => {
  check({ notable: { count: 1, first: ['.git'] } }, {}, false);
  check({ notable: { count: 1, first: ['.git'] }, bytes: 0 }, { acceptLimitBytes: 0 }, false);
});

test('case 178: into an open workspace nothing is accepted unasked, nor above the limit, nor by default', () => {
  check({ isInWorkspace: true }, {}, false);
  check({ bytes: 5001 }, {}, false);
  check({ bytes: 5001 }, { acceptLimitBytes: 0 }, true);
  check({}, { accept: 'ask' }, false);
});

test('an offer that is not listed yet is not accepted unasked, however small it looks', () => {
  check({ files: 0, folders: 0, bytes: 0, roots: [], rootCount: 0 }, {}, false);
  check({ files: 0, folders: 0, bytes: 0, roots: [], rootCount: 0 }, { acceptLimitBytes: 0 }, false);
});

test('a peer with a policy of its own goes by it, whatever the setting says', () => {
  const known: GeneralRule = { accept: 'known', acceptLimitBytes: 0 };
  const ask: GeneralRule = { accept: 'ask', acceptLimitBytes: 0 };
  const rule = (policy: StoredPolicy): readonly GeneralRule[] => [
    ruleFor(policy, known),
    ruleFor(policy, ask),
  ];
  assert.deepEqual(rule({ kind: 'default' }), [known, ask]);
  for (const kind of ['ask', 'block', 'unreadable'] as const) assert.deepEqual(rule({ kind }), [ask, ask]);
  const own = { accept: 'known', acceptLimitBytes: 7 };
  assert.deepEqual(rule({ kind: 'accept', upToBytes: 7, folder: '/in' }), [own, own]);
  assert.deepEqual(
    rule({ kind: 'accept', upToBytes: 0, folder: '/in' }),
    [ask, ask],
    'nothing is not no limit',
  );
});
