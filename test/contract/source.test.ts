import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import { chunkBytesFor, isPacked } from '../../src/protocol/chunkLayout.ts';
import { ManifestOrder } from '../../src/protocol/manifest.ts';
import type { FileEntry } from '../../src/protocol/manifest.ts';
import type { FileVersion, Source, SourceItem } from '../../src/transfer/ports.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { MemorySource } from '../support/memorySource.ts';
import { randomTree, safePath, sortedPaths, treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';
import { scratchFolder } from '../support/scratch.ts';

const implementations: Readonly<Record<string, (t: TestContext, tree: MemoryTree) => Source>> = {
  memory: (_t, tree) => new MemorySource(tree),
  files(t, tree) {
    const folder = scratchFolder(t);
    lay(folder, tree);
    const roots = [...tree.keys()].filter((path) => !path.includes('/'));
    // However they were given.
    return new FileSource(roots.toReversed().map((name) => ({ name, location: join(folder, name) })));
  },
};

function lay(folder: string, tree: MemoryTree): void {
  for (const [path, node] of tree) {
    if (node.kind === 'folder') mkdirSync(join(folder, path), { recursive: true });
    else if (node.kind === 'file') {
      writeFileSync(join(folder, path), node.bytes, { mode: node.isExecutable === true ? 0o755 : 0o644 });
    }
  }
}

async function listAll(source: Source): Promise<SourceItem[]> {
  const items: SourceItem[] = [];
  for await (const item of source.list()) items.push(item);
  return items;
}

const scripts = treeOf({
  'ß.txt': 5,
  İstanbul: null,
  'İstanbul/ığdır': 3,
  'Straße 10': null,
  'Ωmega.log': 9,
  'ひらがな.txt': 400_000,
  'カタカナ.txt': 2,
  한국어: null,
  '한국어/문서': null,
  '한국어/문서/보고서.pdf': 262_144,
  العربية: 4,
  עברית: 4,
  ไทย: 4,
  हिन्दी: 4,
  '👩‍👩‍👧‍👦.png': 262_143,
  '🇩🇪': 0,
  'a-b': 1,
  'a b': 1,
  a: null,
  'a/b': 1,
  'a.b': 1,
  A1: 1,
  Z: 1,
  z2: 1,
  _: 1,
  '-rf': 1,
  '$(reboot)': 1,
  "it's": 1,
  ['x'.repeat(200)]: 1,
});

for (const [name, open] of Object.entries(implementations)) {
  test(`${name}: all is listed, in the order of a manifest, in any script`, async (t) => {
    const trees = [scripts, ...Array.from({ length: 10 }, (_, seed) => randomTree(new MemoryRandom(seed)))];
    for (const tree of trees) {
      const order = new ManifestOrder();
      const paths: string[] = [];
      const source = open(t, tree);
      for await (const item of source.list()) {
        if (item.type === 'left-out') throw new Error(`${item.path} is left out: ${item.reason}`);
        order.add(item.entry);
        paths.push(item.entry.path);
        const node = tree.get(item.entry.path);
        assert.equal(item.entry.kind, node?.kind);
        if (node?.kind !== 'file' || item.entry.kind !== 'file') continue;
        assert.equal(item.entry.size, node.bytes.length);
        assert.equal(item.entry.isExecutable, node.isExecutable ?? false);
        assert.equal(item.version?.size, node.bytes.length);
        assert.equal(Math.floor(item.version?.mtimeMs ?? NaN), item.entry.mtimeMs);
      }
      await source.close();
      assert.deepEqual(paths, sortedPaths(tree));
    }
  });

  test(`${name}: every range is read as it is, several at once and in any order`, async (t) => {
    for (const tree of [
      scripts,
      randomTree(new MemoryRandom(44)),
      treeOf({ big: 9_000_000, 'big 2': 300_001 }),
    ]) {
      const source = open(t, tree);
      for (const { entry, version } of filesIn(await listAll(source))) {
        const node = tree.get(entry.path);
        const bytes = node?.kind === 'file' ? node.bytes : new Uint8Array(0);
        const step = isPacked(entry.size) ? Math.max(1, entry.size) : chunkBytesFor(entry.size);
        const offsets = Array.from(
          { length: Math.max(1, Math.ceil(entry.size / step)) },
          (_, at) => at * step,
        );
        await Promise.all(
          offsets.toReversed().map(async (offset) => {
            const length = Math.min(step, entry.size - offset);
            const read = await source.read(entry, version, offset, length);
            assert.ok(
              Buffer.from(bytes)
                .subarray(offset, offset + length)
                .equals(read),
              `${entry.path} at ${offset}`,
            );
          }),
        );
        await source.release(entry);
      }
      await source.close();
    }
  });

  test(`${name}: small files are read together, and one that is gone leaves the others whole`, async (t) => {
    const sizes = Array.from({ length: 150 }, (_, at) => [`file ${at}`, (at * 37) % 1000] as const);
    const tree = treeOf({ folder: null, ...Object.fromEntries(sizes) });
    const source = open(t, tree);
    const files = filesIn(await listAll(source));
    const asked = files.map((file, at) =>
      at === 70 ? { ...file, entry: { ...file.entry, path: safePath('folder/file') } } : file,
    );
    const { bytes, failures } = await source.readSmall(asked);
    await source.close();
    assert.deepEqual(
      failures.map((failure, at) => (failure === undefined ? '' : `${at} ${failure}`)).filter(Boolean),
      ['70 source-vanished'],
    );
    const expected = files.toSpliced(70, 1).map(({ entry }) => {
      const node = tree.get(entry.path);
      return node?.kind === 'file' ? node.bytes : new Uint8Array(0);
    });
    assert.ok(Buffer.concat(expected).equals(bytes));
  });

  test(`${name}: a file that is released while it is read is read to its end`, async (t) => {
    const tree = treeOf({ big: 9_000_000 });
    const source = open(t, tree);
    const [file] = filesIn(await listAll(source));
    assert.ok(file);
    const { entry, version } = file;
    const reads = Array.from({ length: 30 }, (_, at) => source.read(entry, version, at * 300_000, 300_000));
    const [read] = await Promise.all([Promise.all(reads), source.release(entry), source.release(entry)]);
    const node = tree.get('big');
    assert.ok(node?.kind === 'file' && Buffer.concat(read).equals(node.bytes));
    await source.close();
  });

  test(`${name}: a file can be read again after its release`, async (t) => {
    const source = open(t, treeOf({ big: 300_000, small: 10 }));
    for (const { entry, version } of filesIn(await listAll(source))) {
      const first = await source.read(entry, version, 0, entry.size);
      await source.release(entry);
      assert.deepEqual(await source.read(entry, version, 0, entry.size), first);
      await source.release(entry);
    }
    await source.close();
  });
}

function filesIn(items: readonly SourceItem[]): { entry: FileEntry; version: FileVersion }[] {
  return items.flatMap((item) =>
    item.type === 'entry' && item.entry.kind === 'file' && item.version !== undefined
      ? [{ entry: item.entry, version: item.version }]
      : [],
  );
}

test('more big files than stay open are read in turns', async (t) => {
  const tree = treeOf(Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`big ${at}`, 300_000 + at])));
  const folder = scratchFolder(t);
  lay(folder, tree);
  const source = new FileSource([...tree.keys()].map((name) => ({ name, location: join(folder, name) })));
  const files = filesIn(await listAll(source));
  const readFrom = async ({ entry, version }: (typeof files)[number], offset: number): Promise<void> => {
    const node = tree.get(entry.path);
    const read = await source.read(entry, version, offset, 30_000);
    assert.ok(
      node?.kind === 'file' &&
        Buffer.from(node.bytes)
          .subarray(offset, offset + 30_000)
          .equals(read),
    );
  };
  for (const file of files) await readFrom(file, 0);
  for (const file of files) await readFrom(file, 262_144);
  // All at once: none is closed while it is read.
  await Promise.all(files.map((file) => readFrom(file, 262_144)));
  if (process.platform === 'linux') {
    // Every read may close what is too much, but not at once.
    for (const file of files) await readFrom(file, 0);
    assert.ok(openBelow(folder) < 12, `${openBelow(folder)} files are open`);
  }
  await source.close();
  if (process.platform === 'linux') assert.equal(openBelow(folder), 0);
});

function openBelow(folder: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(join('/proc/self/fd', descriptor)).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}
