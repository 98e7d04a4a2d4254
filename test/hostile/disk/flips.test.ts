/** A folder on the way is swapped for a link: what is read and written below a root still leads nowhere else. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../../src/base/failure.ts';
import { CheckedFolders } from '../../../src/node/disk/checkedFolders.ts';
import { errnoOf } from '../../../src/node/disk/errno.ts';
import { FileSource } from '../../../src/node/disk/fileSource.ts';
import type { FileSystem } from '../../../src/node/disk/fileSystem.ts';
import { HeldFolders } from '../../../src/node/disk/heldFolders.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { readNow } from '../../../src/node/disk/wholeFile.ts';
import type { SourceItem } from '../../../src/transfer/ports.ts';
import { Delivery } from '../../support/delivery.ts';
import { pictureOf } from '../../support/folderPicture.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { Flipping, withLinkAt } from './flipping.ts';

/** How often each of two things has to be seen before a race counts as run. */
const ENOUGH = 200;
const TIMEOUT = { timeout: 120_000 };
const MINE = 'mine!!';
const THEIRS = 'theirs';

interface Place {
  /** What should be gone below of; `a` in it is the folder that is swapped, with `in` in that. */
  readonly root: string;
  /** What nobody should get to: the same names, and one more. */
  readonly outside: string;
}

function places(t: TestContext): Place {
  const base = scratchFolder(t);
  const place = { root: join(base, 'root'), outside: join(base, 'outside') };
  for (const folder of [join(place.root, 'a', 'in'), join(place.outside, 'in')]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const name of ['one', 'two']) {
    writeFileSync(join(place.root, 'a', 'in', name), MINE);
    writeFileSync(join(place.outside, 'in', name), THEIRS);
  }
  writeFileSync(join(place.outside, 'in', 'only outside'), THEIRS);
  return place;
}

/** All that somebody might have changed there: names, contents, and when each was changed. */
function traceOf(folder: string): unknown {
  const picture = pictureOf(folder);
  const times = Object.keys(picture).map((path) => lstatSync(join(folder, path)).mtimeMs);
  return { picture, times };
}

test(
  'case 43: a folder of the source is swapped for a link over and over, and nothing outside is listed or read',
  TIMEOUT,
  async (t) => {
    const { root, outside } = places(t);
    await Flipping.during(join(root, 'a'), outside, async (flipping) => {
      let [read, missed] = [0, 0];
      while (read < ENOUGH || missed < ENOUGH) {
        const source = new FileSource(
          [{ location: root, name: 'root' }],
          undefined,
          undefined,
          undefined,
          () => Promise.resolve(),
        );
        let seen = 0;
        for await (const item of source.list()) {
          const path = item.type === 'entry' ? item.entry.path : item.path;
          assert.ok(!path.includes('only outside'), path);
          if (item.type !== 'entry' || item.entry.kind !== 'file') continue;
          const { entry, version } = item;
          assert.ok(version !== undefined);
          try {
            const bytes = await source.read(entry, version, 0, entry.size);
            assert.equal(Buffer.from(bytes).toString(), MINE, path);
            if (path === 'root/a/in/one') seen += 1;
          } catch (error) {
            assert.ok(
              CourierError.is(error, 'source-vanished') || CourierError.is(error, 'source-changed'),
              String(error),
            );
          }
        }
        await source.close();
        if (seen > 0) read += 1;
        else missed += 1;
      }
      t.diagnostic(`read ${read} times, missed ${missed} times, swapped ${flipping.count} times`);
    });
  },
);

test('case 43: a folder that something was picked in is another one when it is opened again', async (t) => {
  const base = scratchFolder(t);
  const roots = Array.from({ length: 6 }, (_, at) => ({
    location: join(base, `folder ${at}`, 'file'),
    name: `file ${at}`,
  }));
  for (const { location } of roots) {
    mkdirSync(join(location, '..'));
    writeFileSync(location, MINE);
  }
  const source = new FileSource(roots);
  const found: SourceItem[] = [];
  for await (const item of source.list()) found.push(item);
  const readAll = async (): Promise<string[]> => {
    const outcomes: string[] = [];
    for (const item of found) {
      assert.ok(item.type === 'entry' && item.entry.kind === 'file' && item.version !== undefined);
      const reading = source.read(item.entry, item.version, 0, item.entry.size);
      outcomes.push(
        await reading.then(
          (bytes) => Buffer.from(bytes).toString(),
          (error: unknown) => (CourierError.is(error) ? error.code : String(error)),
        ),
      );
    }
    return outcomes;
  };
  assert.deepEqual(
    await readAll(),
    roots.map(() => MINE),
  );
  await source.close();
  // The files themselves are the same, so that only the folder can tell.
  const [first, second] = [join(base, 'folder 0'), join(base, 'folder 1')];
  renameSync(first, `${first} away`);
  mkdirSync(first);
  renameSync(join(`${first} away`, 'file'), join(first, 'file'));
  renameSync(second, `${second} away`);
  symlinkSync(`${second} away`, second);
  const after = await readAll();
  assert.deepEqual(after.slice(0, 3), ['source-changed', 'source-vanished', MINE]);
  await source.close();
});

/** Each call that goes through the folder, to something in it. */
const CALLS = {
  lstat: (files, at) => files.lstat(at('one'))?.size,
  mkdir: (files, at) => files.mkdir(at('made')),
  rmdir: (files, at) => files.rmdir(at('made')),
  readdir: (files, at) => [...files.readdir(at())].toSorted().join(),
  link: (files, at) => files.link(at('one'), at('linked')),
  rename: (files, at) => files.rename(at('linked'), at('renamed')),
  unlink: (files, at) => files.unlink(at('renamed')),
  setTime: (files, at) => files.setTime(at('one'), 5000),
  open(files, at) {
    const made = files.open(at('new'), 'create');
    made.writeNow(Buffer.from('new'), 0);
    made.closeNow();
    files.open(at('new'), 'append').closeNow();
    files.open(at('two'), 'update').closeNow();
    const opened = files.open(at('two'), 'read');
    const bytes = readNow(opened, Buffer.alloc(MINE.length));
    opened.closeNow();
    return bytes?.toString();
  },
  removeTree: (files, at) => files.removeTree(at('new')),
  freeBytes: (files, at) => files.freeBytes(at()),
  syncAll: (files, at) => files.syncAll(at()),
} satisfies Record<
  keyof FileSystem,
  (files: FileSystem, at: (...names: readonly string[]) => string) => unknown
>;

function atIn(root: string): (...names: readonly string[]) => string {
  return (...names) => join(root, 'a', 'in', ...names);
}

test('case 63: the folder is swapped exactly between our look and our call, for each call', async (t) => {
  const { root, outside } = places(t);
  const before = traceOf(outside);
  /** The system's files, each call of which comes just after the swap. */
  const late = new Proxy(systemFiles, {
    get(target, key: keyof FileSystem) {
      const call = target[key].bind(target) as (...values: readonly unknown[]) => unknown;
      return (...values: readonly unknown[]) => withLinkAt(join(root, 'a'), outside, () => call(...values));
    },
  });
  const files = HeldFolders.below(root, late);
  t.after(() => files.letGo());
  const told: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(CALLS)) {
    told[name] = await call(files, atIn(root));
  }
  const { lstat, readdir, open } = told;
  assert.deepEqual({ lstat, readdir, open }, { lstat: MINE.length, readdir: 'one,two', open: MINE });
  assert.deepEqual(traceOf(outside), before);
  assert.equal(Math.floor(lstatSync(join(root, 'a', 'in', 'one')).mtimeMs), 5000);
});

test('case 63: a folder that is held is what its name leads to, whatever stands there now', (t) => {
  const { root, outside } = places(t);
  const before = traceOf(outside);
  const files = systemFiles.below(root);
  t.after(() => files.letGo());
  const at = atIn(root);
  const content = (): unknown => CALLS.open(files, at);
  assert.equal(content(), MINE);
  files.unlink(at('new'));
  assert.equal(withLinkAt(join(root, 'a'), outside, content), MINE);
  assert.deepEqual(traceOf(outside), before);
});

for (const [kind, below] of [
  ['are held', (root: string) => systemFiles.below(root)],
  // Where folders cannot be held, a look long enough before the call must do.
  ['are checked', (root: string) => CheckedFolders.below(root, systemFiles)],
] as const) {
  test(`case 63: a link that stood there before is not gone through, where folders ${kind}`, async (t) => {
    const { root, outside } = places(t);
    const before = traceOf(outside);
    for (const [name, call] of Object.entries(CALLS)) {
      const files = below(root);
      const outcome = await withLinkAt(join(root, 'a'), outside, async () => {
        try {
          return await call(files, atIn(root));
        } catch (error) {
          return errnoOf(error);
        }
      });
      files.letGo();
      assert.equal(outcome, 'ENOTDIR', name);
    }
    assert.deepEqual(traceOf(outside), before);
  });
}

for (const [kind, way] of [
  ['are held', HeldFolders],
  ['are checked', CheckedFolders],
] as const) {
  test(`case 63: a root that is another folder by now is not taken for it, where folders ${kind}`, (t) => {
    const { root, outside } = places(t);
    const isOther = (error: unknown): boolean => errnoOf(error) === 'ESTALE';
    const files = way.below(root, systemFiles);
    assert.ok(files.isInPlace());
    assert.throws(() => way.below(root, systemFiles, lstatSync(outside)), isOther);
    files.letGo();
    renameSync(root, `${root} away`);
    assert.ok(!files.isInPlace());
    renameSync(outside, root);
    assert.ok(!files.isInPlace());
    assert.throws(() => files.readdir(root), isOther);
    assert.throws(() => files.mkdir(join(root, 'made')), isOther);
    renameSync(root, outside);
    renameSync(`${root} away`, root);
    assert.ok(files.isInPlace());
    assert.deepEqual(files.readdir(root), ['a']);
    files.letGo();
  });
}

test(
  'case 63: a folder is swapped for a link over and over, and no call leaves the root',
  TIMEOUT,
  async (t) => {
    const { root, outside } = places(t);
    const before = traceOf(outside);
    const files = systemFiles.below(root);
    t.after(() => files.letGo());
    const at = atIn(root);
    const content = (name: string): string => {
      const file = files.open(at(name), 'read');
      try {
        return readNow(file, Buffer.alloc(MINE.length))?.toString() ?? '';
      } finally {
        file.closeNow();
      }
    };
    const steps: readonly (() => void)[] = [
      () => files.mkdir(at('d')),
      () => files.open(at('d', 'f'), 'create').closeNow(),
      () => files.link(at('one'), at('d', 'g')),
      () => files.rename(at('d', 'g'), at('d', 'h')),
      () => files.setTime(at('d', 'h'), 5000),
      () => files.unlink(at('d', 'h')),
      () => assert.equal(content('two'), MINE),
      () => assert.ok(!files.readdir(at()).includes('only outside')),
      () => files.removeTree(at('d')),
      // Of what is there outside too, and put back.
      () => files.removeTree(at('two')),
      () => {
        const file = files.open(at('two'), 'create');
        file.writeNow(Buffer.from(MINE), 0);
        file.closeNow();
      },
    ];
    await Flipping.during(join(root, 'a'), outside, async (flipping) => {
      let [done, refused] = [0, 0];
      for (let step = 0; done < 3 * ENOUGH || refused < 3 * ENOUGH; step += 1) {
        try {
          steps[step % steps.length]?.();
          done += 1;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          refused += 1;
        }
        // So that it goes all the way down each time.
        files.letGo();
      }
      t.diagnostic(`done ${done}, refused ${refused}, swapped ${flipping.count} times`);
    });
    assert.deepEqual(traceOf(outside), before);
  },
);

test('case 63: transfers into a folder that is swapped for a link over and over', TIMEOUT, async (t) => {
  const { root, outside } = places(t);
  const before = traceOf(outside);
  await Flipping.during(join(root, 'a'), outside, async (flipping) => {
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`a/in/file ${at}`, 5]));
    const tree = treeOf({
      a: null,
      'a/in': null,
      ...files,
      'a/in/big': 300_000,
      'a/new': null,
      'a/new/x': 1,
    });
    let [published, failed] = [0, 0];
    for (let run = 0; run < 12; run += 1) {
      const destination = ReceiveFolder.open(root).openTransfer('ab'.repeat(16), 'replace');
      const delivery = new Delivery(destination, tree, 1000 + run);
      try {
        await delivery.plan();
        await delivery.writeAll();
        const { failures } = await delivery.publish();
        failed += failures.length;
        published += delivery.files.length - failures.length;
      } catch (error) {
        // The folder was gone just when its names were to be made durable.
        assert.ok(CourierError.is(error, 'destination-unwritable'), String(error));
        await destination.abandon();
      }
      assert.deepEqual(traceOf(outside), before);
    }
    assert.ok(published > 0 && flipping.count > 0);
    t.diagnostic(`published ${published}, failed ${failed}, swapped ${flipping.count} times`);
  });
  assert.equal(readFileSync(join(root, 'a', 'in', 'one'), 'utf8'), MINE);
});
