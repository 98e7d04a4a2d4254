import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collisionKey, parseSafePath, withFirstName } from '../../src/protocol/wirePath.ts';
import type { PathRefusal } from '../../src/protocol/wirePath.ts';
import { safePath } from '../support/samples.ts';

/** What becomes of `text`: itself, or why it is refused. */
function verdictOf(text: string): string {
  const parsed = parseSafePath(text);
  return 'path' in parsed ? 'taken' : parsed.refusal;
}

/** `texts` are refused for `refusal`, alone and as the first, a middle and the last name of a path. */
function checkRefused(what: string, refusal: PathRefusal, names: readonly string[]): void {
  test(`${what}: ${refusal}`, () => {
    for (const name of names) {
      for (const text of [name, `${name}/x`, `x/${name}/x`, `x/${name}`]) {
        assert.equal(verdictOf(text), refusal, JSON.stringify(text));
      }
    }
  });
}

function checkTaken(what: string, texts: readonly string[]): void {
  test(`${what}: taken`, () => {
    for (const text of texts) assert.deepEqual(parseSafePath(text), { path: text }, JSON.stringify(text));
  });
}

checkRefused('case 50, steps', 'relative step', ['.', '..']);
checkRefused('case 50, no name', 'empty', ['', '/', '//']);
checkRefused('case 50, drives and streams', 'forbidden character', ['C:', 'C:x', 'C:\\x', 'c:\\', '::']);
checkRefused('case 50, backslashes', 'forbidden character', [
  '\\',
  'a\\..\\..\\b',
  '..\\x',
  '\\\\server\\share',
  '\\\\?\\C:\\',
  '\\x',
]);
for (const [text, refusal] of [
  ['../x', 'relative step'],
  ['a/../../x', 'relative step'],
  ['a/..', 'relative step'],
  ['./a', 'relative step'],
  ['a/./b', 'relative step'],
  ['/abs', 'empty'],
  ['//x', 'empty'],
  ['a//b', 'empty'],
  ['a/', 'empty'],
  ['C:/x', 'forbidden character'],
  ['//?/C:/x', 'empty'],
  ['...', 'trailing dot or space'],
  ['.. ', 'trailing dot or space'],
  ['.. /x', 'trailing dot or space'],
  ['..\u0000/x', 'control character'],
  ['..\u200b/x', 'relative step'],
  ['\u200d.', 'relative step'],
  ['a/\u3164\u200b', 'empty'],
] as const) {
  test(`case 50, ${JSON.stringify(text)}: ${refusal}`, () => assert.equal(verdictOf(text), refusal));
}

const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((text) =>
  /\p{Cc}/u.test(text),
);
checkRefused('case 51, control characters', 'control character', [
  ...controls.flatMap((control) => [control, `${control}a`, `a${control}b`, `a${control}`]),
  'a\u2028b',
  'a\u2029b',
]);
checkRefused('case 51, what turns the direction or hides', 'direction override', [
  ...Array.from(
    '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff',
    (mark) => `a${mark}gpj.exe`,
  ),
  '\ufeff',
]);

checkTaken('case 54, short names of Windows are names like others', [
  'PROGRA~1',
  'a/PEER-C~1',
  'notes~1~',
  'peer-x~1',
]);
test('case 54, what Windows may make of the staging folder cannot be named', () => {
  const aliases = ['PEER-C~1', 'peer-c~2', 'PEER-C~15', 'PE3A0F~1', 'pe0000~9', 'ＰＥＥＲ－Ｃ～１'];
  for (const name of aliases) assert.equal(verdictOf(`${name}/x`), 'reserved name', name);
});
test('case 54: the staging folder cannot be named, however it is spelled', () => {
  const spellings = [
    '.peer-courier',
    '.Peer-Courier',
    '.PEER-COURIER',
    '．peer-courier',
    '.peer-cou\u200drier',
    '.\u00adpeer-courier',
  ];
  for (const name of spellings) {
    assert.equal(verdictOf(name), 'reserved name', name);
    assert.equal(verdictOf(`${name}/x`), 'reserved name', name);
    assert.equal(verdictOf(`x/${name}`), 'taken', name);
  }
  assert.equal(verdictOf('.peer-couriers'), 'taken');
});

const DEVICES = ['CON', 'PRN', 'AUX', 'NUL', 'CLOCK$', 'CONIN$', 'CONOUT$'];
const PORTS = Array.from('0123456789¹²³').flatMap((digit) => [`COM${digit}`, `LPT${digit}`]);
const reserved = [...DEVICES, ...PORTS].flatMap((name) => [
  name,
  name.toLowerCase(),
  `${name.slice(0, 1)}${name.slice(1).toLowerCase()}`,
]);
checkRefused('case 56, devices', 'reserved name', [
  ...reserved.flatMap((name) => [name, `${name}.log`, `${name} .log`, `${name}   .a.b`, `${name}..x`]),
  'nul.tar.gz',
]);
checkRefused('case 56, what Windows cuts off', 'trailing dot or space', [
  'a.',
  'a..',
  'a ',
  'a. ',
  'a .',
  ' ',
  ' . ',
  'CON.',
  'NUL ',
]);
checkRefused('case 56, streams', 'forbidden character', [
  'file:stream',
  'file::$DATA',
  '.::$INDEX_ALLOCATION',
  ':',
  'nul:',
]);
checkTaken('case 56, only like devices', [
  ...'CONSOLE|con1|xcon|NULL|aux-in|a/com|COM10|COM|COM⁴|LPT|CLOCK|CONIN|.nul|.con'.split('|'),
  ...'x.con|com1x.log|c on'.split('|'),
]);

checkRefused(
  'case 57, what Windows forbids',
  'forbidden character',
  Array.from('<>:"|?*\\').flatMap((mark) => [mark, `a${mark}`, `${mark}b`]),
);

test('case 59, names of 255 and 256 bytes', () => {
  for (const [unit, bytes] of [
    ['a', 1],
    ['é', 2],
    ['字', 3],
    ['😀', 4],
  ] as const) {
    const most = unit.repeat(Math.floor(255 / bytes)) + 'a'.repeat(255 % bytes);
    assert.equal(verdictOf(most), 'taken', unit);
    assert.equal(verdictOf(`x/${most}/x`), 'taken', unit);
    assert.equal(verdictOf(`${most}a`), 'too long', unit);
    assert.equal(verdictOf(`x/${most}a`), 'too long', unit);
  }
});

test('case 59, paths of 4,096 and 4,097 bytes', () => {
  for (const unit of ['a'.repeat(12), 'é'.repeat(6), '字'.repeat(4), '😀'.repeat(3)]) {
    const name = unit.repeat(21);
    const path = `${Array.from({ length: 16 }, () => name).join('/')}/`;
    const fill = 4096 - Buffer.byteLength(path);
    assert.equal(verdictOf(path + 'a'.repeat(fill)), 'taken', unit);
    assert.equal(verdictOf(path + 'a'.repeat(fill + 1)), 'too long', unit);
  }
  assert.equal(verdictOf('a/'.repeat(2 ** 20)), 'too long');
});

test('case 59, depths of 256, 257 and 100,000', () => {
  const deep = (depth: number): string => Array.from({ length: depth }, () => 'a').join('/');
  assert.equal(verdictOf(deep(256)), 'taken');
  assert.equal(verdictOf(deep(257)), 'too deep');
  assert.equal(verdictOf(deep(1024)), 'too deep');
  assert.equal(verdictOf(deep(100_000)), 'too long');
});

checkRefused(
  'case 60, what is not Unicode text',
  'not Unicode',
  '\ud800|\udfff|a\ud83d|\ude00\ud83d|a\udc80b'.split('|'),
);

checkTaken(
  'case 60, what Unicode has not assigned yet may be assigned elsewhere',
  '\ufffe|\uffff|\u{1fffe}|\u{10ffff}|\ufdd0|\u0378|\u{e0000}x|\u{50000}'.split('|'),
);

checkTaken(
  'case 61, what starts by itself elsewhere is a name like others',
  'setup.exe|a.desktop|a.lnk|a.url|desktop.ini|autorun.inf|.DS_Store|Thumbs.db|.git/hooks/pre-commit'.split(
    '|',
  ),
);

checkTaken('names in many scripts', [
  ..."a|A b| a|.a|..a|a..b|-rf|--|~|$HOME|%PATH%|it's|#1|a;b|a&b|`x`|(1)|[x]|{y}".split('|'),
  ...'Zoë|Zoe\u0308|Straße|ИГРА|ΌΝΟΜΑ|ονομας|עברית|العربية|فارسی‌ها|हिन्दी|தமிழ்|ไทย|ქართული'.split('|'),
  ...'한국어|\u1112\u1161\u11ab|日本語|カタカナ|ﾊﾝｶｸ|漢字/かな|𠮷野家|Ｆｕｌｌ|İstanbul|ısı|ǅ|\u{1e900}'.split(
    '|',
  ),
  ...'👩‍👩‍👧‍👦|🏳️‍🌈|👍🏽|❤️|🇨🇭|a/👩‍💻/b.txt|\ue000|\ufffd'.split('|'),
]);

test('the first name can be replaced by one that is safe', () => {
  assert.equal(withFirstName(safePath('a/b/c'), 'a (2)'), 'a (2)/b/c');
  assert.equal(withFirstName(safePath('a'), 'b'), 'b');
  for (const name of ['', '..', 'a:b', 'CON', '.peer-courier', 'x'.repeat(256)]) {
    assert.throws(() => withFirstName(safePath('a/b'), name), RangeError, name);
  }
});

test('a path of plain characters is judged as one of any', () => {
  const letters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
  const names = [
    ...letters.flatMap((letter) => [letter, `a${letter}`, `${letter}a`, `a${letter}a`, `.${letter}`]),
    'con',
    'COM1',
    'aux.txt',
    'nul .c',
    'lpt9',
    'console',
    '...',
    'a'.repeat(255),
    'a'.repeat(256),
  ];
  for (const name of names) {
    const [alone, besides] = [parseSafePath(`x/${name}`), parseSafePath(`é/${name}`)];
    assert.deepEqual(
      'refusal' in alone ? alone : { path: alone.path.slice(1) },
      'refusal' in besides ? besides : { path: besides.path.slice(1) },
      JSON.stringify(name),
    );
  }
});

test('the key of a plain name is what the long way gives', () => {
  for (let code = 0; code < 0x80; code += 1) {
    const name = `aB${String.fromCharCode(code)}`;
    // What follows is a key of its own, and takes the long way with it.
    assert.equal(`${collisionKey(name)}é`.normalize('NFKC'), collisionKey(`${name}é`), JSON.stringify(name));
  }
});
