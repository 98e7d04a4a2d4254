import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { COOL_DOWN_MS, PairingGuard } from '../../src/peers/pairingGuard.ts';
import { MemoryClock } from '../support/memoryClock.ts';

function scene() {
  const clock = new MemoryClock();
  const guard = new PairingGuard(clock);
  const isOpen = (): boolean => {
    try {
      guard.requireOpen();
      return true;
    } catch (error) {
      assert.ok(CourierError.is(error, 'pairing-paused'));
      return false;
    }
  };
  return { clock, guard, isOpen };
}

test('case 159: after three failures in a row nobody pairs for ten minutes', () => {
  const { clock, guard, isOpen } = scene();
  guard.failed();
  guard.failed();
  assert.equal(isOpen(), true);
  guard.failed();
  assert.equal(isOpen(), false);
  assert.equal(guard.waitMs, COOL_DOWN_MS);
  clock.tick(COOL_DOWN_MS - 1);
  assert.equal(isOpen(), false);
  clock.tick(1);
  assert.equal(isOpen(), true);
  guard.failed();
  guard.failed();
  assert.equal(isOpen(), true, 'three again');
  guard.failed();
  assert.equal(isOpen(), false);
});

test('a success makes up for failures before it', () => {
  const { guard, isOpen } = scene();
  guard.failed();
  guard.failed();
  guard.succeeded();
  guard.failed();
  guard.failed();
  assert.equal(isOpen(), true);
});

test('the sentence says how many minutes are left', () => {
  const { clock, guard } = scene();
  for (let failure = 0; failure < 3; failure += 1) guard.failed();
  clock.tick(9.5 * 60_000);
  assert.throws(() => guard.requireOpen(), /^CourierError: 1$/u);
});
