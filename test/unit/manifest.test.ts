import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/protocol/limits.ts';
import {
  addTotals,
  compareKeys,
  emptyTotals,
  ManifestOrder,
  ManifestPager,
} from '../../src/protocol/manifest.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { encodeMessage, entryToWire } from '../../src/protocol/messages.ts';
import { collisionKey } from '../../src/protocol/wirePath.ts';
import { testProperty } from '../support/random.ts';
import { entriesOf, file, folder, isRemoteError, safePath } from '../support/samples.ts';

/** The code with which an order refuses `entries`, or `sound`. */
function verdictOn(entries: readonly Entry[]): string {
  const order = new ManifestOrder();
  try {
    for (const entry of entries) order.add(entry);
  } catch (error) {
    assert.ok(isRemoteError('protocol-error', 'limit-exceeded')(error), String(error));
    return (error as { code: string }).code;
  }
  return 'sound';
}

function check(what: string, verdict: string, ...paths: readonly string[]): void {
  test(`${what}: ${verdict} (${paths.join(' ')})`, () =>
    assert.equal(verdictOn(entriesOf(...paths)), verdict));
}

check('nothing', 'sound');
check('one file', 'sound', 'a');
check('siblings', 'sound', 'a', 'b', 'c/', 'd');
check('a folder and what is in it', 'sound', 'a/', 'a/b/', 'a/b/c', 'a/d', 'b');
check('an empty folder', 'sound', 'a/', 'b/');
check('the same name in other folders', 'sound', 'a/', 'a/x', 'b/', 'b/x', 'x');
check('back up by several levels', 'sound', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/d', 'b');
check('siblings by their keys, not their letters', 'sound', 'a', 'B', 'c', 'Z.txt');
check('a lower name in a deeper folder', 'sound', 'z/', 'z/a/', 'z/a/a', 'z/b');
check('a missing parent', 'protocol-error', 'a/b');
check('a missing folder in between', 'protocol-error', 'a/', 'a/b/c');
check('a parent that comes later', 'protocol-error', 'a/b', 'a/');
check('a file as parent', 'protocol-error', 'a', 'a/b');
check('a file as parent further down', 'protocol-error', 'a/', 'a/b', 'a/b/c');
check('a parent in other letters', 'protocol-error', 'a/', 'A/b');
check('a parent in another normal form', 'protocol-error', '\u00e9/', 'e\u0301/b');
check('a sibling of the parent', 'protocol-error', 'a/', 'b/', 'a/x');
check('a closed folder entered again', 'protocol-error', 'a/', 'a/x', 'b', 'a/y');
check('a closed folder listed again', 'protocol-error', 'a/', 'b/', 'a/');
check('a closed folder below an open one', 'protocol-error', 'a/', 'a/b/', 'a/c', 'a/b/x');
check('out of order', 'protocol-error', 'b', 'a');
check('out of order in a folder', 'protocol-error', 'a/', 'a/b', 'a/a');
check('out of order after a folder', 'protocol-error', 'b/', 'b/x/', 'b/x/y', 'a');
check('by letters, not by keys', 'protocol-error', 'B', 'a');
check('case 53, a file twice', 'protocol-error', 'a', 'a');
check('case 53, a folder twice', 'protocol-error', 'a/', 'a/');
check('case 53, a file and a folder of one name', 'protocol-error', 'a', 'a/');
check('case 53, a folder and a file of one name', 'protocol-error', 'a/', 'a');
check('case 53, a twin by case', 'protocol-error', 'README', 'readme');
check('case 53, a twin by case', 'protocol-error', 'readme', 'README');
check('case 53, a twin by case in a folder', 'protocol-error', 'a/', 'a/README', 'a/Readme');
check('case 53, a twin by normal form', 'protocol-error', '\u00e9', 'e\u0301');
check('case 53, a twin by normal form', 'protocol-error', 'e\u0301', '\u00e9');
check('case 53, a twin by sharp s', 'protocol-error', 'straße', 'strasse');
check('case 53, a twin by sharp s', 'protocol-error', 'strasse', 'straße');
check('case 53, a twin by capital sharp s', 'protocol-error', 'straße', 'STRAẞE');
check('case 53, a twin by capital sharp s', 'protocol-error', 'STRAẞE', 'straße');
check('case 53, a twin by a joiner', 'protocol-error', 'a\u200db', 'ab');
check('case 53, a twin by a joiner', 'protocol-error', 'ab', 'a\u200db');
check('case 53, a twin of a folder after what is in it', 'protocol-error', 'A/', 'A/x', 'a');

interface Tree {
  readonly [name: string]: Tree | null;
}

/** The manifest of `tree`: twins left out, everything in its place. */
function listTree(tree: Tree, prefix = ''): Entry[] {
  const byKey = new Map(Object.keys(tree).map((name) => [collisionKey(name), name]));
  const keys = [...byKey.keys()].toSorted(compareKeys);
  return keys.flatMap((key): Entry[] => {
    const name = byKey.get(key) ?? '';
    const below = tree[name] ?? null;
    if (below === null) return [file(prefix + name)];
    return listTree(below, `${prefix}${name}/`).toSpliced(0, 0, folder(prefix + name));
  });
}

const names = fc.constantFrom(...'a|A|b|B.txt|ß|ss|é|e\u0301|ı|Σ|ς|字|😀|z| x|-'.split('|'));
const trees = fc.letrec<{ tree: Tree; child: Tree | null }>((tie) => ({
  tree: fc.dictionary(names, tie('child'), { maxKeys: 5 }),
  child: fc.option(tie('tree'), { nil: null, maxDepth: 4 }),
})).tree;

/** Whether `entries` are a manifest, told in the most obvious way: they are what listing their tree gives. */
function isManifest(entries: readonly Entry[]): boolean {
  const kinds = new Map(entries.map((entry) => [entry.path as string, entry.kind]));
  if (kinds.size !== entries.length) return false;
  const keys = entries.map(({ path }) => {
    const at = path.lastIndexOf('/');
    return path.slice(0, at + 1) + collisionKey(path.slice(at + 1));
  });
  if (new Set(keys).size !== keys.length) return false;
  const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  if (entries.some(({ path }) => parentOf(path) !== '' && kinds.get(parentOf(path)) !== 'folder')) {
    return false;
  }
  const list = (parent: string): string[] => {
    const children = entries.map(({ path }) => path as string).filter((path) => parentOf(path) === parent);
    const byKey = children.toSorted((left, right) => (collisionKey(left) < collisionKey(right) ? -1 : 1));
    return byKey.flatMap((path) => [path].concat(list(path)));
  };
  assert.deepEqual(list('').toSorted(), [...kinds.keys()].toSorted());
  return list('').every((path, at) => path === entries[at]?.path);
}

testProperty(
  'takes the manifest of every tree',
  trees,
  (tree) => {
    assert.equal(verdictOn(listTree(tree)), 'sound');
  },
  500,
);

testProperty(
  'takes a changed manifest exactly if it still is one',
  fc.record({
    tree: trees,
    from: fc.nat(),
    to: fc.nat(),
    change: fc.constantFrom('swap', 'move', 'remove', 'copy', 'turn'),
  }),
  ({ tree, from, to, change }) => {
    const entries = listTree(tree);
    if (entries.length === 0) return;
    const at = from % entries.length;
    const other = to % entries.length;
    const [one, two] = [entries[at], entries[other]] as [Entry, Entry];
    if (change === 'swap') [entries[at], entries[other]] = [two, one];
    else if (change === 'move') entries.splice(other, 0, ...entries.splice(at, 1));
    else if (change === 'remove') entries.splice(at, 1);
    else if (change === 'copy') entries.splice(other, 0, one);
    else entries[at] = one.kind === 'file' ? folder(one.path) : file(one.path);
    assert.equal(
      verdictOn(entries),
      isManifest(entries) ? 'sound' : 'protocol-error',
      entries.map(({ path }) => path).join(' '),
    );
  },
  2000,
);

test('takes as many top-level entries as the limit, and not one more', () => {
  const order = new ManifestOrder();
  const name = (at: number): string => `n${String(at).padStart(8, '0')}`;
  for (let at = 0; at < limits.roots; at += 1) {
    order.add({ kind: 'file', path: safePath(name(at)), size: 0, mtimeMs: 0, isExecutable: false });
  }
  assert.throws(() => order.add(file(name(limits.roots))), isRemoteError('limit-exceeded'));
});

test('totals count entries, files and bytes', () => {
  const page = [folder('a'), file('a/b', 5), file('a/c', 7)];
  assert.deepEqual(addTotals(addTotals(emptyTotals, page), [file('d', 1)]), {
    entries: 4,
    files: 3,
    bytes: 13,
  });
});

test('case 97, totals beyond the limits are refused', () => {
  const most = { entries: 0, files: 0, bytes: Number.MAX_SAFE_INTEGER - 5 };
  assert.equal(addTotals(most, [file('a', 5)]).bytes, Number.MAX_SAFE_INTEGER);
  assert.throws(() => addTotals(most, [file('a', 6)]), isRemoteError('limit-exceeded'));
  assert.throws(() => addTotals(most, [file('a', 3), file('b', 3)]), isRemoteError('limit-exceeded'));
  const huge = Array.from({ length: 1025 }, () => file('a', limits.fileBytes));
  assert.throws(() => addTotals(emptyTotals, huge), isRemoteError('limit-exceeded'));
  const full = { entries: limits.entries - 1, files: 0, bytes: 0 };
  assert.equal(addTotals(full, [folder('a')]).entries, limits.entries);
  assert.throws(() => addTotals(full, [folder('a'), folder('b')]), isRemoteError('limit-exceeded'));
});

/** The pages that a pager makes of `entries`. */
function pagesOf(entries: readonly Entry[]): Entry[][] {
  const pager = new ManifestPager<{ entry: Entry }>();
  const pages = entries.map((entry) => pager.add({ entry }));
  pages.push(pager.flush());
  assert.equal(pager.flush(), undefined, 'a page was handed out twice');
  return pages.flatMap((page) => (page === undefined ? [] : [page.map(({ entry }) => entry)]));
}

/** Checks that the pages of `entries` hold them all, within the limits. */
function checkPages(entries: readonly Entry[]): Entry[][] {
  const pages = pagesOf(entries);
  assert.deepEqual(pages.flat(), entries);
  for (const page of pages) {
    assert.ok(page.length > 0 && page.length <= limits.pageEntries, `${page.length} entries`);
    const { length } = encodeMessage('page', { entries: page.map(entryToWire) });
    assert.ok(length <= limits.pageBytes, `${length} bytes`);
  }
  return pages;
}

const widePaths = fc
  .record({
    unit: fc.constantFrom('a', 'é', '字', '😀', '👩‍👩‍👧‍👦', '\u0600', '\ue000', "'", '&'),
    name: fc.integer({ min: 1, max: 250 }),
    depth: fc.integer({ min: 1, max: 16 }),
  })
  .map(({ unit, name, depth }) => {
    const one = unit.repeat(Math.max(1, Math.floor(name / Buffer.byteLength(unit))));
    return safePath(Array.from({ length: depth }, () => one).join('/'));
  });
const widest = { size: limits.fileBytes, mtimeMs: -8.64e15, isExecutable: false };

testProperty(
  'pages hold all entries in order, within the limits, whatever their paths',
  fc.array(fc.record({ path: widePaths, isFolder: fc.boolean(), times: fc.integer({ min: 1, max: 400 }) }), {
    maxLength: 10,
  }),
  (groups) => {
    checkPages(
      groups.flatMap(({ path, isFolder, times }) =>
        Array.from({ length: times }, (): Entry =>
          isFolder ? { kind: 'folder', path, mtimeMs: 8.64e15 } : { kind: 'file', path, ...widest },
        ),
      ),
    );
  },
  30,
);

for (const unit of ['a', '字', '😀']) {
  test(`1,000 entries with paths of 4,096 bytes of ${unit}`, () => {
    const name = unit.repeat(Math.floor(240 / Buffer.byteLength(unit)));
    const path = Array.from({ length: 17 }, () => name).join('/');
    const full = safePath(path.slice(0, path.length - Math.max(0, Buffer.byteLength(path) - 4096)));
    const entry: Entry = { kind: 'file', path: full, ...widest };
    assert.ok(checkPages(Array.from({ length: 1000 }, () => entry)).length > 1);
  });
}

test('an offer of short names fills its pages, and an empty one has none', () => {
  const counts = checkPages(Array.from({ length: 5000 }, () => file('a'))).map((page) => page.length);
  assert.deepEqual(counts, [128, 256, 512, 1024, 2048, 1032]);
  assert.deepEqual(pagesOf([]), []);
});
