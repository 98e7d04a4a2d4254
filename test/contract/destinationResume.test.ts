/**
 * A session that is interrupted, and the next one that goes on with what it left: killed anywhere, the receipt
 * lost, the offer changed, staging or the receive folder touched in between. Long, because each of these is a
 * table of cases over the same few helpers.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { pruneTrees } from '../../src/node/disk/pruning.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { limits } from '../../src/protocol/limits.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import type { Destination } from '../../src/transfer/ports.ts';
import { Delivery, DELIVERED_MS } from '../support/delivery.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import { randomTree, treeBytes, treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';
import { scratchFolder } from '../support/scratch.ts';

const ID = '00112233445566778899aabbccddeeff';
const POLICIES = ['skip', 'keep-both', 'replace'] as const;
const CHUNK = 262_144;

const mixed = treeOf({
  'big.bin': 700_001,
  'nothing.txt': 0,
  'small.txt': 100,
  album: null,
  'album/2024': null,
  'album/2024/a.jpg': 600_000,
  'album/2024/b.jpg': 12,
  'album/zero': 0,
  other: null,
  'other/c': 5,
});

function openIn(folder: string, onConflict: ConflictPolicy, resume: boolean): Destination {
  return ReceiveFolder.open(folder).openTransfer(ID, onConflict, { resume, keepsInterrupted: true });
}

/** What a process leaves that is killed now: a copy of the folder, where nobody is at work. */
function killed(t: TestContext, folder: string): string {
  const copy = join(scratchFolder(t), 'received');
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** What the umask of this process leaves. */
function modeOfNewFolder(folder: string): number {
  const probe = join(folder, '..', 'probe');
  mkdirSync(probe);
  return statSync(probe).mode % 0o1000;
}

function stagingOf(folder: string, ...names: readonly string[]): string {
  return join(folder, STAGING_FOLDER, ID, ...names);
}

function partOf(folder: string, path: string): string {
  return stagingOf(folder, 'parts', createHash('sha256').update(path).digest('hex'));
}

function pictureOfTree(tree: MemoryTree): Record<string, string> {
  const picture: Record<string, string> = {};
  for (const [path, node] of tree) {
    picture[path] = node.kind === 'file' ? Buffer.from(node.bytes).toString('latin1') : '<folder>';
  }
  return picture;
}

/** Exactly these files, with the right times; `changed` are the differences to the tree. */
function checkFolder(folder: string, tree: MemoryTree, changed: Readonly<Record<string, string>> = {}): void {
  const picture = pictureOf(folder, STAGING_FOLDER);
  const expected = { ...pictureOfTree(tree), ...changed };
  assert.deepEqual(Object.keys(picture).toSorted(), Object.keys(expected).toSorted());
  for (const [path, content] of Object.entries(expected)) {
    assert.ok(picture[path] === content, `${path} has another content`);
    if (path in changed) continue;
    assert.equal(Math.floor(statSync(join(folder, path)).mtimeMs), DELIVERED_MS, `the time of ${path}`);
  }
}

/** Goes on with what is there until all is done; returns how many bytes had to be sent. */
async function finish(folder: string, policy: ConflictPolicy, tree: MemoryTree): Promise<number> {
  const destination = openIn(folder, policy, true);
  const delivery = new Delivery(destination, tree);
  const sent = await delivery.fill();
  assert.deepEqual((await delivery.publish()).failures, []);
  await destination.abandon();
  assert.equal(existsSync(stagingOf(folder)), false);
  return sent;
}

/** A session that published everything, and whose receipt never arrived. */
async function published(t: TestContext, policy: ConflictPolicy, tree: MemoryTree): Promise<string> {
  const folder = join(scratchFolder(t), 'received');
  const destination = openIn(folder, policy, false);
  await new Delivery(destination, tree).deliver();
  await destination.suspend();
  return folder;
}

suite('a session that is killed anywhere: the next one sends what is missing, and publishes once', () => {
  for (const [index, policy] of POLICIES.entries()) {
    test(policy, async (t) => {
      // Into an empty folder they do the same: another tree for each.
      for (const seed of seeds(POLICIES.length)
        .slice(-1 - index)
        .slice(0, 1)) {
        const random = new MemoryRandom(seed);
        const tree = randomTree(random);
        const folder = join(scratchFolder(t), 'received');
        const destination = openIn(folder, policy, false);
        const delivery = new Delivery(destination, tree);
        await delivery.plan();
        let missing = treeBytes(tree);
        // Each look costs a copy of the folder and a whole transfer; the fixed ones and a few more will do.
        const isLookedAt = (): boolean => random.below(delivery.files.length) < 2;
        const check = async (name: string): Promise<void> => {
          const copy = killed(t, folder);
          assert.equal(await finish(copy, policy, tree), missing, `SEED=${seed}, ${name}`);
          checkFolder(copy, tree);
          rmSync(copy, { recursive: true });
        };
        await check('nothing was written');
        for (const file of delivery.files) {
          if (random.below(3) === 0) {
            // The first chunk of a big file, all of a small one.
            missing -= await delivery.writeMissing(file, { chunks: 1 });
            if (isLookedAt()) await check(`${file.entry.path} was begun`);
            const { size } = file.entry;
            if (size >= CHUNK) {
              const chunkBytes = Math.min(size, CHUNK);
              for (let at = chunkBytes; at < size; at += CHUNK) {
                const node = tree.get(file.entry.path);
                const bytes = node?.kind === 'file' ? node.bytes.subarray(at, at + CHUNK) : new Uint8Array(0);
                await destination.write(file, at, bytes);
              }
              missing -= size - chunkBytes;
            }
          } else {
            await delivery.write(file);
            missing -= file.entry.size;
          }
          if (isLookedAt()) await check(`${file.entry.path} was written`);
          await delivery.complete(file);
          if (isLookedAt()) await check(`${file.entry.path} was complete`);
        }
        await check('all was complete');
        await delivery.publish();
        await check('all was published');
        await destination.abandon();
        checkFolder(folder, tree);
      }
    });

    test(`${policy}, in the middle of publishing`, async (t) => {
      const done = await published(t, policy, mixed);
      checkFolder(done, mixed);
      for (const [name, unpublish] of Object.entries(unpublished)) {
        const folder = killed(t, done);
        unpublish(folder);
        assert.equal(await finish(folder, policy, mixed), 0, name);
        checkFolder(folder, mixed);
      }
    });
  }

  /** What was announced, and then not done any more. */
  const unpublished: Readonly<Record<string, (folder: string) => void>> = {
    'a file': (folder) => renameSync(join(folder, 'small.txt'), partOf(folder, 'small.txt')),
    'a big file': (folder) => renameSync(join(folder, 'big.bin'), partOf(folder, 'big.bin')),
    'files that have both names': (folder) => {
      for (const name of ['big.bin', 'small.txt']) linkSync(join(folder, name), partOf(folder, name));
    },
    'a tree': (folder) => renameSync(join(folder, 'other'), stagingOf(folder, 'tree', 'other')),
    'a tree whose name was reserved': (folder) => {
      renameSync(join(folder, 'album'), stagingOf(folder, 'tree', 'album'));
      mkdirSync(join(folder, 'album'));
    },
    'a line of the journal': (folder) => {
      renameSync(join(folder, 'other'), stagingOf(folder, 'tree', 'other'));
      const journal = stagingOf(folder, 'published');
      truncateSync(journal, statSync(journal).size - 5);
    },
    everything: (folder) => {
      for (const name of ['album', 'other']) renameSync(join(folder, name), stagingOf(folder, 'tree', name));
      for (const name of ['big.bin', 'nothing.txt', 'small.txt']) {
        renameSync(join(folder, name), partOf(folder, name));
      }
    },
  };

  test('replace, after the old file was kept and before the new one had its name', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    mkdirSync(folder);
    writeFileSync(join(folder, 'small.txt'), 'old');
    const destination = openIn(folder, 'replace', false);
    await new Delivery(destination, mixed).fill();
    await destination.suspend();
    const kept = join(folder, STAGING_FOLDER, 'replaced', ID);
    mkdirSync(kept, { recursive: true });
    linkSync(join(folder, 'small.txt'), join(kept, 'small.txt'));
    assert.equal(await finish(folder, 'replace', mixed), 0);
    checkFolder(folder, mixed);
    assert.deepEqual(pictureOf(kept), { 'small.txt': 'old' });
  });

  test('a merge into a folder that is there', async (t) => {
    const tree = treeOf({
      album: null,
      'album/a': 300_000,
      'album/b': 10,
      'album/sub': null,
      'album/sub/c': 20,
    });
    for (const policy of ['skip', 'replace'] as const) {
      const folder = join(scratchFolder(t), 'received');
      mkdirSync(join(folder, 'album'), { recursive: true });
      writeFileSync(join(folder, 'album', 'mine'), 'mine');
      const destination = openIn(folder, policy, false);
      await new Delivery(destination, tree).deliver();
      await destination.suspend();
      rmSync(join(folder, 'album', 'b'));
      assert.equal(await finish(folder, policy, tree), 10, policy);
      const picture = pictureOf(folder, STAGING_FOLDER);
      assert.deepEqual(Object.keys(picture).toSorted(), [...tree.keys(), 'album/mine'].toSorted());
      // Nothing of our own was taken for something old that is replaced.
      assert.equal(existsSync(join(folder, STAGING_FOLDER)), false);
    }
  });
});

test('folders that an earlier session made in one that was there get their times, and the others keep theirs', async (t) => {
  const tree = treeOf({
    album: null,
    'album/made': null,
    'album/made/a': 10,
    'album/made/empty': null,
    'album/there': null,
    'album/there/b': 20,
  });
  for (const policy of ['skip', 'replace'] as const) {
    const folder = join(scratchFolder(t), 'received');
    mkdirSync(join(folder, 'album', 'there'), { recursive: true });
    const destination = openIn(folder, policy, false);
    await new Delivery(destination, tree).deliver();
    await destination.suspend();
    // What comes again changes the time of the folder that it lies in.
    for (const path of ['made/a', 'there/b']) rmSync(join(folder, 'album', path));
    // As if it had ended before it came to the times.
    utimesSync(join(folder, 'album', 'made', 'empty'), 1, 1);
    assert.equal(await finish(folder, policy, tree), 30, policy);
    const timeOf = (path: string): number => Math.floor(statSync(join(folder, path)).mtimeMs);
    for (const path of ['album/made', 'album/made/a', 'album/made/empty', 'album/there/b']) {
      assert.equal(timeOf(path), DELIVERED_MS, `${policy}: ${path}`);
    }
    for (const path of ['album', 'album/there']) assert.notEqual(timeOf(path), DELIVERED_MS, path);
  }
});

suite('the receipt was lost', () => {
  for (const policy of POLICIES) {
    test(`${policy}: everything stands, nothing is sent, and the names are told again`, async (t) => {
      const folder = await published(t, policy, mixed);
      const destination = openIn(folder, policy, true);
      const delivery = new Delivery(destination, mixed);
      const decisions = await delivery.plan();
      assert.deepEqual(new Set(Object.values(decisions)), new Set(['take']));
      assert.equal(await delivery.fill(), 0);
      const { names, failures } = await delivery.publish();
      assert.deepEqual(failures, []);
      assert.deepEqual(names.toSorted(), ['album', 'big.bin', 'nothing.txt', 'other', 'small.txt']);
      await destination.abandon();
      checkFolder(folder, mixed);
    });
  }

  test('under other names, because theirs were taken', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    mkdirSync(join(folder, 'album'), { recursive: true });
    writeFileSync(join(folder, 'small.txt'), 'mine');
    const first = openIn(folder, 'keep-both', false);
    await new Delivery(first, mixed).deliver();
    await first.suspend();
    const before = pictureOf(folder, STAGING_FOLDER);
    assert.ok('album (2)/2024/a.jpg' in before && 'small (2).txt' in before);
    assert.equal(await finish(folder, 'keep-both', mixed), 0);
    assert.deepEqual(pictureOf(folder, STAGING_FOLDER), before);
  });

  test('under a name that was not the first choice, because a file of the same transfer took that', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.txt'), 'mine');
    const tree = treeOf({ 'a (2).txt': 5, 'a.txt': 7 });
    const first = openIn(folder, 'keep-both', false);
    await new Delivery(first, tree).deliver();
    await first.suspend();
    const before = pictureOf(folder, STAGING_FOLDER);
    assert.deepEqual(Object.keys(before).toSorted(), ['a (2).txt', 'a (3).txt', 'a.txt']);
    assert.equal(await finish(folder, 'keep-both', tree), 0);
    assert.deepEqual(pictureOf(folder, STAGING_FOLDER), before);
  });

  test('a file was changed meanwhile: it stays, and the offer is treated as any other', async (t) => {
    const bytes = (path: string): string => pictureOfTree(mixed)[path] ?? '';
    for (const path of ['small.txt', 'big.bin', 'album/2024/b.jpg', 'album/2024/a.jpg']) {
      const copy = path.replace(/(\.\w+)$/u, ' (2)$1');
      const folder = await published(t, 'keep-both', mixed);
      writeFileSync(join(folder, path), 'edited');
      assert.equal(await finish(folder, 'keep-both', mixed), bytes(path).length, path);
      checkFolder(folder, mixed, { [path]: 'edited', [copy]: bytes(path) });

      const replacing = await published(t, 'replace', mixed);
      writeFileSync(join(replacing, path), 'edited');
      await finish(replacing, 'replace', mixed);
      checkFolder(replacing, mixed);
      const backup = join(replacing, STAGING_FOLDER, 'replaced', ID, path);
      assert.equal(readFileSync(backup, 'utf8'), 'edited');

      const skipping = await published(t, 'skip', mixed);
      writeFileSync(join(skipping, path), 'edited');
      assert.equal(await finish(skipping, 'skip', mixed), 0);
      checkFolder(skipping, mixed, { [path]: 'edited' });
    }
  });

  test('killed between taking a name and letting go of the old one, and then the file is edited', async (t) => {
    for (const path of ['big.bin', 'small.txt']) {
      const size = mixed.get(path)?.kind === 'file' ? (pictureOfTree(mixed)[path] ?? '').length : 0;
      const copy = path.replace('.', ' (2).');
      const folder = await published(t, 'keep-both', mixed);
      linkSync(join(folder, path), partOf(folder, path));
      const edited = `${readFileSync(join(folder, path), 'latin1')}, edited`;
      writeFileSync(join(folder, path), edited, 'latin1');
      // What is sent must not go into the file that stands there.
      assert.equal(await finish(folder, 'keep-both', mixed), size);
      checkFolder(folder, mixed, { [path]: edited, [copy]: pictureOfTree(mixed)[path] ?? '' });
    }
  });

  test('a file only looks as it was: its digest tells, and it alone fails, untouched', async (t) => {
    for (const path of ['small.txt', 'big.bin', 'album/2024/b.jpg']) {
      const folder = await published(t, 'keep-both', mixed);
      const destination = openIn(folder, 'keep-both', true);
      const node = mixed.get(path);
      assert.ok(node?.kind === 'file');
      const offered: MemoryTree = new Map([
        ...mixed,
        [path, { ...node, bytes: node.bytes.map((byte) => 255 - byte) }],
      ]);
      const delivery = new Delivery(destination, offered);
      await delivery.plan();
      await assert.rejects(delivery.writeMissing(delivery.file(path)), (error) =>
        CourierError.is(error, 'name-taken'),
      );
      await destination.discard(delivery.file(path));
      await destination.abandon();
      checkFolder(folder, mixed);
    }
  });
});

suite('what was left is not what is offered now', () => {
  /** All written and complete, nothing published but single files, then killed. */
  async function leave(t: TestContext, tree: MemoryTree): Promise<string> {
    const folder = join(scratchFolder(t), 'received');
    const destination = openIn(folder, 'keep-both', false);
    await new Delivery(destination, tree).fill();
    await destination.suspend();
    return folder;
  }

  const only = (...paths: readonly string[]): MemoryTree =>
    new Map([...mixed].filter(([path]) => paths.includes(path)));
  const others: Readonly<Record<string, MemoryTree>> = {
    'files and folders are gone': only('album', 'album/2024', 'album/2024/b.jpg'),
    'a tree is gone': only('other', 'other/c'),
    'a folder is a file now': treeOf({ album: null, 'album/2024': 300_000, other: 7 }),
    'a folder is a small file now': treeOf({ album: null, 'album/2024': 3, other: 300_000 }),
    'a file is a folder now': treeOf({
      'small.txt': null,
      'small.txt/in': 4,
      album: null,
      'album/zero': null,
      'album/zero/in': 4,
      'album/2024': null,
      'album/2024/a.jpg': null,
    }),
    'sizes changed': treeOf({
      'big.bin': 400_000,
      'nothing.txt': 900_000,
      'small.txt': 99,
      album: null,
      'album/2024': null,
      'album/2024/a.jpg': 5,
      'album/2024/b.jpg': 800_000,
    }),
    'contents changed': treeOf({
      'big.bin': new Uint8Array(700_001),
      'small.txt': new Uint8Array(100),
      album: null,
      'album/2024': null,
      'album/2024/a.jpg': new Uint8Array(600_000).fill(3),
      'album/2024/b.jpg': new Uint8Array(12),
    }),
    'other things come first': new Map([...treeOf({ '0': 3, '1': null, '1/x': 300_000 }), ...mixed]),
  };
  for (const [name, offered] of Object.entries(others)) {
    test(name, async (t) => {
      const folder = await leave(t, mixed);
      const sent = await finish(folder, 'keep-both', offered);
      checkFolder(folder, offered);
      if (name === 'other things come first') assert.equal(sent, 300_003);
      if (name.endsWith('gone')) assert.equal(sent, 0);
    });
  }

  test('an interrupted session of a changed source, after single files were published', async (t) => {
    const names = Array.from({ length: 257 }, (_, at) => `f${String(at).padStart(3, '0')}`);
    const old = treeOf(Object.fromEntries(names.map((name, at) => [name, at])));
    const folder = await leave(t, old);
    assert.equal(Object.keys(pictureOf(folder, STAGING_FOLDER)).length, 256);
    const kept = new Map([...old].filter(([path]) => path !== 'f007' && path !== 'f100'));
    const now: MemoryTree = new Map([...kept, ...treeOf({ f100: 5000 })]);
    assert.equal(await finish(folder, 'keep-both', now), 5000);
    const before = pictureOfTree(old);
    // Both were published before anybody knew; the new version of one comes beside it.
    checkFolder(folder, kept, {
      f007: before['f007'] ?? '',
      f100: before['f100'] ?? '',
      'f100 (2)': pictureOfTree(now)['f100'] ?? '',
    });
  });

  test('a file is a folder there, and fails before any of it came', async (t) => {
    const folder = await leave(t, mixed);
    const destination = openIn(folder, 'keep-both', true);
    const now = treeOf({ album: null, 'album/2024': 5, 'album/zero': 0 });
    const delivery = new Delivery(destination, now);
    await delivery.plan();
    await destination.discard(delivery.file('album/2024'));
    await delivery.writeMissing(delivery.file('album/zero'));
    await delivery.complete(delivery.file('album/zero'));
    await delivery.publish();
    await destination.abandon();
    assert.deepEqual(pictureOf(folder, STAGING_FOLDER), { album: '<folder>', 'album/zero': '' });
  });

  test('a path that this system does not take fails alone, as it did before', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    // Room for the folders in staging, and none for what is in the last one.
    const room = 4000 - Buffer.byteLength(stagingOf(folder, 'tree'));
    const names = Array.from({ length: Math.floor(room / 200) }, () => 'd'.repeat(199));
    const folders = names.map((_, at) => names.slice(0, at + 1).join('/'));
    const long = `${folders.at(-1) ?? ''}/${'f'.repeat(limits.nameBytes)}`;
    const tree = treeOf({ ...Object.fromEntries(folders.map((path) => [path, null])), [long]: 5, small: 7 });
    for (const resume of [false, true]) {
      const destination = openIn(folder, 'keep-both', resume);
      const delivery = new Delivery(destination, tree);
      await delivery.plan();
      await assert.rejects(delivery.writeMissing(delivery.file(long)), (error) =>
        CourierError.is(error, 'name-refused'),
      );
      await destination.discard(delivery.file(long));
      await destination.suspend();
    }
  });

  test('a small file that somebody cleans up after it was found right fails, and is not published', async (t) => {
    for (const path of ['small.txt', 'other/c']) {
      const folder = await leave(t, mixed);
      const destination = openIn(folder, 'keep-both', true);
      const delivery = new Delivery(destination, mixed);
      await delivery.plan();
      assert.equal(await delivery.writeMissing(delivery.file(path)), 0);
      rmSync(path === 'small.txt' ? partOf(folder, path) : stagingOf(folder, 'tree', path));
      await assert.rejects(delivery.complete(delivery.file(path)), (error) =>
        CourierError.is(error, 'disk-error'),
      );
      await destination.abandon();
    }
  });

  test('names that a file system folds into those of the offer are kept, under the new names', async (t) => {
    const folder = scratchFolder(t);
    for (const name of ['in/Readme', 'in/gone', 'in/Other', 'in/other']) {
      mkdirSync(join(folder, 'in'), { recursive: true });
      writeFileSync(join(folder, name), name);
    }
    // As it looks where letter case counts for nothing: both names lead to one file.
    linkSync(join(folder, 'in/Readme'), join(folder, 'in/README'));
    const offered = new Delivery(
      openIn(join(folder, 'x'), 'skip', false),
      treeOf({ in: null, 'in/README': 1, 'in/other': 2 }),
    );
    await offered.plan();
    pruneTrees(systemFiles, folder, offered.entries);
    // Here both names stay, because to rename one to the other does nothing; to remove one would remove both.
    assert.deepEqual(pictureOf(join(folder, 'in')), {
      README: 'in/Readme',
      Readme: 'in/Readme',
      other: 'in/other',
    });
  });

  test('damaged files are sent again as far as they are damaged', async (t) => {
    const folder = await leave(t, mixed);
    const big = partOf(folder, 'big.bin');
    const bytes = readFileSync(big);
    bytes[300_000] = 255 - (bytes[300_000] ?? 0);
    writeFileSync(big, bytes);
    truncateSync(stagingOf(folder, 'tree', 'album', '2024', 'a.jpg'), 300_000);
    appendFileSync(partOf(folder, 'small.txt'), 'more');
    const sent = await finish(folder, 'keep-both', mixed);
    assert.equal(sent, CHUNK + (600_000 - CHUNK) + 100);
    checkFolder(folder, mixed);
  });

  test('a mode changed', async (t) => {
    const run = (isExecutable: boolean): MemoryTree =>
      new Map(
        [...mixed].map(([path, node]) => [path, node.kind === 'file' ? { ...node, isExecutable } : node]),
      );
    for (const isExecutable of [true, false]) {
      const folder = await leave(t, run(!isExecutable));
      assert.equal(await finish(folder, 'keep-both', run(isExecutable)), 0);
      const expected = (isExecutable ? 0o777 : 0o666) & modeOfNewFolder(folder);
      for (const path of ['big.bin', 'small.txt', 'album/2024/a.jpg', 'album/2024/b.jpg']) {
        assert.equal(statSync(join(folder, path)).mode % 0o1000, expected, path);
      }
    }
  });

  test('times changed', async (t) => {
    const folder = await leave(t, mixed);
    const destination = openIn(folder, 'keep-both', true);
    const delivery = new Delivery(destination, mixed, DELIVERED_MS + 5000);
    assert.equal(await delivery.fill(), 0);
    await delivery.publish();
    await destination.abandon();
    for (const path of mixed.keys()) {
      assert.equal(Math.floor(statSync(join(folder, path)).mtimeMs), DELIVERED_MS + 5000, path);
    }
  });
});

test('holes: those of the file stay, and nothing shows through them', async (t) => {
  const bytes = new Uint8Array(4 * 1024 * 1024);
  bytes[9] = 1;
  const sparse = treeOf({ sparse: bytes });
  const folder = join(scratchFolder(t), 'received');
  const first = openIn(folder, 'keep-both', false);
  const delivery = new Delivery(first, sparse);
  await delivery.plan();
  await delivery.writeMissing(delivery.file('sparse'), { chunks: 5 });
  await first.suspend();
  const other = killed(t, folder);
  assert.equal(await finish(folder, 'keep-both', sparse), bytes.length - 5 * CHUNK);
  checkFolder(folder, sparse);
  assert.ok(statSync(join(folder, 'sparse')).blocks * 512 <= CHUNK);
  // Zeros where there was something else before.
  const zeros = treeOf({ sparse: new Uint8Array(bytes.length) });
  await finish(other, 'keep-both', zeros);
  checkFolder(other, zeros);
});

test('a partial is as long as what was written reaches', async (t) => {
  const folder = join(scratchFolder(t), 'received');
  const destination = openIn(folder, 'keep-both', false);
  const delivery = new Delivery(destination, treeOf({ big: 3_000_000 }));
  await delivery.plan();
  for (const chunks of [1, 2, 5]) {
    await delivery.writeMissing(delivery.file('big'), { chunks });
    assert.equal(statSync(partOf(folder, 'big')).size, chunks * CHUNK);
  }
  await destination.abandon();
});

test('what is there counts as room', async (t) => {
  const folder = join(scratchFolder(t), 'received');
  const first = openIn(folder, 'keep-both', false);
  await new Delivery(first, mixed).fill();
  await first.suspend();
  const second = openIn(folder, 'keep-both', true);
  // The disk is not ours alone, but what was free is asked for only once.
  const free = await second.freeBytes();
  assert.ok(free > 0);
  await new Delivery(second, mixed).plan();
  assert.equal((await second.freeBytes()) - free, treeBytes(mixed));
  await second.abandon();
});

suite('who may go on with a transfer', () => {
  const isBusy = (error: unknown): boolean => CourierError.is(error, 'busy');

  test('case 76: one session at a time, and only if it says so', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    const receive = ReceiveFolder.open(folder);
    assert.equal(receive.isInterrupted(ID), false);
    const first = openIn(folder, 'keep-both', true);
    assert.equal(receive.isInterrupted(ID), false, 'it is under way');
    assert.throws(() => openIn(folder, 'keep-both', true), isBusy);
    receive.discardTransfer(ID);
    assert.ok(existsSync(stagingOf(folder)), 'what is under way is not discarded');
    await first.suspend();
    assert.equal(receive.isInterrupted(ID), true);
    assert.throws(() => openIn(folder, 'keep-both', false), isBusy);
    await openIn(folder, 'keep-both', true).suspend();
    receive.discardTransfer(ID);
    assert.equal(receive.isInterrupted(ID), false);
    assert.deepEqual(readdirSync(folder), []);
    receive.discardTransfer(ID);
    await openIn(folder, 'keep-both', false).abandon();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('nobody else takes the place of one that is under way, even if it is cleaned up', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    const first = openIn(folder, 'keep-both', false);
    rmSync(stagingOf(folder), { recursive: true });
    for (const resume of [false, true]) assert.throws(() => openIn(folder, 'keep-both', resume), isBusy);
    await first.abandon();
    await openIn(folder, 'keep-both', false).abandon();
  });

  test('an id that is none reaches nothing', (t) => {
    const folder = join(scratchFolder(t), 'received');
    const receive = ReceiveFolder.open(folder);
    mkdirSync(join(folder, 'precious'));
    for (const id of ['../precious', '', '..', ID.toUpperCase(), `${ID}0`]) {
      assert.throws(() => receive.discardTransfer(id), CourierError);
      assert.throws(() => receive.isInterrupted(id), CourierError);
      assert.throws(() => receive.openTransfer(id, 'skip', { resume: true }), CourierError);
    }
    assert.deepEqual(readdirSync(folder), ['precious']);
  });

  test('without interruptions being kept there is no journal, and staging goes with publishing', async (t) => {
    const folder = join(scratchFolder(t), 'received');
    const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
    const delivery = new Delivery(destination, mixed);
    await delivery.fill();
    assert.deepEqual(readdirSync(stagingOf(folder)).toSorted(), ['parts', 'tree']);
    await delivery.publish();
    assert.equal(existsSync(stagingOf(folder)), false);
  });

  test('a journal that leads elsewhere is not followed', async (t) => {
    const folder = await published(t, 'keep-both', treeOf({ note: 5 }));
    writeFileSync(join(folder, '..', 'outside'), 'secret');
    for (const line of [
      '["note","../outside"]',
      '["note",7]',
      '["note"]',
      '{}',
      'null',
      '["note","a/b"]',
      '[',
    ]) {
      appendFileSync(stagingOf(folder, 'published'), `\n${line}\n`);
    }
    assert.equal(await finish(folder, 'keep-both', treeOf({ note: 5 })), 0);
    checkFolder(folder, treeOf({ note: 5 }));
  });
});
