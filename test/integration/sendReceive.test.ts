import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../support/random.ts';
import { eventOf, pathsOf, Scene } from '../support/cli.ts';
import {
  asReceived,
  belowRoot,
  file,
  folder,
  link,
  fifo,
  makeTree,
  socket,
  takeSnapshot,
} from '../support/trees.ts';
import type { Tree } from '../support/trees.ts';

/** Trees go from one process to another and are compared with what was sent: contents, modes, times. */

const KIB = 1024;

function noise(bytes: number): Uint8Array {
  const random = createRandom(bytes);
  return Uint8Array.from({ length: bytes }, () => random() * 256);
}

/** Sends the top-level names of `tree` in one go; each must arrive as it is. `options.leftOut` must not. */
function arrives(name: string, tree: Tree, leftOut: readonly string[] = []): void {
  test(name, async (t) => {
    const scene = new Scene(t);
    const source = scene.makeFolder('source');
    makeTree(source, tree);
    const roots = [...new Set(Object.keys(tree).map((path) => path.split('/')[0] ?? ''))];
    const receiver = await scene.receive();
    const sent = await scene.send(roots.map((root) => join(source, root)));
    assert.equal(sent.status, 0, JSON.stringify(sent));
    assert.deepEqual(pathsOf(sent, 'left-out').toSorted(), leftOut);
    const received = await receiver.event('received');
    assert.match(String(received['root']), /^[0-9a-f]{64}$/u);
    assert.equal(received['root'], eventOf(sent, 'sent')['root']);

    const expected = belowRoot(asReceived(takeSnapshot(source), scene.umask));
    assert.deepEqual(scene.look(), expected);
    const items = Object.keys(expected).length;
    assert.deepEqual(countsOf(received), { published: items, failed: 0, skipped: 0, same: 0 });
    assert.deepEqual(countsOf(eventOf(sent, 'sent')), countsOf(received));
    scene.assertSenderClean();
  });
}

function countsOf({ published, failed, skipped, same }: Readonly<Record<string, unknown>>): unknown {
  return { published, failed, skipped, same };
}

arrives('one small file', { 'note.txt': file('hello\n') });

arrives('files of sizes around those of chunks and packs', {
  empty: file(),
  one: file('1'),
  'largest-packed': file(noise(256 * KIB - 1)),
  'smallest-cut': file(noise(256 * KIB)),
  'smallest-cut-and-one': file(noise(256 * KIB + 1)),
  'many-chunks': file(noise(3 * KIB * KIB + 17)),
  compressible: file('the same line again\n'.repeat(200_000)),
});

arrives(
  'more small files than one pack holds',
  Object.fromEntries(
    Array.from({ length: 2100 }, (_, at) => [`many/${at % 7}/file-${at}`, file(`content ${at}`)]),
  ),
);

arrives('empty and nested folders', {
  empty: folder(),
  'nested/a/b/c/d/e/f/g/h/i/j/leaf': file('deep'),
  'nested/a/empty': folder(),
  'nested/a/b/empty files': folder(),
  'nested/a/b/empty files/1': file(),
  'nested/a/b/empty files/2': file(),
});

arrives('the bit that lets a file be run, for small and big files', {
  'tools/run.sh': file('#!/bin/sh\n', { isExecutable: true }),
  'tools/data': file('#!/bin/sh\n'),
  'tools/big-tool': file(noise(300 * KIB), { isExecutable: true }),
  'tools/big-data': file(noise(300 * KIB)),
});

const times: readonly (readonly [name: string, time: string])[] = [
  ['with every millisecond', '2021-03-04T05:06:07.123Z'],
  ['with the last millisecond', '2021-03-04T05:06:07.999Z'],
  ['at the epoch', '1970-01-01T00:00:00.000Z'],
  ['before the epoch', '1969-07-20T20:17:40.250Z'],
  ['long before the epoch', '1915-11-25T12:00:00.001Z'],
  ['after 2038', '2061-07-28T11:22:33.456Z'],
  ['after 2106', '2134-03-27T09:08:07.654Z'],
];

arrives(
  'times to the millisecond, of small files, big files and folders',
  Object.fromEntries(
    times.flatMap(([name, time]): [string, ReturnType<typeof file>][] => {
      const mtimeMs = Date.parse(time);
      return [
        [`small ${name}`, file('.', { mtimeMs })],
        [`tree/big ${name}`, file(noise(256 * KIB), { mtimeMs })],
        [`tree/small ${name}`, file('.', { mtimeMs })],
        [`tree/folder ${name}`, folder(mtimeMs)],
        [`tree/folder ${name}/child`, file('.')],
        [`empty folder ${name}`, folder(mtimeMs)],
      ];
    }),
  ),
);

arrives('names in many scripts, in both normal forms', {
  'Grüße aus Köln.txt': file('composed'),
  'decomposed/Gru\u0308\u00dfe.txt': file('decomposed'),
  'Ελληνικά/αρχείο.txt': file('1'),
  'Кириллица/файл.txt': file('2'),
  'עברית/קובץ.txt': file('3'),
  'العربية/ملف.txt': file('4'),
  'हिन्दी/फ़ाइल.txt': file('5'),
  'ไทย/แฟ้ม.txt': file('6'),
  '中文/文件.txt': file('7'),
  '日本語/ファイル.txt': file('8'),
  '한국어/파일.txt': file('9'),
  [`한국어/${'또 다른 파일'.normalize('NFD')}.txt`]: file('10'),
  '👩‍👩‍👧‍👦 family/🏳️‍🌈.txt': file('11'),
  '𝕬𐍈/𓀀.txt': file('12'),
});

arrives('names that are odd and legal', {
  '.hidden/.gitignore': file('*'),
  '-rf': file('not an option'),
  "it's $HOME; `id` & \u{201c}quotes\u{201d} !#%^()[]{}~+=,@": file('not a command'),
  '  leading spaces': file('kept'),
  'a..b...c': file('dots'),
  console: file('not CON'),
  ['__proto__']: file('not an object'),
  'constructor/toString': file('nor this'),
});

arrives('names of 255 bytes, at several depths', {
  ['n'.repeat(255)]: file('ASCII'),
  [`${'ж'.repeat(127)}x/${'文'.repeat(85)}/${'🦊'.repeat(63)}abc`]: file('two, three and four bytes'),
  [`deep/${'d'.repeat(255)}/${'e'.repeat(255)}/${'f'.repeat(255)}/leaf`]: file('a long path'),
});

arrives(
  'links and special files stay behind and are named; the rest arrives',
  {
    'mixed/file': file('arrives'),
    'mixed/to-file': link('file'),
    'mixed/to-nothing': link('nowhere'),
    'mixed/to-itself': link('to-itself'),
    'mixed/to-parent': link('..'),
    'mixed/to-passwd': link('/etc/passwd'),
    'mixed/pipe': fifo,
    'mixed/socket': socket,
    'mixed/empty': folder(),
  },
  [
    'mixed/pipe: special',
    'mixed/socket: special',
    'mixed/to-file: link',
    'mixed/to-itself: link',
    'mixed/to-nothing: link',
    'mixed/to-parent: link',
    'mixed/to-passwd: link',
  ],
);

test('a path that is itself a link leads to what was meant', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { 'real/one': file('1'), 'real/two': file('2') });
  symlinkSync('real', scene.path('alias'));
  await scene.receive();
  const { status } = await scene.send([scene.path('alias')]);
  assert.equal(status, 0);
  const arrived = takeSnapshot(join(scene.received, basename('alias')));
  assert.deepEqual(arrived, asReceived(takeSnapshot(scene.path('real')), scene.umask));
});

test('a receive folder that is a link, or is not there yet, is found and made', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, { source: file('here'), elsewhere: folder(), alias: link('elsewhere') });
  const receiver = await scene.receive({ words: ['--folder', scene.path('alias/new/folder')] });
  assert.equal((await scene.send([scene.path('source')])).status, 0);
  assert.deepEqual((await receiver.event('received'))['names'], ['source']);
  assert.equal(takeSnapshot(scene.path('elsewhere/new/folder'))['source']?.kind, 'file');
});
