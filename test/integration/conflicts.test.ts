import assert from 'node:assert/strict';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { assertChange } from '../support/change.ts';
import type { Change } from '../support/change.ts';
import { eventOf, pathsOf, Scene } from '../support/cli.ts';
import { compressible, sendHeldBack } from '../support/inProcess.ts';
import { fifo, file, folder, link, makeTree, takeSnapshot } from '../support/trees.ts';
import type { Item, Tree } from '../support/trees.ts';

/**
 * A name is taken. Whatever the policy: what was there is there afterwards, under its name or among the
 * replaced ones, and nothing is written outside the receive folder.
 */

const NAME_REFUSED = 20;
const NAME_TAKEN = 26;

interface Outcome extends Change {
  readonly status?: number;
  readonly skipped?: readonly string[];
  readonly taken?: readonly string[];
}

interface Conflict {
  readonly there: Tree;
  readonly sent: Tree;
  readonly skip: Outcome;
  readonly keepBoth: Outcome;
  readonly replace: Outcome;
}

/** A file from before: what has the same size and time counts as the same, and tests are fast. */
function old(content: string): Item {
  return file(content, { mtimeMs: Date.parse('2001-02-03T04:05:06.789Z') });
}

/** What links in the receive folder lead to. */
const outside: Tree = { 'outside/file': file('outside'), 'outside/folder/file': file('outside too') };

function conflict(name: string, { there, sent, skip, keepBoth, replace }: Conflict): void {
  const outcomes: readonly (readonly [ConflictPolicy, Outcome])[] = [
    ['skip', skip],
    ['keep-both', keepBoth],
    ['replace', replace],
  ];
  for (const [policy, outcome] of outcomes) {
    test(`${name}: ${policy}`, async (t) => {
      const scene = new Scene(t);
      makeTree(scene.folder, outside);
      makeTree(scene.received, there);
      makeTree(scene.path('source'), sent);
      const [before, outsideBefore] = [scene.look(), takeSnapshot(scene.path('outside'))];
      const receiver = await scene.receive({ words: ['--on-conflict', policy] });
      const roots = [...new Set(Object.keys(sent).map((path) => path.split('/')[0] ?? ''))];
      const ended = await scene.send(roots.map((root) => scene.path('source', root)));

      assert.equal(ended.status, outcome.status ?? 0, JSON.stringify(ended.events));
      const skipped = ended.events.filter(({ event }) => event === 'skipped').map(({ path }) => path);
      assert.deepEqual(skipped, outcome.skipped ?? []);
      const taken = (outcome.taken ?? []).map((path) => `${path}: name-taken`);
      assert.deepEqual(pathsOf(ended, 'entry-failed'), taken);
      assert.equal((await receiver.event('received'))['root'], eventOf(ended, 'sent')['root']);
      assertChange(scene, before, outcome);
      assert.deepEqual(takeSnapshot(scene.path('outside')), outsideBefore);
      scene.assertSenderClean();
    });
  }
}

conflict('a file, a file there', {
  there: { 'a.txt': old('old') },
  sent: { 'a.txt': file('new') },
  skip: { skipped: ['a.txt'] },
  keepBoth: { adds: { 'a (2).txt': 'new' } },
  replace: { replaces: { 'a.txt': 'new' } },
});

conflict('an empty file, a file there', {
  there: { 'a.txt': old('old') },
  sent: { 'a.txt': file() },
  skip: { skipped: ['a.txt'] },
  keepBoth: { adds: { 'a (2).txt': '' } },
  replace: { replaces: { 'a.txt': '' } },
});

conflict('a big file, a bigger one with the same beginning there', {
  there: { big: old(compressible(900_000)) },
  sent: { big: file(`${compressible(600_000)}another end`) },
  skip: { skipped: ['big'] },
  keepBoth: { adds: { 'big (2)': `${compressible(600_000)}another end` } },
  replace: { replaces: { big: `${compressible(600_000)}another end` } },
});

conflict('a folder, a folder there', {
  there: { 'd/mine': old('mine'), 'd/both': old('old'), 'd/sub/both': old('old below') },
  sent: {
    'd/both': file('new'),
    'd/fresh/x': file('fresh'),
    'd/sub/both': file('new below'),
    'd/none': folder(),
  },
  skip: {
    skipped: ['d/both', 'd/sub/both'],
    adds: { 'd/fresh': '<folder>', 'd/fresh/x': 'fresh', 'd/none': '<folder>' },
  },
  keepBoth: {
    adds: {
      'd (2)': '<folder>',
      'd (2)/both': 'new',
      'd (2)/fresh': '<folder>',
      'd (2)/fresh/x': 'fresh',
      'd (2)/none': '<folder>',
      'd (2)/sub': '<folder>',
      'd (2)/sub/both': 'new below',
    },
  },
  replace: {
    replaces: { 'd/both': 'new', 'd/sub/both': 'new below' },
    adds: { 'd/fresh': '<folder>', 'd/fresh/x': 'fresh', 'd/none': '<folder>' },
  },
});

conflict('a folder, a file there', {
  there: { x: old('old') },
  sent: { 'x/inner': file('new'), y: file('arrives') },
  skip: { skipped: ['x', 'x/inner'], adds: { y: 'arrives' } },
  keepBoth: { adds: { 'x (2)': '<folder>', 'x (2)/inner': 'new', y: 'arrives' } },
  replace: { status: NAME_TAKEN, taken: ['x', 'x/inner'], adds: { y: 'arrives' } },
});

conflict('a file, a folder there', {
  there: { 'x/inner': old('old') },
  sent: { x: file('new'), y: file('arrives') },
  skip: { skipped: ['x'], adds: { y: 'arrives' } },
  keepBoth: { adds: { 'x (2)': 'new', y: 'arrives' } },
  replace: { status: NAME_TAKEN, taken: ['x'], adds: { y: 'arrives' } },
});

/** Things that are neither a file nor a folder, in the way of a file. */
const oddities: Readonly<Record<string, Item>> = {
  'a link to a file outside': link('../outside/file'),
  'a link to a folder outside': link('../outside/folder'),
  'a dangling link that leads outside': link('../outside/not-there'),
  'a pipe': fifo,
};

for (const [name, item] of Object.entries(oddities)) {
  conflict(`a file, ${name} there`, {
    there: { x: item },
    sent: { x: file('new') },
    skip: { skipped: ['x'] },
    keepBoth: { adds: { 'x (2)': 'new' } },
    replace: { status: NAME_TAKEN, taken: ['x'] },
  });
}

conflict('a folder, a link to a folder outside there', {
  there: { d: link('../outside/folder') },
  sent: { 'd/file': file('new') },
  skip: { skipped: ['d', 'd/file'] },
  keepBoth: { adds: { 'd (2)': '<folder>', 'd (2)/file': 'new' } },
  replace: { status: NAME_TAKEN, taken: ['d', 'd/file'] },
});

conflict('a folder, in the one there a link to a folder outside', {
  there: { 'd/sub': link('../../outside/folder') },
  sent: { 'd/sub/file': file('new'), 'd/sub/deep/x': file('new'), 'd/y': file('arrives') },
  skip: { skipped: ['d/sub', 'd/sub/deep', 'd/sub/deep/x', 'd/sub/file'], adds: { 'd/y': 'arrives' } },
  keepBoth: {
    adds: {
      'd (2)': '<folder>',
      'd (2)/sub': '<folder>',
      'd (2)/sub/deep': '<folder>',
      'd (2)/sub/deep/x': 'new',
      'd (2)/sub/file': 'new',
      'd (2)/y': 'arrives',
    },
  },
  replace: {
    status: NAME_TAKEN,
    taken: ['d/sub', 'd/sub/deep', 'd/sub/deep/x', 'd/sub/file'],
    adds: { 'd/y': 'arrives' },
  },
});

conflict('a folder, in the one there files and folders the other way round, and a link', {
  there: { 'd/a': old('old'), 'd/b/inner': old('old'), 'd/c': link('../../outside/file') },
  sent: { 'd/a/inner': file('new'), 'd/b': file('new'), 'd/c': file('new'), 'd/e': file('arrives') },
  skip: { skipped: ['d/a', 'd/a/inner', 'd/b', 'd/c'], adds: { 'd/e': 'arrives' } },
  keepBoth: {
    adds: {
      'd (2)': '<folder>',
      'd (2)/a': '<folder>',
      'd (2)/a/inner': 'new',
      'd (2)/b': 'new',
      'd (2)/c': 'new',
      'd (2)/e': 'arrives',
    },
  },
  replace: { status: NAME_TAKEN, taken: ['d/a', 'd/a/inner', 'd/b', 'd/c'], adds: { 'd/e': 'arrives' } },
});

test('a path that is too long over there fails by itself, also where a folder is merged', async (t) => {
  const scene = new Scene(t);
  // Linux takes 4,095 bytes; what is received lies deeper than what is sent.
  let deep = scene.path('s', 'tree');
  while (deep.length < 3800) deep = join(deep, 'd'.repeat(200));
  const leaf = join(deep, 'x'.repeat(4095 - deep.length - 1));
  makeTree('/', { [leaf]: file('leaf'), [scene.path('s', 'tree', 'z')]: file('arrives') });
  // Where it is merged, it is refused before it is sent, and the answer to an offer gives no reasons.
  for (const [policy, status] of [
    ['keep-both', NAME_REFUSED],
    ['replace', NAME_TAKEN],
  ] as const) {
    scene.makeFolder(policy, 'tree');
    const words = ['--on-conflict', policy, '--folder', scene.path(policy)];
    const receiver = await scene.receive({ words });
    const ended = await scene.send([scene.path('s', 'tree')]);
    assert.equal(ended.status, status, ended.stdout.slice(-500));
    assert.equal(
      pathsOf(ended, 'entry-failed')
        .at(-1)
        ?.startsWith(leaf.slice(scene.path('s').length + 1)),
      true,
    );
    const name = policy === 'replace' ? 'tree' : 'tree (2)';
    assert.equal(readFileSync(scene.path(policy, name, 'z'), 'utf8'), 'arrives');
    await receiver.stop();
  }
});

/** What *keep both* calls the new one. */
const secondNames: Readonly<Record<string, string>> = {
  // Its second name is taken too.
  'report.txt': 'report (3).txt',
  'archive.tar.gz': 'archive.tar (2).gz',
  'no-extension': 'no-extension (2)',
  '.hidden': '.hidden (2)',
  'report (2).txt': 'report (2) (2).txt',
  [`${'n'.repeat(251)}.txt`]: `${'n'.repeat(247)} (2).txt`,
  ['ж'.repeat(127)]: `${'ж'.repeat(125)} (2)`,
};

test('keep both finds a name: the second, the third, and where the name is as long as can be', async (t) => {
  const scene = new Scene(t);
  const names = Object.keys(secondNames);
  makeTree(scene.path('source'), Object.fromEntries(names.map((name) => [name, file(`new ${name}`)])));
  makeTree(scene.received, Object.fromEntries(names.map((name) => [name, old(`old ${name}`)])));
  const before = scene.look();
  await scene.receive();
  const { status } = await scene.send(names.map((name) => scene.path('source', name)));
  assert.equal(status, 0);
  const adds = names.map((name): [string, string] => [secondNames[name] ?? '', `new ${name}`]);
  assertChange(scene, before, { adds: Object.fromEntries(adds) });
});

test('to send an unchanged tree again with replace moves nothing; a changed one only what changed', async (t) => {
  const scene = new Scene(t);
  makeTree(scene.folder, {
    'tree/big': file(compressible(1_200_000)),
    'tree/sub/small': file('small'),
    'tree/sub/other': file('other'),
    'tree/empty': folder(),
  });
  const receiver = await scene.receive({ words: ['--on-conflict', 'replace'] });
  const first = await scene.send([scene.path('tree')]);
  assert.equal(eventOf(first, 'sent')['published'], 6);
  const before = scene.look();
  const inode = lstatSync(join(scene.received, 'tree/big')).ino;

  const words = ['--to', receiver.address];
  const again = await scene.send([scene.path('tree')], { words });
  const { published, same, bytes } = eventOf(again, 'sent');
  assert.deepEqual({ published, same, bytes }, { published: 0, same: 6, bytes: 0 });
  assert.deepEqual(scene.look(), before);

  writeFileSync(scene.path('tree/sub/small'), 'SMALL');
  const changed = await scene.send([scene.path('tree')], { words });
  const counts = eventOf(changed, 'sent');
  assert.deepEqual([counts['published'], counts['same'], counts['bytes']], [1, 5, 5]);
  assertChange(scene, before, { replaces: { 'tree/sub/small': 'SMALL' } });
  assert.equal(lstatSync(join(scene.received, 'tree/big')).ino, inode);
});

/** Something takes a name after the receiver has looked and before it publishes. */
interface Meanwhile {
  readonly there?: Tree;
  readonly sent: Tree;
  readonly appears: Tree;
  readonly outcome: Outcome;
}

function appearsMeanwhile(
  name: string,
  policy: ConflictPolicy,
  { there = {}, sent, appears, outcome }: Meanwhile,
): void {
  test(`${name} appears while it is being sent: ${policy}`, async (t) => {
    const scene = new Scene(t);
    makeTree(scene.folder, outside);
    makeTree(scene.received, there);
    makeTree(scene.path('source'), sent);
    const outsideBefore = takeSnapshot(scene.path('outside'));
    const receiver = await scene.receive({ words: ['--on-conflict', policy] });
    const sending = await sendHeldBack(scene, [scene.path('source/x')]);
    makeTree(scene.received, appears);
    const visible = Object.entries(scene.look()).filter(([path]) => !path.startsWith('.peer-courier'));
    const { failures } = await sending.finish();
    await receiver.event('received');
    assert.deepEqual(
      [...failures],
      outcome.taken === undefined ? [] : [['name-taken', outcome.taken.length]],
    );
    assertChange(scene, Object.fromEntries(visible), outcome);
    assert.deepEqual(takeSnapshot(scene.path('outside')), outsideBefore);
  });
}

const text = compressible(400_000);
const aFile = { sent: { x: file(text) }, appears: { x: file('appeared') } };
appearsMeanwhile('a file', 'skip', { ...aFile, outcome: { taken: ['x'] } });
appearsMeanwhile('a file', 'keep-both', { ...aFile, outcome: { adds: { 'x (2)': text } } });
appearsMeanwhile('a file', 'replace', { ...aFile, outcome: { replaces: { x: text } } });

const aFolder = { sent: { 'x/y': file(text) }, appears: { 'x/y': file('appeared') } };
const besideIt = { adds: { 'x (2)': '<folder>', 'x (2)/y': text } };
appearsMeanwhile('a folder', 'skip', { ...aFolder, outcome: besideIt });
appearsMeanwhile('a folder', 'keep-both', { ...aFolder, outcome: besideIt });
appearsMeanwhile('a folder', 'replace', { ...aFolder, outcome: besideIt });

const aLink = { sent: { x: file(text) }, appears: { x: link('../outside/file') } };
appearsMeanwhile('a link', 'skip', { ...aLink, outcome: { taken: ['x'] } });
appearsMeanwhile('a link', 'keep-both', { ...aLink, outcome: { adds: { 'x (2)': text } } });
appearsMeanwhile('a link', 'replace', { ...aLink, outcome: { taken: ['x'] } });

// In a folder that is there already, so that files are published one by one.
const inside = { there: { x: folder() }, sent: { 'x/sub/file': file(text) } };
const aFileInside = { ...inside, appears: { 'x/sub/file': file('appeared') } };
appearsMeanwhile('a file in a folder', 'skip', { ...aFileInside, outcome: { taken: ['x/sub/file'] } });
appearsMeanwhile('a file in a folder', 'replace', {
  ...aFileInside,
  outcome: { replaces: { 'x/sub/file': text } },
});

const aLinkInside = { ...inside, appears: { 'x/sub': link('../../outside/folder') } };
const notThrough = { taken: ['x/sub', 'x/sub/file'] };
appearsMeanwhile('a link to a folder outside', 'skip', { ...aLinkInside, outcome: notThrough });
appearsMeanwhile('a link to a folder outside', 'replace', { ...aLinkInside, outcome: notThrough });
