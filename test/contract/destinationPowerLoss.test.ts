/**
 * What is durable of a transfer that is being received, and what becomes of it when a sync fails. On a simulated
 * disk that keeps over a power loss only what a sync has covered, and that never makes good what a failed one lost.
 * Long, because each promise is a table of cases over the same few helpers.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CourierError } from '../../src/base/failure.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import type { Destination, FileReference } from '../../src/transfer/ports.ts';
import { Delivery } from '../support/delivery.ts';
import { treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';
import { portPictureOf } from '../support/portPicture.ts';
import { SimDisk } from '../support/simDisk.ts';
import type { SimDiskOptions } from '../support/simDisk.ts';
import type { MountOptions, SimCall } from '../support/simMount.ts';

const ID = '00112233445566778899aabbccddeeff';
const FOLDER = '/home/received';
const MIB = 1024 * 1024;
const SYNCS: ReadonlySet<string> = new Set(['sync', 'datasync', 'syncAll']);

interface Opened {
  readonly destination: Destination;
  readonly calls: readonly SimCall[];
}

/** A session in a process of its own, and the calls that it makes. */
function open(
  disk: SimDisk,
  {
    policy = 'keep-both',
    resume = false,
    now = () => 0,
    before,
    ...mount
  }: MountOptions & { policy?: ConflictPolicy; resume?: boolean; now?: () => number } = {},
): Opened {
  const calls: SimCall[] = [];
  const files = disk.mount({
    ...mount,
    before(call, index) {
      calls.push(call);
      return before?.(call, index);
    },
  });
  const destination = ReceiveFolder.open(FOLDER, files).openTransfer(ID, policy, {
    resume,
    keepsInterrupted: true,
    now,
  });
  return { destination, calls };
}

/** The disk after a power loss now, of which nothing is left but what is durable. */
function afterPowerLoss(disk: SimDisk): SimDisk {
  return disk.imageAfter(disk.operations.length, { keeps: () => false });
}

/** Goes on with what is there until all is published; returns how many bytes had to be sent. */
async function finish(
  disk: SimDisk,
  tree: MemoryTree,
  policy: ConflictPolicy = 'keep-both',
): Promise<number> {
  const { destination } = open(disk, { policy, resume: true });
  const delivery = new Delivery(destination, tree);
  const sent = await delivery.fill();
  assert.deepEqual((await delivery.publish()).failures, []);
  await destination.suspend();
  return sent;
}

function checkPublished(disk: SimDisk, tree: MemoryTree, other: Readonly<Record<string, string>> = {}): void {
  const expected = Object.fromEntries(
    [...tree].map(([path, node]) => [
      path,
      node.kind === 'file' ? Buffer.from(node.bytes).toString('latin1') : '<folder>',
    ]),
  );
  const picture = portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER);
  assert.deepEqual(Object.keys(picture).toSorted(), Object.keys({ ...expected, ...other }).toSorted());
  for (const [path, content] of Object.entries({ ...expected, ...other })) {
    assert.ok(picture[path] === content, `${path} has another content`);
  }
}

/** What is under way in the background has ended. */
async function quiet(): Promise<void> {
  await setImmediate();
}

function countOf(calls: readonly SimCall[], name: SimCall['name']): number {
  return calls.filter((call) => call.name === name).length;
}

suite('what is being received becomes durable', () => {
  const big = treeOf({ big: new Uint8Array(40 * MIB).fill(1) });

  test('a big file, once 16 MiB and a second have passed since the last time', async () => {
    let time = 0;
    const disk = new SimDisk();
    const { destination, calls } = open(disk, { now: () => time });
    const delivery = new Delivery(destination, big);
    await delivery.plan();
    const file = delivery.file('big');
    const write = async (fromMib: number, toMib: number): Promise<void> => {
      for (let at = fromMib; at < toMib; at += 1) {
        await destination.write(file, at * MIB, new Uint8Array(MIB).fill(1));
      }
      await quiet();
    };
    await write(0, 17);
    assert.equal(countOf(calls, 'datasync'), 0, 'not before a second has passed');
    time = 1000;
    await write(17, 18);
    assert.equal(countOf(calls, 'datasync'), 1);
    time = 60_000;
    await write(18, 33);
    assert.equal(countOf(calls, 'datasync'), 1, 'not for less than 16 MiB');
    assert.equal(await finish(afterPowerLoss(disk), big), 22 * MIB);
    await write(33, 34);
    assert.equal(countOf(calls, 'datasync'), 2);
    assert.equal(await finish(afterPowerLoss(disk), big), 6 * MIB);
  });

  test('one sync at a time, and nobody waits for it', async () => {
    let time = 0;
    const held: (() => void)[] = [];
    const disk = new SimDisk();
    const { destination, calls } = open(disk, {
      now: () => (time += 1000),
      schedule(work, { name }) {
        if (name === 'datasync') held.push(work);
        else work();
      },
    });
    const delivery = new Delivery(destination, big);
    await delivery.plan();
    await delivery.writeMissing(delivery.file('big'), { chunks: 40 * 4 });
    assert.equal(countOf(calls, 'datasync'), 1);
    // It ends only when the sync does.
    const suspended = destination.suspend();
    await quiet();
    assert.equal(countOf(calls, 'close'), 0);
    for (const release of held) release();
    await suspended;
    assert.equal(await finish(afterPowerLoss(disk), big), 0);
  });

  const many = treeOf({
    album: null,
    ...Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`album/${100 + at}`, new Uint8Array(200_000).fill(at)]),
    ),
  });

  test('small files, together', async () => {
    let time = 0;
    const disk = new SimDisk();
    const { destination, calls } = open(disk, { now: () => time });
    const delivery = new Delivery(destination, many);
    await delivery.plan();
    for (const [at, file] of delivery.files.entries()) {
      if (at === 90) time = 1000;
      await delivery.write(file);
      await delivery.complete(file);
      await quiet();
    }
    assert.equal(countOf(calls, 'syncAll'), 1);
    assert.equal(await finish(afterPowerLoss(disk), many), 9 * 200_000);
  });

  test('small files where nothing syncs them together: not before they are published', async () => {
    let time = 0;
    const disk = new SimDisk({ hasSyncAll: false });
    const { destination, calls } = open(disk, { now: () => (time += 1000) });
    const delivery = new Delivery(destination, many);
    await delivery.plan();
    await delivery.writeAll();
    await quiet();
    assert.deepEqual(
      calls.filter(({ name, location }) => name === 'sync' && location.includes('/tree/album/')),
      [],
    );
    await delivery.publish();
    checkPublished(afterPowerLoss(disk), many);
  });

  test('the names of big files that are complete', async () => {
    let time = 0;
    const disk = new SimDisk();
    const files = Array.from({ length: 20 }, (_, at) => [`album/in/${10 + at}`, MIB] as const);
    const tree = treeOf({ album: null, 'album/in': null, ...Object.fromEntries(files) });
    const { destination } = open(disk, { now: () => time });
    const delivery = new Delivery(destination, tree);
    await delivery.plan();
    for (const [at, file] of delivery.files.entries()) {
      if (at === 17) time = 1000;
      await delivery.write(file);
      await delivery.complete(file);
    }
    await quiet();
    assert.equal(await finish(afterPowerLoss(disk), tree), 2 * MIB);
  });

  test('nothing, if nobody will go on with it', async () => {
    let time = 0;
    const calls: SimCall[] = [];
    const files = new SimDisk().mount({ before: (call) => void calls.push(call) });
    const destination = ReceiveFolder.open(FOLDER, files).openTransfer(ID, 'skip', {
      now: () => (time += 1000),
    });
    const delivery = new Delivery(destination, new Map([...big, ...many]));
    await delivery.plan();
    await delivery.writeMissing(delivery.file('big'), { chunks: 150 });
    for (const file of delivery.files) if (file.entry.path !== 'big') await delivery.write(file);
    await quiet();
    assert.deepEqual(
      calls.filter(({ name }) => SYNCS.has(name)),
      [],
    );
  });

  test('a file that is suspended, with its name', async () => {
    const disk = new SimDisk();
    const tree = treeOf({ album: null, 'album/big': 3 * MIB });
    const { destination } = open(disk);
    const delivery = new Delivery(destination, tree);
    await delivery.plan();
    await delivery.writeMissing(delivery.file('album/big'), { chunks: 8 });
    await destination.suspend();
    assert.equal(await finish(afterPowerLoss(disk), tree), MIB);
  });
});

suite('after a publication everything has outlived a power loss', () => {
  const tree = treeOf({
    album: null,
    'album/a': 300_000,
    'album/empty': null,
    'album/in': null,
    'album/in/b': 10,
    merged: null,
    'merged/deep': null,
    'merged/deep/c': 5,
    'merged/new': null,
    'merged/new/empty': null,
    note: 7,
    taken: 9,
  });
  for (const hasSyncAll of [true, false]) {
    for (const hasHardLinks of [true, false]) {
      for (const policy of ['skip', 'replace'] as const) {
        test(`${policy}, ${hasSyncAll ? 'together' : 'one by one'}, links: ${hasHardLinks}`, async () => {
          const disk = new SimDisk({ hasSyncAll, hasHardLinks });
          disk.plant(`${FOLDER}/merged/mine`, Buffer.from('mine'));
          disk.plant(`${FOLDER}/taken`, Buffer.from('old'));
          const before = disk.settled();
          const { destination } = open(before, { policy });
          await new Delivery(destination, tree).deliver();
          const found = afterPowerLoss(before);
          checkPublished(found, tree, {
            'merged/mine': 'mine',
            ...(policy === 'skip' ? { taken: 'old' } : {}),
          });
          if (policy === 'skip') return;
          const kept = portPictureOf(found.mount(), `${FOLDER}/${STAGING_FOLDER}/replaced`);
          assert.deepEqual(kept[`${ID}/taken`], 'old');
        });
      }
    }
  }

  test('into a folder that was made for it', async () => {
    const disk = new SimDisk();
    await new Delivery(open(disk).destination, tree).deliver();
    checkPublished(afterPowerLoss(disk), tree);
  });
});

suite('older files in many folders are replaced together', () => {
  const paths = Array.from({ length: 40 }, (_, at) => `album/${10 + at}/file`);
  const tree = treeOf({
    album: null,
    ...Object.fromEntries(
      paths.flatMap((path, at) => [
        [path.slice(0, -'/file'.length), null],
        [path, 5 + at],
      ]),
    ),
  });

  for (const hasSyncAll of [true, false]) {
    test(`${hasSyncAll ? 'together' : 'one by one'}: the power goes at any moment`, async () => {
      const planted = new SimDisk({ hasSyncAll });
      for (const path of paths) planted.plant(`${FOLDER}/${path}`, Buffer.from(`old ${path}`));
      const disk = planted.settled();
      const { destination, calls } = open(disk, { policy: 'replace' });
      await new Delivery(destination, tree).deliver();
      // The content, the older files' second names, and the new ones'.
      assert.equal(countOf(calls, 'syncAll'), hasSyncAll ? 3 : 0);
      const [none, some] = [new Set<string>(), new Set<string>()];
      const isRename = (operation: number): boolean => disk.operations[operation]?.kind === 'rename';
      for (let at = 0; at <= disk.operations.length; at += 1) {
        // A disk may write in any order what no sync has come between.
        for (const keeps of [() => false, isRename]) {
          const found = portPictureOf(disk.imageAfter(at, { keeps }).mount(), FOLDER);
          for (const path of paths) {
            const node = tree.get(path);
            const fresh = node?.kind === 'file' ? Buffer.from(node.bytes).toString('latin1') : undefined;
            const isNew = found[path] === fresh;
            (isNew ? some : none).add(path);
            const kept = isNew ? found[`${STAGING_FOLDER}/replaced/${ID}/${path}`] : found[path];
            assert.equal(kept, `old ${path}`, `${path} after ${at} operations`);
          }
        }
      }
      assert.deepEqual([none.size, some.size], [40, 40]);
    });
  }
});

suite('killed at any moment, without hard links', () => {
  const tree = treeOf({ a: 5, b: 300_000, empty: 0, merged: null, 'merged/c': 6 });
  for (const policy of ['keep-both', 'replace'] as const) {
    test(`${policy}: what only took a name gives it back`, async () => {
      const planted = new SimDisk({ hasHardLinks: false });
      planted.plant(`${FOLDER}/merged/mine`, Buffer.from('mine'));
      planted.plant(`${FOLDER}/theirs`, new Uint8Array(0));
      const disk = planted.settled();
      await new Delivery(open(disk, { policy }).destination, tree).deliver();
      const other: Record<string, string> = { 'merged/mine': 'mine', theirs: '' };
      const expected = policy === 'replace' ? tree : renamed(tree, 'merged', 'merged (2)');
      if (policy === 'keep-both') other['merged'] = '<folder>';
      let placeholders = 0;
      for (let at = 0; at <= disk.operations.length; at += 1) {
        const killed = disk.killedAfter(at);
        if (portPictureOf(killed.mount(), FOLDER)['a'] === '') placeholders += 1;
        await finish(killed, tree, policy);
        checkPublished(killed, expected, other);
      }
      assert.ok(placeholders > 0, 'the moment is among them');
    });
  }

  test('an empty file is taken for one of ours only where there are no links', async () => {
    for (const hasHardLinks of [true, false]) {
      const disk = new SimDisk({ hasHardLinks });
      const { destination } = open(disk);
      await new Delivery(destination, tree).deliver();
      await destination.suspend();
      // Somebody empties it: with links it is theirs, and without them nobody can tell.
      disk.mount().open(`${FOLDER}/a`, 'update').truncate(0);
      await finish(disk, tree);
      checkPublished(disk, hasHardLinks ? renamed(tree, 'a', 'a (2)') : tree, hasHardLinks ? { a: '' } : {});
    }
  });

  function renamed(from: MemoryTree, name: string, to: string): MemoryTree {
    const rename = (path: string): string => {
      const [first = '', ...rest] = path.split('/');
      return [first === name ? to : first, ...rest].join('/');
    };
    return new Map([...from].map(([path, node]) => [rename(path), node]));
  }
});

suite('a sync fails', () => {
  /** With so many small files that they are synced together, where that can be had. */
  const treeWith = (count: number): MemoryTree =>
    treeOf({
      album: null,
      'album/big': 300_000,
      'album/in': null,
      'album/in/small': 10,
      alone: 270_000,
      ...Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${10 + at}`, at])),
      merged: null,
      'merged/new': null,
      'merged/new/file': 20,
      taken: 30,
    });

  /** Runs a session whose `n`th sync fails; returns whether it had so many. */
  async function failNth(disk: SimDisk, tree: MemoryTree, n: number, errno: string): Promise<boolean> {
    let count = 0;
    let hasFailed = false;
    const { destination } = open(disk, {
      policy: 'replace',
      before({ name }) {
        if (!SYNCS.has(name)) return undefined;
        count += 1;
        hasFailed ||= count === n;
        return count === n ? errno : undefined;
      },
    });
    const code = errno === 'ENOSPC' ? 'disk-full' : 'destination-unwritable';
    const delivery = new Delivery(destination, tree);
    let failure: unknown;
    try {
      const failures = [...(await delivery.fill().then(() => delivery.publish())).failures];
      assert.deepEqual(failures, []);
    } catch (error) {
      failure = error;
    }
    // What ends the session: a code of an entry would fail that alone.
    if (hasFailed) assert.ok(CourierError.is(failure, code), `sync ${n}: ${String(failure)}`);
    else assert.equal(failure, undefined);
    await destination.suspend();
    return hasFailed;
  }

  for (const [errno, options] of [
    ['EIO', {}],
    ['EIO', { hasSyncAll: false }],
    ['ENOSPC', {}],
  ] satisfies [string, SimDiskOptions][]) {
    test(`${errno} ${JSON.stringify(options)}: nothing that it covered is taken for good`, async () => {
      const tree = treeWith('hasSyncAll' in options ? 5 : 34);
      let n = 1;
      for (; ; n += 1) {
        const disk = new SimDisk(options);
        disk.plant(`${FOLDER}/merged/mine`, Buffer.from('mine'));
        disk.plant(`${FOLDER}/taken`, Buffer.from('old'));
        const before = disk.settled();
        if (!(await failNth(before, tree, n, errno))) break;
        await finish(before, tree, 'replace');
        checkPublished(afterPowerLoss(before), tree, { 'merged/mine': 'mine' });
      }
      assert.ok(n > 10, `only ${n} syncs`);
    });
  }

  for (const errno of ['EINVAL', 'ENOTSUP']) {
    test(`${errno}: the file system has none, and does without`, async () => {
      const disk = new SimDisk({ hasSyncAll: false });
      const { destination } = open(disk, { before: ({ name }) => (SYNCS.has(name) ? errno : undefined) });
      await new Delivery(destination, treeWith(5)).deliver();
      checkPublished(disk, treeWith(5));
    });
  }

  test('in the background, of a big file: the next write says so, and the file is fetched again', async () => {
    let time = 0;
    const disk = new SimDisk();
    const big = treeOf({ 'big.bin': new Uint8Array(24 * MIB).fill(1), other: 300_000 });
    const { destination } = open(disk, {
      now: () => (time += 1000),
      before: ({ name }) => (name === 'datasync' ? 'EIO' : undefined),
    });
    const delivery = new Delivery(destination, big);
    await delivery.plan();
    await delivery.writeMissing(delivery.file('big.bin'), { chunks: 16 * 4 });
    await quiet();
    await assert.rejects(delivery.write(delivery.file('other')), (error) =>
      CourierError.is(error, 'destination-unwritable'),
    );
    await destination.suspend();
    assert.equal(await finish(disk, big), 24 * MIB + 300_000);
    checkPublished(afterPowerLoss(disk), big);
  });

  test('of everything: it waits while names are announced and taken, or it could drop what was announced', async () => {
    let time = 0;
    const held: (() => void)[] = [];
    const disk = new SimDisk();
    const names = Array.from({ length: 256 }, (_, at) => `${1000 + at}`);
    const late = Array.from({ length: 100 }, (_, at) => [`z/${100 + at}`, 200_000] as const);
    const small = treeOf({
      ...Object.fromEntries(names.map((name) => [name, 1])),
      z: null,
      ...Object.fromEntries(late),
    });
    const { destination, calls } = open(disk, {
      now: () => (time += 1000),
      schedule(work, { name, location }) {
        if (name === 'sync' && location === FOLDER && countOf(calls, 'link') > 0) held.push(work);
        else work();
      },
    });
    const delivery = new Delivery(destination, small);
    await delivery.plan();
    const files = delivery.files.filter(({ entry }) => !entry.path.startsWith('z'));
    for (const file of delivery.files) await delivery.write(file);
    await quiet();
    const again = async (file: FileReference): Promise<void> => {
      await destination.discard(file);
      await delivery.write(file);
    };
    const before = countOf(calls, 'syncAll');
    const completing = Promise.all(files.map((file) => delivery.complete(file)));
    await quiet();
    assert.equal(held.length, 1, 'the names are taken, and their sync is under way');
    for (const file of delivery.files.slice(256)) await again(file);
    await quiet();
    const during = countOf(calls, 'syncAll');
    for (const release of held.splice(0)) release();
    await completing;
    await quiet();
    assert.deepEqual([during - before, countOf(calls, 'syncAll') - during], [1, 1]);
    await destination.suspend();
  });

  test('in the background, of small files: all of them are fetched again, and the journal stays', async () => {
    let time = 0;
    const disk = new SimDisk();
    const names = Array.from({ length: 256 + 100 }, (_, at) => `${1000 + at}`);
    const small = treeOf(Object.fromEntries(names.map((name, at) => [name, at < 256 ? 1 : 200_000])));
    let groups = 0;
    const { destination } = open(disk, {
      now: () => (time += 1000),
      // The first is of the group that was published.
      before: ({ name }) => (name === 'syncAll' && (groups += 1) > 1 ? 'EIO' : undefined),
    });
    const delivery = new Delivery(destination, small);
    await delivery.plan();
    await assert.rejects(
      async () => {
        for (const file of delivery.files) {
          await delivery.write(file);
          await delivery.complete(file);
          await quiet();
        }
      },
      (error) => CourierError.is(error, 'destination-unwritable'),
    );
    await destination.suspend();
    // What was published before is not published twice.
    assert.equal(await finish(disk, small), 100 * 200_000);
    checkPublished(afterPowerLoss(disk), small);
  });
});
