import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { isPacked } from '../../src/protocol/chunkLayout.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import type { Destination } from '../../src/transfer/ports.ts';
import { Delivery, DELIVERED_MS } from '../support/delivery.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { MemoryDestination } from '../support/memoryDestination.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { randomTree, treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';
import { scratchFolder } from '../support/scratch.ts';

const ID = '00112233445566778899aabbccddeeff';

interface Opened {
  readonly destination: Destination;
  /** What stands under real names: bytes, or `undefined` for a folder. */
  readonly published: () => ReadonlyMap<string, Uint8Array | undefined>;
}

const implementations: Readonly<Record<string, (t: TestContext, tree: MemoryTree) => Opened>> = {
  memory(_t, expected) {
    const destination = new MemoryDestination({ expected });
    return {
      destination,
      published: () => {
        assert.deepEqual(destination.misuse, []);
        return destination.published;
      },
    };
  },
  folder(t) {
    const { folder, destination } = openFolder(t);
    return { destination, published: () => contentOf(folder) };
  },
};

function openFolder(
  t: TestContext,
  onConflict: ConflictPolicy = 'keep-both',
): { folder: string; destination: Destination } {
  const folder = join(scratchFolder(t), 'received');
  return { folder, destination: ReceiveFolder.open(folder).openTransfer(ID, onConflict) };
}

function contentOf(folder: string): Map<string, Uint8Array | undefined> {
  const picture = Object.entries(pictureOf(folder, STAGING_FOLDER));
  return new Map(
    picture.map(([path, what]) => [path, what === '<folder>' ? undefined : Buffer.from(what, 'latin1')]),
  );
}

function checkPublished(opened: Opened, tree: MemoryTree): void {
  const published = opened.published();
  assert.deepEqual([...published.keys()].toSorted(), [...tree.keys()].toSorted());
  for (const [path, node] of tree) {
    const bytes = published.get(path);
    if (node.kind === 'folder') assert.equal(bytes, undefined, path);
    else {
      assert.ok(node.kind === 'file' && bytes !== undefined && Buffer.from(node.bytes).equals(bytes), path);
    }
  }
}

const mixed = treeOf({
  'big.bin': 700_001,
  'empty folder': null,
  'nothing.txt': 0,
  album: null,
  'album/2024': null,
  'album/2024/deep': null,
  'album/2024/deep/a.jpg': 600_000,
  'album/2024/b.jpg': 12,
  'album/empty': null,
  'album/zero': 0,
  'small.txt': 100,
});

for (const [name, open] of Object.entries(implementations)) {
  test(`${name}: files, a tree and empty folders arrive as they were`, async (t) => {
    const opened = open(t, mixed);
    const { failures } = await new Delivery(opened.destination, mixed).deliver();
    assert.deepEqual(failures, []);
    checkPublished(opened, mixed);
  });

  test(`${name}: random trees arrive as they were`, async (t) => {
    for (let seed = 0; seed < 12; seed += 1) {
      const tree = randomTree(new MemoryRandom(seed));
      const opened = open(t, tree);
      await new Delivery(opened.destination, tree).deliver();
      checkPublished(opened, tree);
    }
  });

  test(`${name}: nothing is to be seen before it is published`, async (t) => {
    const opened = open(t, mixed);
    const delivery = new Delivery(opened.destination, mixed);
    assert.deepEqual(new Set(Object.values(await delivery.plan())), new Set(['take']));
    assert.equal(opened.published().size, 0);
    for (const file of delivery.files) await delivery.write(file);
    assert.equal(opened.published().size, 0);
    for (const file of delivery.files) await delivery.complete(file);
    assert.equal(opened.published().size, 0);
    await delivery.publish();
    checkPublished(opened, mixed);
  });

  test(`${name}: what is discarded is not published, the rest is`, async (t) => {
    const opened = open(t, mixed);
    const delivery = new Delivery(opened.destination, mixed);
    await delivery.plan();
    const discarded = new Set(['big.bin', 'album/2024/deep/a.jpg', 'small.txt', 'album/zero']);
    for (const file of delivery.files) {
      if (!discarded.has(file.entry.path)) {
        await delivery.write(file);
        await delivery.complete(file);
        continue;
      }
      // One half-written, one whole, one never begun.
      if (file.entry.path === 'big.bin') {
        await opened.destination.write(file, 0, bytesOf('big.bin').subarray(0, 262_144));
      } else if (file.entry.path === 'small.txt') await delivery.write(file);
      await opened.destination.discard(file);
    }
    assert.deepEqual((await delivery.publish()).failures, []);
    checkPublished(opened, new Map([...mixed].filter(([path]) => !discarded.has(path))));
  });

  test(`${name}: small files are stored together`, async (t) => {
    const opened = open(t, mixed);
    const delivery = new Delivery(opened.destination, mixed);
    await delivery.plan();
    const [small, big] = [true, false].map((isSmall) =>
      delivery.files.filter(({ entry }) => isPacked(entry.size) === isSmall),
    );
    assert.deepEqual(new Set(await delivery.store(small ?? [])), new Set([undefined]));
    for (const file of big ?? []) {
      await delivery.write(file);
      await delivery.complete(file);
    }
    assert.deepEqual((await delivery.publish()).failures, []);
    checkPublished(opened, mixed);
  });

  test(`${name}: what is abandoned leaves nothing`, async (t) => {
    for (const until of ['plan', 'write', 'complete']) {
      const opened = open(t, mixed);
      const delivery = new Delivery(opened.destination, mixed);
      await delivery.plan();
      if (until !== 'plan') for (const file of delivery.files) await delivery.write(file);
      if (until === 'complete') for (const file of delivery.files) await delivery.complete(file);
      await opened.destination.abandon();
      assert.equal(opened.published().size, 0, until);
    }
  });

  test(`${name}: an offer of nothing is published`, async (t) => {
    const opened = open(t, new Map());
    assert.deepEqual(await new Delivery(opened.destination, new Map()).deliver(), {
      failures: [],
      names: [],
    });
  });
}

function bytesOf(path: string): Uint8Array {
  const node = mixed.get(path);
  if (node?.kind !== 'file') throw new Error(path);
  return node.bytes;
}

test('folder: the names tell what stands at the top now', async (t) => {
  const { destination } = openFolder(t);
  const { names } = await new Delivery(destination, mixed).deliver();
  assert.deepEqual(names.toSorted(), ['album', 'big.bin', 'empty folder', 'nothing.txt', 'small.txt']);
});

test('folder: no more than a few names are told', async (t) => {
  const { destination } = openFolder(t);
  const tree = treeOf(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`${at}`, 1])));
  assert.equal((await new Delivery(destination, tree).deliver()).names.length, 8);
});

test('folder: times come to the millisecond, of files and of folders', async (t) => {
  for (const mtimeMs of [DELIVERED_MS, 0, 1, -1, -86_400_001, 4_102_444_800_999, -1_234_567_890_123]) {
    const { folder, destination } = openFolder(t);
    await new Delivery(destination, mixed, mtimeMs).deliver();
    for (const path of mixed.keys()) {
      assert.equal(Math.floor(statSync(join(folder, path)).mtimeMs), mtimeMs, `${path} at ${mtimeMs}`);
    }
  }
});

test('folder: no time comes back a millisecond early', async (t) => {
  const folder = scratchFolder(t);
  for (let at = 0; at < 200; at += 1) {
    const mtimeMs = 1_600_000_000_000 + at * 1_234_567_891;
    systemFiles.setTime(folder, mtimeMs);
    // To the nanosecond: as a double the time may have been rounded up on its way here.
    assert.equal(statSync(folder, { bigint: true }).mtimeNs / 1_000_000n, BigInt(mtimeMs));
  }
});

test('folder: of the modes only that the owner may run it', async (t) => {
  const script = new Uint8Array(300_000);
  const tree: MemoryTree = new Map([
    ['plain', { kind: 'file', bytes: Uint8Array.of(1) }],
    ['run', { kind: 'file', bytes: Uint8Array.of(1), isExecutable: true }],
    ['tree', { kind: 'folder' }],
    ['tree/plain', { kind: 'file', bytes: script }],
    ['tree/run', { kind: 'file', bytes: script, isExecutable: true }],
  ]);
  const umask = process.umask(0o027);
  try {
    const { folder, destination } = openFolder(t);
    await new Delivery(destination, tree).deliver();
    const modes = [...tree.keys()].map((path) => (statSync(join(folder, path)).mode % 0o10000).toString(8));
    assert.deepEqual(modes, ['640', '750', '750', '640', '750']);
  } finally {
    process.umask(umask);
  }
});

test('folder: holes stay holes', async (t) => {
  const { folder, destination } = openFolder(t);
  const bytes = new Uint8Array(16 * 1024 * 1024);
  bytes[9_000_000] = 1;
  await new Delivery(destination, treeOf({ sparse: bytes, zeros: new Uint8Array(4_000_000) })).deliver();
  assert.ok(Buffer.from(bytes).equals(readFileSync(join(folder, 'sparse'))));
  assert.equal(statSync(join(folder, 'zeros')).size, 4_000_000);
  assert.ok(statSync(join(folder, 'sparse')).blocks * 512 <= 512 * 1024);
  assert.equal(statSync(join(folder, 'zeros')).blocks, 0);
});

test('folder: a tree is published whole, by one rename of what was built', async (t) => {
  const { folder, destination } = openFolder(t);
  const delivery = new Delivery(destination, mixed);
  await delivery.plan();
  await delivery.writeAll();
  const built = join(folder, STAGING_FOLDER, ID, 'tree', 'album');
  const inode = statSync(built).ino;
  assert.ok(existsSync(join(built, '2024', 'deep', 'a.jpg')));
  await delivery.publish();
  assert.equal(statSync(join(folder, 'album')).ino, inode);
});

test('folder: staging is closed to others, and gone in the end', async (t) => {
  const { folder, destination } = openFolder(t);
  const staging = join(folder, STAGING_FOLDER);
  for (const location of [staging, join(staging, ID)]) assert.equal(statSync(location).mode % 0o1000, 0o700);
  await new Delivery(destination, mixed).deliver();
  assert.equal(existsSync(staging), false);
  const again = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both');
  await new Delivery(again, mixed).plan();
  await again.abandon();
  assert.equal(existsSync(staging), false);
});

test('folder: no descriptor is left open', { skip: process.platform !== 'linux' }, async (t) => {
  const openNow = (): number => readdirSync('/proc/self/fd').length;
  const tree = treeOf({ a: 300_000, b: 300_000, c: 300_000 });
  const { folder } = openFolder(t);
  for (const name of ['a', 'b', 'c']) {
    await new Delivery(openAgain(folder, '1'), treeOf({ [name]: 400_000 })).deliver();
  }
  const before = openNow();
  for (const end of ['publish', 'discard', 'abandon']) {
    const destination = openAgain(folder, end);
    const delivery = new Delivery(destination, tree, DELIVERED_MS + 1);
    await delivery.plan();
    for (const file of delivery.files) {
      assert.ok((await destination.readHeld(file, 0, 1000)) !== undefined, end);
      await delivery.write(file);
      if (end === 'publish') await delivery.complete(file);
      if (end === 'discard') await destination.discard(file);
    }
    if (end === 'publish') await delivery.publish();
    else await destination.abandon();
    assert.equal(openNow(), before, end);
  }
});

function openAgain(folder: string, name: string): Destination {
  const id = Buffer.from(name.padEnd(16)).toString('hex');
  return ReceiveFolder.open(folder).openTransfer(id, 'replace');
}

test('folder: of small files that are stored together one fails, and the others are published', async (t) => {
  const { folder, destination } = openFolder(t);
  const tree = treeOf({ tree: null, 'tree/a': 5, 'tree/b': 6, 'tree/c': 7 });
  const delivery = new Delivery(destination, tree);
  await delivery.plan();
  const staged = join(folder, STAGING_FOLDER, ID, 'tree', 'tree', 'b');
  mkdirSync(staged);
  assert.deepEqual(await delivery.store(delivery.files), [undefined, 'name-taken', undefined]);
  await destination.discard(delivery.file('tree/b'));
  assert.deepEqual((await delivery.publish()).failures, []);
  assert.deepEqual([...contentOf(folder).keys()], ['tree', 'tree/a', 'tree/c']);
});

test('folder: many files at the top are published in groups, and stay when the rest is abandoned', async (t) => {
  const { folder, destination } = openFolder(t);
  const names = Array.from({ length: 300 }, (_, at) => `file ${String(at).padStart(3, '0')}`);
  const delivery = new Delivery(destination, treeOf(Object.fromEntries(names.map((name, at) => [name, at]))));
  await delivery.plan();
  await delivery.writeAll();
  assert.deepEqual(Object.keys(pictureOf(folder, STAGING_FOLDER)).toSorted(), names.slice(0, 256));
  await destination.abandon();
  assert.deepEqual(readdirSync(folder).toSorted(), names.slice(0, 256));
});
