import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTarget, remediesFor } from '../../src/editor/model/remedy.ts';

test('where nobody answers, or the port cannot be had, a check is offered', () => {
  for (const code of ['unreachable', 'timed-out', 'not-listening', 'not-peer-courier'] as const) {
    assert.deepEqual(remediesFor(code, 'local'), ['checkConnection'], code);
  }
  assert.deepEqual(remediesFor('port-in-use', 'local'), ['setPort', 'checkConnection']);
  assert.deepEqual(remediesFor('address-unavailable', 'local'), ['setHost', 'checkConnection']);
  assert.deepEqual(remediesFor('declined', 'remote'), []);
});

test('a check is about the address that failed, about this device, or about what its user chooses', () => {
  for (const address of ['192.168.1.20:47470', '[fe80::1%eth0]:1', '[2001:db8::1]:65535', 'boris.local:80']) {
    assert.equal(checkTarget('unreachable', address), address);
  }
  for (const detail of [
    '',
    'no answer',
    '192.168.1.20',
    'x y:1',
    'a:b',
    '[::1]',
    'no address of Boris is known',
  ]) {
    assert.equal(checkTarget('timed-out', detail), undefined, detail);
  }
  assert.equal(checkTarget('port-in-use', 'port 1 is in use'), '');
  assert.equal(checkTarget('address-unavailable', '10.0.0.1'), '');
});
