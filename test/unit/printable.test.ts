import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/base/printable.ts';
import { testProperty } from '../support/random.ts';

function check(text: string, shown: string, mostCharacters?: number): void {
  test(`${JSON.stringify(text)} shows as ${shown}`, () =>
    assert.equal(printable(text, mostCharacters), shown));
}

check('', '');
check('a b/Zoë 字 😀', 'a b/Zoë 字 😀');
check('a\u001b[2Jb', 'a\\u{1b}[2Jb');
check('a\nb\r\tc', 'a\\u{a}b\\u{d}\\u{9}c');
check('a\u0000\u007f\u009b', 'a\\u{0}\\u{7f}\\u{9b}');
check('photo\u202egpj.exe', 'photo\\u{202e}gpj.exe');
check('a\u200db\ufeff', 'a\\u{200d}b\\u{feff}');
check('a\u2028b\u2029', 'a\\u{2028}b\\u{2029}');
check('\ud800a\udc00', '\\u{d800}a\\u{dc00}');
check('\ue000\u{e0041}\u0378', '\\u{e000}\\u{e0041}\\u{378}');
check('0123456789', '0123456789', 10);
check('0123456789a', '012345…89a', 10);
check('😀😀😀😀😀😀', '😀😀😀…😀', 5);

testProperty(
  'nothing that acts on a terminal comes through, nor more characters than asked for',
  fc.tuple(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 3, max: 80 })),
  ([text, most]) => {
    const shown = printable(text, most);
    assert.doesNotMatch(shown, /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.ok([...shown].length <= most);
    assert.equal(printable(shown, most), shown);
  },
  1000,
);
