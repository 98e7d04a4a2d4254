import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globOf } from '../../src/editor/model/glob.ts';
import { codeText, iconText, lineText, noticeText, plainText } from '../../src/editor/text.ts';

function check(make: (text: string) => string, text: string, shown: string): void {
  test(`${make.name}: ${JSON.stringify(text)}`, () => assert.equal(make(text), shown));
}

check(plainText, 'a $(sync) [b](command:c) **d**', 'a $(sync) [b](command:c) **d**');
check(plainText, 'photo\u202egpj.exe', 'photo\\u{202e}gpj.exe');
check(plainText, '\u001b[31mred', '\\u{1b}[31mred');
check(iconText, '$(sync~spin) x $(a b) $5', '\\$(sync~spin) x $(a b) $5');
check(iconText, '$(check)\u202e', '\\$(check)\\u{202e}');
check(noticeText, '[quit](command:workbench.action.quit)', '[quit]\u200b(command:workbench.action.quit)');
check(noticeText, '[]((', '[]\u200b((');
check(codeText, '[a](command:b) `c` **d**', '`[a](command:b) ’c’ **d**`');
check(codeText, 'a\n# b', '`a\\u{a}# b`');
check(lineText, '```\n# a', '’’’\\u{a}# a');
check(globOf, 'a*[b]?{c}', 'a[*][[]b[]][?]?c?');

test('a notification is cut where its caller says, and else like any text', () => {
  assert.equal([...noticeText('x'.repeat(1000))].length, 200);
  assert.equal(noticeText('x'.repeat(1000), 1000), 'x'.repeat(1000));
});
