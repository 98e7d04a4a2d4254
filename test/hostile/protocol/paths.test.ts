/**
 * Names that lead elsewhere or mean something else, offered over TLS: the whole page is refused before anybody is
 * asked, whatever becomes of names that are taken, and whoever would have said yes.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import type { VictimOptions } from '../support/victims.ts';
import { message } from '../support/wickedFrames.ts';
import { inPlaceOf, PLAIN_ENTRIES, Target } from './wire.ts';

const POLICIES: readonly ConflictPolicy[] = ['skip', 'keep-both', 'replace'];

/** Who decides on an offer; the editor's and the terminal's modes come to one of these. */
const CONSENTS: Readonly<Record<string, VictimOptions['consent']>> = {
  'accepts by itself': undefined,
  declines: () => Promise.resolve(undefined),
  'never answers': () => new Promise(() => undefined),
};

type Listed = readonly unknown[];
const file = (path: unknown): Listed => ['f', path, 3, 0, false];
const folder = (path: unknown): Listed => ['d', path, 0];
const files = (...paths: readonly unknown[]): readonly (readonly Listed[])[] =>
  paths.map((path) => [file(path)]);
/** Each as a file, as a folder with something in it, and in a folder. */
const everywhere = (...names: readonly string[]): readonly (readonly Listed[])[] =>
  names.flatMap((name) => [
    [file(name)],
    [folder(name), file(`${name}/x`)],
    [folder('in'), file(`in/${name}`)],
    [folder('in'), folder(`in/${name}`), file(`in/${name}/x`)],
  ]);

/** Entries of one page each, by the case that they belong to. */
const PAGES: Readonly<Record<string, readonly (readonly Listed[])[]>> = {
  'case 50: a path that leads elsewhere': [
    ...files(
      '../x',
      '../../x',
      'a/../../x',
      'a/..',
      '/abs',
      '//x',
      '///etc/passwd',
      '/',
      'C:\\x',
      'C:x',
      'C:/x',
    ),
    ...files(
      '\\\\server\\share',
      '\\\\?\\C:\\x',
      '\\\\.\\C:',
      'a\\..\\..\\b',
      '\\x',
      'a/',
      'a//b',
      './a',
      '~/x\u0000',
    ),
    ...everywhere('..', '.', '', '.\u00ad.', '\u200d', '..\\..', '...'),
    [folder('a'), file('a/../b')],
    [folder('a'), folder('a/..'), file('a/../b')],
    [file('a'), file('../precious')],
    [folder('..'), file('../precious')],
    [folder('received'), file('received/../../precious')],
  ],
  'case 51: a name with control characters': everywhere(
    'a\u0000',
    'a\u0000b',
    '\n',
    'a\nb',
    'a\rb',
    '\u001b[2K',
    'a\u0007',
    'a\u007f',
    'a\u0085',
    'a\u009f',
    'a\u2028b',
    'a\u202eexe.txt',
  ),
  'case 53: names that become one': [
    [file('README'), file('readme')],
    [file('a'), file('a')],
    [file('a'), folder('a')],
    [folder('a'), file('a')],
    [file('a'), file('a/b')],
    [folder('d'), file('d/ß'), file('d/SS')],
    [file('\u00e9'), file('e\u0301')],
    [file('\uff41'), file('a')],
    [folder('d'), file('d/a'), folder('D'), file('D/b')],
    [file('b'), file('a')],
    [file('x/y')],
  ],
  'case 54: what Windows may call the staging folder': everywhere('PEER-C~1', 'peer-c~2', 'PE0123~1').filter(
    ([first]) => !String(first?.[1]).startsWith('in'),
  ),
  'case 56: a device, a stream, a dot or a space at the end': everywhere(
    'CON',
    'nul.txt',
    'COM1.log',
    'com\u00b9',
    'LPT9',
    'CONIN$',
    'CLOCK$',
    'prn .x',
    'a.',
    'a ',
    'file:stream',
    'file::$DATA',
    'aux',
  ),
  'case 57: characters that Windows forbids': everywhere(...'<>:"|?*\\'.split('').map((each) => `a${each}b`)),
  'case 59: a name, a path or a tree beyond the limits': [
    ...everywhere('n'.repeat(256), '\u00e9'.repeat(128), '\ud83d\ude00'.repeat(64)),
    ...files('p/'.repeat(2048) + 'x', Array.from({ length: 257 }, () => 'd').join('/')),
    Array.from({ length: 257 }, (_, depth) => folder(Array.from({ length: depth + 1 }, () => 'd').join('/'))),
  ],
  'case 60: a name that is not Unicode': [
    [file('a\ud800')],
    [file('\udc00b')],
    [folder('\ud800'), file('\ud800/x')],
  ],
  'case 61: special modes': [
    [['f', 'a', 3, 0, 0o4755]],
    [['f', 'a', 3, 0, 'rwsr-xr-x']],
    [['f', 'a', 3, 0, true, true]],
    [['f', 'a', 3, 0, null]],
  ],
  'case 64: our own folder': everywhere(
    '.peer-courier',
    '.Peer-Courier',
    '.peer\u200d-courier',
    '.PEER\u00ad-COURIER',
  ).filter(([first]) => !String(first?.[1]).startsWith('in')),
  'case 65: an entry that is neither file nor folder': [
    [['l', 'a', '/etc/passwd', 0]],
    [['l', 'a', 0]],
    [['s', 'a', 3, 0, false]],
    [['h', 'a', 'b', 0]],
    [['b', 'a', 8, 1, 0]],
    [['c', 'a', 1, 3, 0]],
    [['p', 'a', 0]],
    [['x', 'a', 0]],
    [['F', 'a', 3, 0, false]],
    [['', 'a', 0]],
    [[1, 'a', 3, 0, false]],
    [[null, 'a', 0]],
    [['f', 'a', 3, 0, false, { target: '/etc/passwd' }]],
    [['d', 'a', 0, '/etc']],
    [{ kind: 'f', path: 'a' } as unknown as Listed],
  ],
};

for (const [what, pages] of Object.entries(PAGES)) {
  test(`${what} is refused whole, under every policy, before anybody is asked`, async (t) => {
    for (const onConflict of POLICIES) await refuseAll(t, pages, { onConflict });
  });
}

async function refuseAll(
  t: TestContext,
  pages: readonly (readonly Listed[])[],
  options: VictimOptions,
): Promise<void> {
  const target = await Target.open(t, options);
  for (const entries of pages) {
    const bend = inPlaceOf('page', message('page', { entries }));
    await target.assertRefused(JSON.stringify(entries).slice(0, 200), { entries: PLAIN_ENTRIES, bend });
  }
  assert.deepEqual(target.victim.offers, []);
}

test('case 50, 51, 53, 56, 57, 65: whoever decides, and however, is not even asked', async (t) => {
  const some = ['case 50', 'case 51', 'case 53', 'case 56', 'case 57', 'case 65'].map((number) => {
    const [, pages] = Object.entries(PAGES).find(([what]) => what.startsWith(number)) ?? assert.fail(number);
    return pages[0] ?? assert.fail(number);
  });
  for (const consent of Object.values(CONSENTS)) {
    await refuseAll(t, some, consent === undefined ? {} : { consent });
  }
});

test('case 50: one bad name among thousands is enough', async (t) => {
  const target = await Target.open(t);
  const many = Array.from({ length: 3000 }, (_, at) => file(`f${at + 10_000}`));
  const bend = inPlaceOf('page', message('page', { entries: [...many, file('z/../../x')] }));
  await target.assertRefused('the last', { entries: PLAIN_ENTRIES, bend });
});

/** Things that a sender might ask for and that no message has; each in every message that could have it. */
const WISHES: readonly string[] = [
  'overwrite',
  'inplace',
  'zip',
  'temp',
  'append',
  'mode',
  'root',
  'delete',
  'link',
  '__proto__',
];

test('case 66: whatever would change how things are written is refused with its message', async (t) => {
  const target = await Target.open(t);
  for (const wish of WISHES) {
    const words = {
      offer: `"transfer":"${'ab'.repeat(16)}","label":"x"`,
      page: '"entries":[["f","a",3,0,false],["f","b",5,0,false]]',
      offerEnd: '"pages":1,"entries":2,"files":2,"bytes":8,"leftOut":0',
    };
    for (const [name, keys] of Object.entries(words)) {
      const payload = Buffer.from(`{${keys},"${wish}":true}`);
      const bend = inPlaceOf(name, message(name as keyof typeof words, undefined, { payload }));
      await target.assertRefused(`${wish} in ${name}`, { entries: PLAIN_ENTRIES, bend });
    }
    // In a hello it is passed over, and changes nothing.
    const sent = await target.play({
      entries: PLAIN_ENTRIES,
      hello: { [wish]: true },
      transfer: 'cd'.repeat(16),
    });
    assert.ok(sent.receipt !== undefined);
    for (const { path, content } of PLAIN_ENTRIES) {
      assert.ok(readFileSync(join(target.victim.folder, path)).equals(content));
    }
    target.victim.clear();
  }
});

test('case 55: what stands there is kept, under whatever name in whatever spelling it is offered again', async (t) => {
  for (const onConflict of POLICIES) {
    const target = await Target.open(t, { onConflict });
    writeFileSync(join(target.victim.folder, 'a'), 'mine');
    mkdirSync(join(target.victim.folder, 'b'));
    writeFileSync(join(target.victim.folder, 'b', 'inside'), 'mine, too');
    await target.play({ entries: PLAIN_ENTRIES });
    const old = onConflict === 'replace' ? join('.peer-courier/replaced', 'ab'.repeat(16), 'a') : 'a';
    assert.equal(readFileSync(join(target.victim.folder, old), 'utf8'), 'mine', onConflict);
    assert.equal(readFileSync(join(target.victim.folder, 'b', 'inside'), 'utf8'), 'mine, too', onConflict);
    target.victim.assertNothingOutside();
  }
});
