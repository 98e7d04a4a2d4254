import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { TrustWatch } from '../../src/engine/trustWatch.ts';
import type { KnownPeer } from '../../src/node/state/knownPeers.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';
import type { StoredPolicy } from '../../src/peers/policy.ts';
import { fingerprintNo } from '../support/fingerprints.ts';
import { MemoryClock } from '../support/memoryClock.ts';

const ANNA = fingerprintNo(1);
const BORIS = fingerprintNo(2);

/** Knows everybody but who was lost. */
function watching() {
  const clock = new MemoryClock();
  const policies = new Map<Fingerprint, StoredPolicy | 'forgotten' | 'damaged'>();
  let looks = 0;
  const find = (fingerprint: Fingerprint): KnownPeer | undefined => {
    looks += 1;
    const policy = policies.get(fingerprint) ?? { kind: 'default' };
    if (policy === 'damaged') throw new CourierError('state-unusable', 'damaged');
    return policy === 'forgotten' ? undefined : { fingerprint, name: 'x', addresses: [], policy };
  };
  const lost: Fingerprint[] = [];
  const trust = new TrustWatch(clock, { find });
  const watch = (fingerprint: Fingerprint) => trust.watch(fingerprint, () => void lost.push(fingerprint));
  return { clock, policies, lost, trust, watch, looks: () => looks };
}

test('who is forgotten or blocked by another process is seen within two seconds, once', async () => {
  for (const loss of ['forgotten', { kind: 'block' }] as const) {
    const { clock, policies, lost, watch, looks } = watching();
    watch(ANNA);
    watch(BORIS);
    await clock.advance(10_000);
    assert.deepEqual(lost, []);
    policies.set(ANNA, loss);
    await clock.advance(2000);
    assert.deepEqual(lost, [ANNA]);
    policies.set(BORIS, loss);
    await clock.advance(10_000);
    assert.deepEqual(lost, [ANNA, BORIS]);
    const before = looks();
    await clock.advance(60_000);
    assert.equal(looks(), before, 'nobody is looked for when nothing runs');
  }
});

test('what this process is told is seen at once; who has ended is not called', () => {
  const { policies, lost, trust, watch } = watching();
  watch(ANNA)();
  watch(BORIS);
  policies.set(ANNA, 'forgotten').set(BORIS, 'forgotten');
  trust.look();
  assert.deepEqual(lost, [BORIS]);
});

test('a policy to ask, or what cannot be read, ends nothing', async () => {
  const { clock, policies, lost, trust, watch } = watching();
  watch(ANNA);
  for (const policy of [{ kind: 'ask' }, { kind: 'unreadable' }, 'damaged'] as const) {
    policies.set(ANNA, policy);
    trust.look();
    await clock.advance(5000);
  }
  assert.deepEqual(lost, []);
});
