import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { collisionKey } from '../../src/protocol/wirePath.ts';
import { testProperty } from '../support/random.ts';

/** Each line holds names that some file system takes for one another. */
const TWINS: readonly (readonly string[])[] = [
  ['README', 'readme', 'ReadMe'],
  ['é', 'e\u0301', 'É', 'E\u0301'],
  ['straße', 'strasse', 'STRASSE', 'STRAẞE', 'ſtraße'],
  ['ΟΔΟΣ', 'οδος', 'οδοσ'],
  ['ﬁle', 'file', 'FILE', 'ｆｉｌｅ'],
  ['\u00c5', '\u212b', 'A\u030a', '\u00e5'],
  ['ǆ', 'ǅ', 'Ǆ', 'dž'],
  ['가', '\u1100\u1161'],
  ['İ', 'i\u0307'],
  ['K', 'k', '\u212a'],
  ['ǰ', 'J\u030c', 'j\u030c'],
  ['ᾳ', 'ᾼ', 'αι'],
  // Upper case makes a letter of the iota below; the dot below must not end up under that.
  ['\u1fb4\u0323', '\u0386\u0323\u0345', '\u1fb3\u0301\u0323', '\u03b1\u0323\u0301\u0345'],
  ['𐐀', '𐐨'],
  ['Ꭰ', 'ꭰ'],
  // What has no width: HFS+ and the case-folding ext4 do not see it.
  ['ab', 'a\u200db', 'a\u200cb', 'a\u00adb', 'a\u2060b', 'a\u034fb', '\u{e0061}ab'],
  ['❤', '❤\ufe0f'],
];

for (const twins of TWINS) {
  test(`case 53, ${twins.map((name) => JSON.stringify(name)).join(', ')} collide`, () => {
    assert.equal(new Set(twins).size, twins.length, 'the line names one twice');
    for (const name of twins) assert.equal(collisionKey(name), collisionKey(twins[0] ?? ''), name);
  });
}

test('names that no file system mixes up do not collide', () => {
  const names = [
    'a',
    'b',
    'á',
    'à',
    'ä',
    'ae',
    'æ',
    'o',
    'ø',
    'ö',
    'а',
    'α',
    'ss',
    's',
    '1',
    'a1',
    'a.1',
    'a 1',
    'a_1',
    '字',
    '宇',
    '😀',
    '😁',
  ];
  assert.equal(new Set(names.map(collisionKey)).size, names.length);
});

const letters = fc.oneof(
  fc
    .integer({ min: 0x20, max: 0x10ffff })
    .map((code) => (code >= 0xd800 && code < 0xe000 ? 'a' : String.fromCodePoint(code))),
  fc.integer({ min: 0x20, max: 0x2fff }).map((code) => String.fromCodePoint(code)),
  fc.constantFrom(
    'ß',
    'ẞ',
    'ſ',
    'ı',
    'İ',
    'Σ',
    'ς',
    'ŉ',
    'ᾳ',
    '\u0345',
    '\u0301',
    '\u0323',
    '\u0307',
    'ﬃ',
    'ϴ',
    '\u200d',
    '\u3164',
  ),
);
const names = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(''));

/** Nothing is known of how characters fold that Unicode has not assigned. */
function isAssigned(name: string): boolean {
  return !/\p{Cn}/u.test(name);
}

testProperty(
  'the key of a key is that key',
  names.filter(isAssigned),
  (name) => {
    const key = collisionKey(name);
    assert.equal(collisionKey(key), key);
  },
  20_000,
);

testProperty(
  'normal forms do not change a key',
  names.filter(isAssigned),
  (name) => {
    for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
      assert.equal(collisionKey(name.normalize(form)), collisionKey(name), form);
    }
  },
  5000,
);

test('the case and the normal form of no single character change its key', () => {
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const name = String.fromCodePoint(code);
    if (!isAssigned(name)) continue;
    const key = collisionKey(name);
    const variants = [
      name.toUpperCase(),
      name.toLowerCase(),
      name.normalize('NFD'),
      name.normalize('NFKD'),
      key,
    ];
    if (variants.some((variant) => collisionKey(variant) !== key)) wrong.push(code.toString(16));
  }
  assert.deepEqual(wrong, []);
});
