import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distinctNames, findNamed, freeName } from '../../src/peers/namedPeer.ts';
import { fingerprintNo } from '../support/fingerprints.ts';

const anna = { name: 'Anna', fingerprint: fingerprintNo(0x1a2b3c4d) };
const boris = { name: 'Boris', fingerprint: fingerprintNo(0x1a2b3c4e) };
/** Called as if it were Boris’s fingerprint. */
const wicked = { name: '1a2b3c4e', fingerprint: fingerprintNo(0x99999999) };

function means(text: string, ...expected: readonly { readonly name: string }[]): void {
  test(`"${text}" means ${expected.map(({ name }) => name).join(' or ') || 'nobody'}`, () => {
    assert.deepEqual(findNamed([anna, boris], text), expected);
  });
}

means('Anna', anna);
means('anna');
means('');
means('1a2b3c4d', anna);
means('1A2B-3C4D-1A2B-3C4D', anna);
means('1A2B 3C4D', anna);
means(boris.fingerprint, boris);
means('1a2b3c4');
means('1a2b3c4f');
means(`${boris.fingerprint}0`);
means('1a2b3c4d.example');

test('several peers may begin alike; a name comes before a fingerprint', () => {
  const alike = [boris, { name: 'Boris’s other', fingerprint: fingerprintNo(0x1a2b3c4e) }];
  assert.equal(findNamed(alike, '1a2b3c4e').length, 2);
  assert.deepEqual(findNamed([boris, wicked], '1a2b3c4e'), [wicked]);
});

test('each name in a list is one peer’s', () => {
  const check = (names: readonly string[], expected: readonly string[]): void =>
    assert.deepEqual(distinctNames(names), expected);
  check([], []);
  check(['a', 'b'], ['a', 'b']);
  check(['a', 'a', 'a'], ['a', 'a (2)', 'a (3)']);
  check(['a', 'a', 'a (2)'], ['a', 'a (3)', 'a (2)']);
  check(['a (2)', 'a', 'a', 'a (2)'], ['a (2)', 'a', 'a (3)', 'a (2) (2)']);
});

test('a free name', () => {
  assert.equal(freeName('a', new Set()), 'a');
  assert.equal(freeName('a', new Set(['a', 'a (2)'])), 'a (3)');
  assert.equal(freeName('', new Set(['peer'])), 'peer (2)');
});
