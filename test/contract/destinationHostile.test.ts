import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import { Publishing } from '../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import { NOBODY, runTask, runTogether } from '../support/children.ts';
import { Delivery } from '../support/delivery.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { treeOf } from '../support/memoryTree.ts';
import { portPictureOf } from '../support/portPicture.ts';
import { scratchFolder } from '../support/scratch.ts';
import { SimDisk } from '../support/simDisk.ts';

/** Links planted where something will be written, disks that are full, folders that cannot be used. */

const ID = 'cd'.repeat(16);
const isRoot = process.getuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'only root can do this' };

interface Place {
  readonly folder: string;
  readonly outside: string;
}

function places(t: TestContext): Place {
  const base = scratchFolder(t);
  const place = { folder: join(base, 'received'), outside: join(base, 'outside') };
  mkdirSync(place.folder);
  mkdirSync(place.outside);
  writeFileSync(join(place.outside, 'secret'), 'theirs');
  return place;
}

function isFailure(...codes: readonly FailureCode[]): (error: unknown) => boolean {
  return (error) => CourierError.is(error) && codes.includes(error.code);
}

const album = treeOf({
  album: null,
  'album/in': null,
  'album/in/big': 400_000,
  'album/in/small': 5,
  'album/later': null,
});

for (const planted of ['album', 'album/in', 'album/later']) {
  test(`case 62: a link at ${planted}, planted while merging, is not gone through`, async (t) => {
    const { folder, outside } = places(t);
    mkdirSync(join(folder, 'album'));
    const destination = ReceiveFolder.open(folder).openTransfer(ID, 'replace');
    const delivery = new Delivery(destination, album);
    assert.equal((await delivery.plan())['album/in'], 'take');
    await delivery.writeAll();
    if (planted === 'album') renameSync(join(folder, 'album'), join(folder, 'moved'));
    symlinkSync(outside, join(folder, planted));
    const { failures } = await delivery.publish();
    const failed = planted === 'album/later' ? 1 : planted === 'album/in' ? 3 : 4;
    assert.deepEqual(
      failures.map(({ reason }) => reason),
      Array.from({ length: failed }, () => 'name-taken'),
    );
    assert.equal(new Set(failures.map(({ position }) => position)).size, failed, 'each is told once');
    assert.deepEqual(pictureOf(outside), { secret: 'theirs' });
    assert.equal(existsSync(join(folder, STAGING_FOLDER)), false);
  });
}

test('a link where the staging folder should be is refused', (t) => {
  const { folder, outside } = places(t);
  const targets = [outside, join(outside, 'secret'), join(outside, 'nowhere')];
  for (const target of targets) {
    symlinkSync(target, join(folder, STAGING_FOLDER));
    const open = (): unknown => ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
    assert.throws(open, isFailure('destination-unwritable'), target);
    assert.deepEqual(pictureOf(outside), { secret: 'theirs' });
    rmSync(join(folder, STAGING_FOLDER));
  }
});

test('a file where the staging folder should be is refused, and not called busy', (t) => {
  const { folder } = places(t);
  writeFileSync(join(folder, STAGING_FOLDER), 'mine');
  const open = (): unknown => ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
  assert.throws(open, isFailure('destination-unwritable'));
  assert.equal(readFileSync(join(folder, STAGING_FOLDER), 'utf8'), 'mine');
});

test('a link where a transfer should be staged is not gone through', (t) => {
  const { folder, outside } = places(t);
  mkdirSync(join(folder, STAGING_FOLDER));
  symlinkSync(outside, join(folder, STAGING_FOLDER, ID));
  assert.throws(
    () => ReceiveFolder.open(folder).openTransfer(ID, 'keep-both'),
    isFailure('busy', 'destination-unwritable'),
  );
  assert.deepEqual(pictureOf(outside), { secret: 'theirs' });
});

test('case 68: what is abandoned is removed, and nothing that a link leads to', async (t) => {
  const { folder, outside } = places(t);
  const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
  const delivery = new Delivery(destination, album);
  await delivery.plan();
  await delivery.writeAll();
  const staging = join(folder, STAGING_FOLDER, ID);
  symlinkSync(outside, join(staging, 'tree', 'album', 'way out'));
  renameSync(join(staging, 'parts'), join(staging, 'moved'));
  symlinkSync(outside, join(staging, 'parts'));
  renameSync(staging, join(folder, STAGING_FOLDER, 'moved'));
  symlinkSync(outside, staging);
  await destination.abandon();
  assert.deepEqual(pictureOf(outside), { secret: 'theirs' });
  assert.deepEqual(readdirSync(join(folder, STAGING_FOLDER)), ['moved']);
});

test('case 67: the receive folder may be a link: where it leads is settled once', async (t) => {
  const { folder, outside } = places(t);
  const link = join(folder, '..', 'link');
  symlinkSync(folder, link);
  const receive = ReceiveFolder.open(link);
  rmSync(link);
  symlinkSync(outside, link);
  await new Delivery(receive.openTransfer(ID, 'keep-both'), album).deliver();
  assert.deepEqual(readdirSync(folder), ['album']);
  assert.deepEqual(pictureOf(outside), { secret: 'theirs' });
});

test('a receive folder is made with those above it; one that cannot be is refused', (t) => {
  const { folder } = places(t);
  assert.equal(ReceiveFolder.open(join(folder, 'a', 'b')).location, join(folder, 'a', 'b'));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  for (const bad of ['file', 'file/below', 'dangling', 'nul\0', 'x'.repeat(300)]) {
    assert.throws(() => ReceiveFolder.open(join(folder, bad)), isFailure('destination-unwritable'), bad);
  }
});

test('a path too long for the system fails alone', async (t) => {
  const { folder } = places(t);
  const folders: Record<string, null> = {};
  for (let path = 'deep'; path.length <= 4096; path += `/${'x'.repeat(49)}`) folders[path] = null;
  const tree = treeOf({ first: 3, ...folders, last: 4 });
  const shallow = Object.keys(folders).find((path) => path.length > 3800) ?? '';
  const long = `${shallow}/${'z'.repeat(255)}`;
  const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
  const delivery = new Delivery(
    destination,
    new Map([...tree, [long, { kind: 'file', bytes: Uint8Array.of(1) }]]),
  );
  const decisions = await delivery.plan();
  assert.equal(decisions[Object.keys(folders).at(-1) ?? ''], 'refuse');
  assert.equal(decisions[shallow], 'take');
  for (const file of delivery.files) {
    if (file.entry.path === long) await assert.rejects(delivery.write(file), isFailure('name-refused'));
    else await delivery.write(file).then(() => delivery.complete(file));
  }
  assert.deepEqual((await delivery.publish()).failures, []);
  assert.deepEqual(readdirSync(folder).toSorted(), ['deep', 'first', 'last']);
});

/** A file system of its own in memory, as small as asked. */
function withSmallDisk(
  t: TestContext,
  options: string,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = scratchFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  return use(folder).finally(() => execFileSync('umount', ['--lazy', folder]));
}

test('a full disk: what does not fit fails as disk-full, and abandoning gives it all back', needsRoot, (t) =>
  withSmallDisk(t, 'size=2m', async (folder) => {
    for (const tree of [
      treeOf({ big: 4_000_000 }),
      treeOf(manySmall(30)),
      treeOf({ in: null, 'in/big': 4_000_000 }),
    ]) {
      const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
      assert.ok(
        (await destination.freeBytes()) > 1_900_000 && (await destination.freeBytes()) <= 2 * 1024 * 1024,
      );
      const delivery = new Delivery(destination, tree);
      await delivery.plan();
      await assert.rejects(delivery.writeAll(), isFailure('disk-full'));
      await destination.abandon();
      assert.deepEqual(readdirSync(folder), []);
    }
    // What was refused for want of room arrives when there is some.
    await new Delivery(
      ReceiveFolder.open(folder).openTransfer(ID, 'keep-both'),
      treeOf({ a: 1_500_000 }),
    ).deliver();
    assert.equal(statSync(join(folder, 'a')).size, 1_500_000);
  }),
);

function manySmall(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`small ${at}`, 100_000]));
}

test('a disk without room for names: disk-full, in every step', needsRoot, (t) =>
  withSmallDisk(t, 'size=2m,nr_inodes=12', async (folder) => {
    const folders = treeOf(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`folder ${at}`, null])));
    const receive = ReceiveFolder.open(folder);
    const destination = receive.openTransfer(ID, 'keep-both');
    await assert.rejects(new Delivery(destination, folders).plan(), isFailure('disk-full'));
    await destination.abandon();
    const other = receive.openTransfer(ID, 'keep-both');
    const delivery = new Delivery(other, treeOf(manySmall(12)));
    await delivery.plan();
    await assert.rejects(delivery.writeAll(), isFailure('disk-full'));
    await other.abandon();
    // However little there is: whatever was begun is taken back, so that the transfer can be tried again.
    for (let at = 0; readdirSync(folder).length === at; at += 1) {
      try {
        writeFileSync(join(folder, `filler ${at}`), '');
      } catch {
        break;
      }
    }
    for (let free = 0; free < 4; free += 1) {
      assert.throws(() => receive.openTransfer(ID, 'keep-both'), isFailure('disk-full'), `${free} free`);
      rmSync(join(folder, `filler ${free}`));
    }
  }),
);

test('where links are not possible, a placeholder keeps the name', needsRoot, async (t) => {
  // Linux lets nobody link to another user's file that they cannot write: as on a disk without hard links.
  const guard = '/proc/sys/fs/protected_hardlinks';
  if (!existsSync(guard) || readFileSync(guard, 'utf8').trim() !== '1') {
    t.skip('this system would let nobody link to a file of root');
    return;
  }
  const folder = scratchFolder(t);
  chownSync(folder, NOBODY, NOBODY);
  const [part, name] = [join(folder, 'part'), join(folder, 'name')];
  writeFileSync(`${part}0`, 'complete', { mode: 0o600 });
  writeFileSync(`${name}0`, 'theirs');
  assert.deepEqual(await runTask('tryPublish', [part, name, '1'], { uid: NOBODY }), [false]);
  assert.deepEqual(pictureOf(folder), { part0: 'complete', name0: 'theirs' });
  rmSync(`${name}0`);
  const inode = statSync(`${part}0`).ino;
  assert.deepEqual(await runTask('tryPublish', [part, name, '1'], { uid: NOBODY }), [true]);
  assert.deepEqual(pictureOf(folder), { name0: 'complete' });
  assert.equal(statSync(`${name}0`).ino, inode);

  // Two that want the same names at the same moments: each name goes to one of them.
  const count = 1500;
  for (const who of ['a', 'b']) {
    for (let at = 0; at < count; at += 1) writeFileSync(join(folder, `${who}${at}`), who, { mode: 0o600 });
  }
  const tasks = ['a', 'b'].map((who) => [join(folder, who), join(folder, 'both'), String(count)]);
  const [first, second] = (await runTogether('tryPublish', tasks, { uid: NOBODY })) as boolean[][];
  const after = pictureOf(folder);
  for (let at = 0; at < count; at += 1) {
    assert.notEqual(first?.[at], second?.[at], `name ${at}`);
    assert.equal(after[`both${at}`], first?.[at] === true ? 'a' : 'b');
  }
});

test('a name that somebody has is not taken from them', (t) => {
  const folder = scratchFolder(t);
  const [part, location] = [join(folder, 'part'), join(folder, 'name')];
  writeFileSync(part, 'ours');
  writeFileSync(location, 'theirs');
  const publishing = new Publishing(systemFiles);
  assert.equal(publishing.tryPublishFile(part, location), false);
  assert.deepEqual(pictureOf(folder), { part: 'ours', name: 'theirs' });
  rmSync(location);
  assert.equal(publishing.tryPublishFile(part, location), true);
  assert.deepEqual(pictureOf(folder), { name: 'ours' });
});

test('an older file that is replaced is kept, and its name is never without a file', async (t) => {
  const folder = scratchFolder(t);
  const [part, location, backup] = [
    join(folder, 'part'),
    join(folder, 'name'),
    join(folder, 'kept', 'in', 'name'),
  ];
  writeFileSync(part, 'new');
  writeFileSync(location, 'old');
  const inode = statSync(location).ino;
  const publishing = new Publishing(systemFiles);
  const replace = async (): Promise<void> => {
    const kept = await publishing.keepOlder(part, location, backup);
    assert.ok(kept !== undefined);
    publishing.replaceKept(kept);
  };
  await replace();
  assert.deepEqual([readFileSync(location, 'utf8'), readFileSync(backup, 'utf8')], ['new', 'old']);
  assert.equal(statSync(backup).ino, inode);
  // A backup that is there is somebody's too: the next one lies beside it.
  writeFileSync(part, 'newer');
  await replace();
  const kept = () => [location, backup, `${backup} (2)`].map((file) => readFileSync(file, 'utf8'));
  assert.deepEqual(kept(), ['newer', 'old', 'new']);
  // It was kept already, and then the process was killed.
  linkSync(location, `${backup} (3)`);
  writeFileSync(part, 'newest');
  await replace();
  assert.deepEqual(kept(), ['newest', 'old', 'new']);
  assert.deepEqual(readdirSync(join(backup, '..')), ['name', 'name (2)', 'name (3)']);
});

test('a file that replaces the old one while that is being kept is not overwritten', async () => {
  const disk = new SimDisk();
  for (const [name, text] of Object.entries({ part: 'new', name: 'old', theirs: 'theirs' })) {
    disk.plant(`/received/${name}`, Buffer.from(text));
  }
  const publishing = new Publishing(disk.mount());
  const kept = await publishing.keepOlder('/received/part', '/received/name', '/received/kept/name');
  assert.ok(kept !== undefined);
  disk.mount().rename('/received/theirs', '/received/name');
  assert.throws(() => publishing.replaceKept(kept), isFailure('name-taken'));
  assert.deepEqual(portPictureOf(disk.mount(), '/received'), {
    kept: '<folder>',
    'kept/name': 'old',
    name: 'theirs',
    part: 'new',
  });
});

test('a folder that may not be written to is refused at once', needsRoot, async (t) => {
  const { folder } = places(t);
  chmodSync(folder, 0o555);
  assert.deepEqual(await runTask('openFolder', [folder], { uid: NOBODY }), 'destination-unwritable');
  chmodSync(folder, 0o777);
  // The way to it must be open too.
  chmodSync(join(folder, '..'), 0o711);
  assert.deepEqual(await runTask('openFolder', [folder], { uid: NOBODY }), 'opened');
});
