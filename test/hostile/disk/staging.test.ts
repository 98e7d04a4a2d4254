/** What somebody may have put into the staging folder, and what leaves it: modes, owners, links. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../../src/base/failure.ts';
import type { FileStats, WholeFileSystem } from '../../../src/node/disk/fileSystem.ts';
import { CheckedFolders } from '../../../src/node/disk/checkedFolders.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import type { Destination } from '../../../src/transfer/ports.ts';
import { NOBODY, runTask } from '../../support/children.ts';
import { Delivery } from '../../support/delivery.ts';
import { pictureOf } from '../../support/folderPicture.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { scratchFolder } from '../../support/scratch.ts';

const ID = 'cd'.repeat(16);
const KEPT = { resume: true, keepsInterrupted: true } as const;
const isRoot = process.getuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'NOT RUN: only root can give a folder away' };

interface Place {
  readonly folder: string;
  readonly outside: string;
  /** Of the transfer. */
  readonly staging: string;
}

function places(t: TestContext): Place {
  const base = scratchFolder(t);
  const folder = join(base, 'received');
  const outside = join(base, 'outside');
  for (const made of [folder, join(outside, 'in')]) mkdirSync(made, { recursive: true });
  writeFileSync(join(outside, 'in', 'secret'), 'theirs');
  return { folder, outside, staging: join(folder, STAGING_FOLDER, ID) };
}

function open({ folder }: Place, disk: WholeFileSystem = systemFiles): Destination {
  return ReceiveFolder.open(folder, disk).openTransfer(ID, 'keep-both', KEPT);
}

function isUnwritable(pattern: RegExp): (error: unknown) => boolean {
  return (error) => CourierError.is(error, 'destination-unwritable') && pattern.test(error.message);
}

suite('modes', () => {
  const tree = treeOf({ album: null, 'album/small': 5, 'album/big': 300_000, small: 6, big: 300_001 });

  for (const planted of [0o6755, 0o4644, 0o2755, 0o1644, 0o7777]) {
    test(`case 61: what is received is nobody else's to run, though staging was given mode ${planted.toString(8)}`, async (t) => {
      const place = places(t);
      const first = open(place);
      const before = new Delivery(first, tree);
      await before.fill();
      await first.suspend();
      const files = readdirSync(place.staging, { recursive: true, encoding: 'utf8' })
        .map((name) => join(place.staging, name))
        .filter((location) => lstatSync(location).isFile());
      assert.ok(files.length >= tree.size - 1);
      for (const location of files) chmodSync(location, planted);
      const second = open(place);
      const delivery = new Delivery(second, tree);
      assert.equal(await delivery.fill(), 0, 'all of it is held');
      assert.deepEqual((await delivery.publish()).failures, []);
      await second.abandon();
      for (const path of ['album/small', 'album/big', 'small', 'big']) {
        const mode = statSync(join(place.folder, path)).mode % 0o10000;
        assert.equal(mode, planted % 0o1000 === 0o644 ? 0o644 : planted === 0o7777 ? 0o666 : 0o644, path);
      }
    });
  }

  test('case 61: what a name promises to run is not executable for that, and what is executable runs as nobody else', async (t) => {
    const place = places(t);
    const names = ['a.exe', 'a.desktop', 'a.lnk', 'a.url', 'desktop.ini', 'autorun.inf', 'a.sh'];
    const plain = treeOf(Object.fromEntries(names.map((name) => [name, 3])));
    const script = { kind: 'file', bytes: Buffer.from('#!'), isExecutable: true } as const;
    await new Delivery(open(place), new Map([...plain, ['runnable', script]])).deliver();
    const modes = [...names, 'runnable'].map((name) => statSync(join(place.folder, name)).mode % 0o10000);
    assert.deepEqual(modes, [...names.map(() => 0o644), 0o755]);
  });
});

suite('names that lead out', () => {
  for (const [kind, below] of [
    ['are held', (root: string) => systemFiles.below(root)],
    ['are checked', (root: string) => CheckedFolders.below(root, systemFiles)],
  ] as const) {
    test(`case 64: nothing that is not below the root is removed, where folders ${kind}`, (t) => {
      const { folder, outside } = places(t);
      mkdirSync(join(folder, 'in'));
      const files = below(folder);
      t.after(() => files.letGo());
      const before = pictureOf(join(folder, '..'));
      const bad = [
        outside,
        `${folder}/../outside`,
        `${folder}/in/../../outside`,
        `${folder}/in/..`,
        `${folder}/in/.`,
        `${folder}//in`,
        `${folder}/in/`,
        `${folder}/`,
        `${folder}x`,
        folder,
        join(folder, '..'),
        '/',
        '',
        'in',
      ];
      // With the folder known already, too, where less is looked at.
      for (let round = 0; round < 2; round += 1) {
        for (const location of bad) {
          const isOurBug = (error: unknown): boolean => CourierError.is(error, 'internal');
          assert.throws(() => files.removeTree(location), isOurBug, location);
          if (location === folder) continue;
          assert.throws(() => files.unlink(location), isOurBug, location);
          assert.throws(() => files.rmdir(location), isOurBug, location);
          assert.throws(() => files.open(location, 'append'), isOurBug, location);
        }
        files.lstat(join(folder, 'in', 'nothing'));
        files.lstat(join(folder, 'nothing'));
      }
      assert.deepEqual(pictureOf(join(folder, '..')), before);
    });
  }
});

suite('links in the place of staging', () => {
  const swaps: Readonly<Record<string, (place: Place) => string>> = {
    'the staging folder': ({ folder }) => join(folder, STAGING_FOLDER),
    'the place of the transfer': ({ staging }) => staging,
    'its folder of trees': ({ staging }) => join(staging, 'tree'),
  };

  for (const [which, swappedIn] of Object.entries(swaps)) {
    test(`case 68: a later process discards what was left, with a link for ${which}`, async (t) => {
      const place = places(t);
      const first = open(place);
      await new Delivery(first, treeOf({ in: null, 'in/secret': 5 })).fill();
      await first.suspend();
      const swapped = swappedIn(place);
      renameSync(swapped, join(place.folder, 'moved'));
      symlinkSync(place.outside, swapped);
      // Under the staging folder's link there is something with the transfer's id, too.
      mkdirSync(join(place.outside, ID));
      const before = pictureOf(place.outside);
      const folder = ReceiveFolder.open(place.folder);
      try {
        folder.discardTransfer(ID);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
      assert.deepEqual(pictureOf(place.outside), before);
      // Nor is anything received through it.
      if (which !== 'its folder of trees') assert.throws(() => open(place), CourierError);
      assert.deepEqual(pictureOf(place.outside), before);
    });
  }
});

suite('owners', () => {
  test('case 75: a staging folder of another user is refused', needsRoot, async (t) => {
    const place = places(t);
    const root = join(place.folder, STAGING_FOLDER);
    mkdirSync(root, { mode: 0o700 });
    chownSync(root, NOBODY, NOBODY);
    assert.throws(() => open(place), isUnwritable(/belongs to another user/u));
    assert.deepEqual(readdirSync(place.folder), [STAGING_FOLDER]);
    assert.deepEqual(readdirSync(root), []);
    // The other way round: nobody is given what root has left.
    chownSync(root, 0, 0);
    chmodSync(join(place.folder, '..'), 0o755);
    chmodSync(place.folder, 0o777);
    chmodSync(root, 0o755);
    assert.equal(
      await runTask('openTransfer', [place.folder, ID], { uid: NOBODY }),
      'destination-unwritable',
    );
  });

  for (const mode of [0o777, 0o770, 0o720, 0o702]) {
    test(`case 75: a staging folder of mode ${mode.toString(8)} is refused`, (t) => {
      const place = places(t);
      const root = join(place.folder, STAGING_FOLDER);
      mkdirSync(root);
      chmodSync(root, mode);
      assert.throws(() => open(place), isUnwritable(/may be written to by other users/u));
      assert.deepEqual(readdirSync(place.folder), [STAGING_FOLDER]);
      chmodSync(root, 0o755);
      assert.ok(open(place));
    });
  }

  test('case 75: the place of a transfer that others may write to is not resumed', async (t) => {
    const place = places(t);
    await open(place).suspend();
    chmodSync(place.staging, 0o777);
    assert.throws(() => open(place), isUnwritable(/may be written to by other users/u));
    assert.ok(existsSync(place.staging), 'and nothing is removed');
    chmodSync(place.staging, 0o700);
    await open(place).abandon();
    if (isRoot) {
      await open(place).suspend();
      chownSync(place.staging, NOBODY, NOBODY);
      assert.throws(() => open(place), isUnwritable(/belongs to another user/u));
    }
  });

  /** A disk that says the same of everything: who it belongs to, and who may write there. */
  function forgetful(said: { readonly uid: number; readonly mode: number }): WholeFileSystem {
    return {
      ...systemFiles,
      below(root, identity) {
        const files = systemFiles.below(root, identity);
        const look = files.lstat.bind(files);
        files.lstat = (location) => {
          const stats = look(location);
          if (stats === undefined) return undefined;
          const mode = Math.floor(stats.mode / 0o1000) * 0o1000 + said.mode;
          return Object.assign(Object.create(stats) as FileStats, { uid: said.uid, mode });
        };
        return files;
      },
    };
  }

  for (const said of [
    { uid: process.getuid?.() ?? 0, mode: 0o777 },
    { uid: 12_345, mode: 0o755 },
    { uid: 12_345, mode: 0o777 },
  ]) {
    test(`a disk that keeps neither owners nor modes (${JSON.stringify(said)}) is received on and resumed`, async (t) => {
      const place = places(t);
      const disk = forgetful(said);
      const first = open(place, disk);
      const tree = treeOf({ in: null, 'in/a': 5 });
      await new Delivery(first, tree).fill();
      await first.suspend();
      const second = open(place, disk);
      const delivery = new Delivery(second, tree);
      await delivery.fill();
      await delivery.publish();
      await second.abandon();
      assert.deepEqual(Object.keys(pictureOf(place.folder)), ['in', 'in/a']);
    });
  }
});
