import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { OMIT_NOTHING } from '../../src/node/disk/omissions.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { walk } from '../../src/node/disk/walk.ts';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import { scratchFolder } from '../support/scratch.ts';

/** What `.gitignore` leaves out: as git says, and where git has nothing to say. */

/** Files by their path; one that ends in `/` is an empty folder. */
type Tree = Readonly<Record<string, string>>;

const GIT_ONLY = { useGitignore: true, leaveOutSecrets: false };

function lay(folder: string, tree: Tree): void {
  for (const [path, text] of Object.entries(tree)) {
    const location = join(folder, path);
    mkdirSync(path.endsWith('/') ? location : dirname(location), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(location, text);
  }
}

/** The files and what is left out below a picked folder; paths are those below it. */
function look(folder: string): { files: string[]; ignored: string[] } {
  const found = { files: [] as string[], ignored: [] as string[] };
  for (const item of walk([{ location: folder, name: 'r' }], GIT_ONLY, () => systemFiles)) {
    if (item.type === 'left-out') {
      assert.equal(item.reason, 'ignored', item.path);
      found.ignored.push(item.path.slice(2));
    } else if (item.entry.kind === 'file') found.files.push(item.entry.path.slice(2));
  }
  return found;
}

/** Far from the settings of whoever runs the tests. */
function git(folder: string, ...args: readonly string[]): string {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(folder, 'no such file'),
  };
  return execFileSync('git', args, { cwd: folder, env, encoding: 'utf8' });
}

/** What git would take of a folder: neither tracked (nothing is) nor ignored. */
function filesByGit(folder: string): string[] {
  return git(folder, 'ls-files', '-z', '--others', '--exclude-standard').split('\0').filter(Boolean);
}

function withoutGit(files: readonly string[]): string[] {
  return files.filter((file) => !file.startsWith('.git/')).toSorted();
}

interface Case {
  readonly tree: Tree;
  /** What is picked of it; all, if that is not said. */
  readonly picked?: string;
  /** What is left out below that. */
  readonly ignored: readonly string[];
}

const inRepository: Readonly<Record<string, Case>> = {
  'no rules': { tree: { a: '', 'b/c': '' }, ignored: [] },
  'a name, at any depth': {
    tree: { '.gitignore': 'x\n', x: '', 'a/x': '', 'a/xx': '', 'b/x/y': '' },
    ignored: ['a/x', 'b/x', 'x'],
  },
  'a folder only': { tree: { '.gitignore': 'out/', 'out/a': '', 'b/out': '' }, ignored: ['out'] },
  'anchored to its own folder': {
    tree: { '.gitignore': '/x\na/y', x: '', 'a/x': '', 'a/y': '', 'b/a/y': '' },
    ignored: ['a/y', 'x'],
  },
  wildcards: {
    tree: {
      '.gitignore': '*.log\nfoo?[0-3]\na/**/z',
      'q.log': '',
      'd/q.log': '',
      foox2: '',
      foox9: '',
      'a/z': '',
      'a/b/c/z': '',
      z: '',
    },
    ignored: ['a/b/c/z', 'a/z', 'd/q.log', 'foox2', 'q.log'],
  },
  'a negation takes it back': {
    tree: { '.gitignore': '*.log\n!keep.log', 'a.log': '', 'keep.log': '', 'd/keep.log': '' },
    ignored: ['a.log'],
  },
  'but not out of a folder that is ignored': {
    tree: { '.gitignore': 'out/\n!out/keep', 'out/keep': '', 'out/.gitignore': '!keep' },
    ignored: ['out'],
  },
  'all but one': {
    tree: { '.gitignore': '/*\n!/src/\n!.gitignore', 'src/a': '', 'lib/b': '', c: '' },
    ignored: ['c', 'lib'],
  },
  'the inner file overrides the outer one': {
    tree: { '.gitignore': '*.txt', 'a/.gitignore': '!b.txt', 'a/b.txt': '', 'a/c.txt': '', 'b.txt': '' },
    ignored: ['a/c.txt', 'b.txt'],
  },
  'and adds to it for its own folder only': {
    tree: { 'a/.gitignore': '/x\ny', 'a/x': '', x: '', 'a/b/x': '', 'a/b/y': '', y: '' },
    ignored: ['a/b/y', 'a/x'],
  },
  'a folder that the inner file takes back is taken back with all in it': {
    tree: {
      '.gitignore': 'build/\n*.tmp',
      'a/.gitignore': '!build/',
      'a/build/x': '',
      'a/build/x.tmp': '',
      'a/build/build/x': '',
      'build/x': '',
    },
    ignored: ['a/build/x.tmp', 'build'],
  },
  'also one with an odd name': {
    tree: { '.gitignore': '*[[]?[]]', 'a/.gitignore': '!b*', 'a/b[c]/x': '', 'b[c]/x': '' },
    ignored: ['b[c]'],
  },
  'info/exclude comes last': {
    tree: { '.git/info/exclude': 'x\ny', '.gitignore': '!y', x: '', y: '', 'a/x': '' },
    ignored: ['a/x', 'x'],
  },
  'comments, spaces, line ends': {
    tree: { '.gitignore': '\ufeff# x\r\n\\#y\r\nz  \r\n', x: '', '#y': '', z: '' },
    ignored: ['#y', 'z'],
  },
};

for (const [name, { tree, ignored }] of Object.entries(inRepository)) {
  test(`as git says: ${name}`, (t) => {
    const folder = scratchFolder(t);
    git(folder, 'init', '--quiet');
    lay(folder, tree);
    const found = look(folder);
    assert.deepEqual(withoutGit(found.files), filesByGit(folder).toSorted());
    assert.deepEqual(found.ignored.toSorted(), ignored);
  });
}

const NAMES = ['a', 'b', 'ab', 'a.b', 'D', '.c', 'x[y]'] as const;
const SEGMENTS = [
  'a',
  'b',
  'ab',
  '*',
  '**',
  'a*',
  '*.b',
  '?',
  '[ab]',
  '[!a]',
  '.*',
  'x[[]y]',
  '\\a',
] as const;

function randomPattern(random: MemoryRandom): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(SEGMENTS));
  const [before, after] = [random.pick(['', '', '/', '!', '!', '!/']), random.pick(['', '', '/'])];
  return `${before}${parts.join('/')}${after}`;
}

function randomRules(random: MemoryRandom): string {
  return Array.from({ length: 1 + random.below(4) }, () => randomPattern(random)).join('\n');
}

function randomProject(random: MemoryRandom): Tree {
  const tree: Record<string, string> = {};
  const fill = (folder: string, depth: number): void => {
    if (random.below(2) === 0) tree[`${folder}.gitignore`] = randomRules(random);
    for (const name of NAMES) {
      const kind = random.below(4);
      if (kind === 0) tree[`${folder}${name}`] = '';
      if (kind > 1 && depth < 3) fill(`${folder}${name}/`, depth + 1);
    }
  };
  fill('', 0);
  if (random.below(2) === 0) tree['.git/info/exclude'] = randomRules(random);
  return tree;
}

test('random rules for random trees: as git says, from the top and from any folder', (t) => {
  for (const seed of seeds(40)) {
    const folder = scratchFolder(t);
    git(folder, 'init', '--quiet');
    const tree = randomProject(new MemoryRandom(seed));
    lay(folder, tree);
    const byGit = filesByGit(folder).toSorted();
    assert.deepEqual(withoutGit(look(folder).files), byGit, `SEED=${seed}`);
    // A folder with something in it that git takes is not ignored itself: there the rules around it count.
    for (const file of byGit.filter((_, at) => at % 5 === 0 && byGit[at]?.includes('/') === true)) {
      const picked = dirname(file);
      const expected = byGit.flatMap((other) =>
        other.startsWith(`${picked}/`) ? [other.slice(picked.length + 1)] : [],
      );
      assert.deepEqual(look(join(folder, picked)).files.toSorted(), expected, `SEED=${seed} ${picked}`);
    }
  }
});

/** Where git has nothing to say. */
function check(
  name: string,
  { tree, picked = '', ignored, files }: Case & { readonly files: readonly string[] },
): void {
  test(name, (t) => {
    const folder = scratchFolder(t);
    lay(folder, tree);
    const found = look(join(folder, picked));
    assert.deepEqual(
      { ignored: found.ignored.toSorted(), files: found.files.toSorted() },
      { ignored, files },
    );
  });
}

check('a folder that is ignored itself is sent when it was picked; rules inside it count', {
  tree: {
    '.git/': '',
    '.gitignore': 'dist\n*.map',
    'dist/.gitignore': '*.tmp',
    'dist/a.map': '',
    'dist/a.tmp': '',
  },
  picked: 'dist',
  ignored: ['a.tmp'],
  files: ['.gitignore', 'a.map'],
});

check('so is a folder inside one that is ignored', {
  tree: {
    '.git/': '',
    '.gitignore': 'dist',
    'dist/.gitignore': '*.tmp',
    'dist/in/a.tmp': '',
    'dist/in/dist': '',
  },
  picked: 'dist/in',
  ignored: [],
  files: ['a.tmp', 'dist'],
});

check('a folder that is not ignored keeps the rules around it', {
  tree: { '.git/': '', '.gitignore': '/src/*.o\n*.tmp', 'src/a.o': '', 'src/in/a.o': '', 'src/in/b.tmp': '' },
  picked: 'src',
  ignored: ['a.o', 'in/b.tmp'],
  files: ['in/a.o'],
});

check('a file that was picked is sent', {
  tree: { '.git/': '', '.gitignore': 'a' },
  picked: '.gitignore',
  ignored: [],
  // The root itself, which has no path below itself.
  files: [''],
});

check('without a repository the rules begin in the picked folder', {
  tree: { '.gitignore': 'a', 'in/.gitignore': 'b', 'in/a': '', 'in/b': '', 'in/c/b': '' },
  picked: 'in',
  ignored: ['b', 'c/b'],
  files: ['.gitignore', 'a'],
});

check('a repository is sent whole, whatever its rules say', {
  tree: {
    '.gitignore': '.*\nHEAD\n*.pack\nx',
    '.git/HEAD': '',
    '.git/objects/a.pack': '',
    '.git/x': '',
    x: '',
  },
  ignored: ['.gitignore', 'x'],
  files: ['.git/HEAD', '.git/objects/a.pack', '.git/x'],
});

check('also when it was picked by itself', {
  tree: { '.gitignore': '*', '.git/HEAD': '', '.git/refs/.gitignore': '*' },
  picked: '.git',
  ignored: [],
  files: ['HEAD', 'refs/.gitignore'],
});

check('a repository inside another has its own rules', {
  tree: {
    '.git/': '',
    '.gitignore': 'a\n/ignored',
    'in/.git': 'gitdir: elsewhere',
    'in/.gitignore': 'b',
    'in/a': '',
    'in/b': '',
    'ignored/.git/HEAD': '',
  },
  ignored: ['ignored', 'in/b'],
  files: ['.gitignore', 'in/.git', 'in/.gitignore', 'in/a'],
});

check('too long a file of rules is not followed', {
  tree: { '.gitignore': `a\n${'#'.repeat(256 * 1024)}`, a: '' },
  ignored: [],
  files: ['.gitignore', 'a'],
});

const deep = 'a/'.repeat(60);

check('a line that would take for ever is not followed; one that says the same in short is', {
  tree: { '.gitignore': `${'**/a/'.repeat(30)}x\n${'**/'.repeat(100)}z`, [`${deep}y`]: '', [`${deep}z`]: '' },
  ignored: [`${deep}z`],
  files: ['.gitignore', `${deep}y`],
});

test('a file of rules that is a link or a folder is not followed, and is no failure', (t) => {
  const folder = scratchFolder(t);
  lay(folder, { rules: 'x', x: '', 'in/x': '', 'in/.gitignore/': '' });
  symlinkSync('rules', join(folder, '.gitignore'));
  const items = [...walk([{ location: folder, name: 'r' }], GIT_ONLY, () => systemFiles)];
  const leftOut = items.flatMap((item) => (item.type === 'left-out' ? [[item.path, item.reason]] : []));
  assert.deepEqual(leftOut, [['r/.gitignore', 'link']]);
  assert.equal(items.length, 1 + 1 + 4 + 1);
});

test('an ignored folder is never opened, and what is ignored is nothing else besides', (t) => {
  const folder = scratchFolder(t);
  lay(folder, { '.gitignore': 'sealed\nlink\nCON\nreadme', 'sealed/x': '', CON: '', README: '', readme: '' });
  symlinkSync('README', join(folder, 'link'));
  chmodSync(join(folder, 'sealed'), 0o000);
  // Whoever may open anything would not notice; the count would.
  const found = look(folder);
  chmodSync(join(folder, 'sealed'), 0o755);
  const names = process.platform === 'linux' ? ['CON', 'link', 'readme', 'sealed'] : found.ignored;
  assert.deepEqual(found.ignored.toSorted(), names);
});

test('what is left out does not depend on how much was looked at before', (t) => {
  const folder = scratchFolder(t);
  const many = Object.fromEntries(
    Array.from({ length: 1500 }, (_, at) => [`in/${at}${at % 2 === 0 ? '.o' : '.c'}`, '']),
  );
  lay(folder, { '.gitignore': '*.o', ...many });
  const found = look(folder);
  assert.equal(found.ignored.length, 750);
  assert.equal(found.files.length, 751);
});

test('nothing is ignored unless that is asked for', (t) => {
  const folder = scratchFolder(t);
  lay(folder, { '.gitignore': '*', a: '' });
  const items = [...walk([{ location: folder, name: 'r' }], OMIT_NOTHING, () => systemFiles)];
  assert.deepEqual(
    items.map(({ type }) => type),
    ['entry', 'entry', 'entry'],
  );
});
