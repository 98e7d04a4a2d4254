import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../../src/base/gate.ts';
import { quiet } from '../support/memoryClock.ts';

/** Those who have passed, by name. */
function visitors(gate: Gate) {
  const passed: string[] = [];
  return {
    passed,
    come: (name: string): void => {
      void gate.pass().then(() => passed.push(name));
    },
  };
}

test('an open gate holds nobody up, a closed one everybody until it opens', async () => {
  const gate = new Gate();
  const { passed, come } = visitors(gate);
  assert.equal(gate.isOpen, true);
  come('first');
  await quiet();
  gate.close();
  gate.close();
  assert.equal(gate.isOpen, false);
  come('second');
  come('third');
  await quiet();
  assert.deepEqual(passed, ['first']);
  gate.open();
  gate.open();
  assert.equal(gate.isOpen, true);
  await quiet();
  assert.deepEqual(passed, ['first', 'second', 'third']);
});

test('a gate that closes at once again lets nobody slip through', async () => {
  const gate = new Gate();
  const { passed, come } = visitors(gate);
  gate.close();
  come('one');
  gate.open();
  gate.close();
  await quiet();
  assert.deepEqual(passed, []);
  gate.open();
  await quiet();
  assert.deepEqual(passed, ['one']);
});

test('a gate that is open for good does not close', async () => {
  const gate = new Gate();
  const { passed, come } = visitors(gate);
  gate.close();
  come('waiting');
  gate.openForGood();
  gate.close();
  come('late');
  await quiet();
  assert.deepEqual(passed.toSorted(), ['late', 'waiting']);
  assert.equal(gate.isOpen, true);
});
