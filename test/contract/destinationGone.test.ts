/**
 * The receive folder is removed, renamed or unmounted, or its disk is full, while a transfer is received or between
 * two sessions of it. The transfer is interrupted, nothing is made elsewhere, and it goes on when all is back.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import type { Destination } from '../../src/transfer/ports.ts';
import { Delivery } from '../support/delivery.ts';
import { pictureOf } from '../support/folderPicture.ts';
import { treeBytes, treeOf } from '../support/memoryTree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { SimDisk } from '../support/simDisk.ts';

const ID = 'ab'.repeat(16);
/** By a clock on which there is a second between any two looks. */
let nowMs = 0;
const KEPT = { resume: true, keepsInterrupted: true, now: () => (nowMs += 1000) } as const;

const isUnwritable = (error: unknown): boolean => CourierError.is(error, 'destination-unwritable');

function received(t: TestContext): string {
  return join(scratchFolder(t), 'received');
}

suite('the folder of an interrupted transfer', () => {
  test('is made when the transfer begins, and never again', (t) => {
    const folder = join(received(t), 'in', 'it');
    const { identity } = ReceiveFolder.open(folder);
    assert.deepEqual(ReceiveFolder.reopen(folder, { id: ID, identity }).identity, identity);
    rmSync(join(folder, '..'), { recursive: true });
    assert.throws(() => ReceiveFolder.reopen(folder, { id: ID, identity }), isUnwritable);
    assert.throws(() => ReceiveFolder.reopen(folder, { id: ID, identity: undefined }), isUnwritable);
    assert.deepEqual(readdirSync(join(folder, '..', '..')), []);
  });

  test('is another one: only with what the transfer has left in it', async (t) => {
    const folder = received(t);
    const { identity } = ReceiveFolder.open(folder);
    // Renamed away so that its inode is not free for the next one.
    renameSync(folder, `${folder}-away`);
    mkdirSync(folder);
    assert.throws(() => ReceiveFolder.reopen(folder, { id: ID, identity }), isUnwritable);
    // Nobody knows: an older version did not write it down.
    ReceiveFolder.reopen(folder, { id: ID, identity: undefined });
    await ReceiveFolder.open(folder).openTransfer(ID, 'skip', KEPT).suspend();
    const reopened = ReceiveFolder.reopen(folder, { id: ID, identity });
    assert.ok(reopened.isInterrupted(ID));
    assert.throws(() => ReceiveFolder.reopen(folder, { id: 'cd'.repeat(16), identity }), isUnwritable);
  });

  test('is the same on another device, or under another number', () => {
    const disk = new SimDisk().mount();
    const { identity } = ReceiveFolder.open('/received', disk);
    for (const other of [
      { ...identity, dev: identity.dev + 1 },
      { ...identity, ino: identity.ino + 1 },
    ]) {
      assert.throws(() => ReceiveFolder.reopen('/received', { id: ID, identity: other }, disk), isUnwritable);
    }
  });

  test('is something else now', (t) => {
    const folder = received(t);
    const { identity } = ReceiveFolder.open(folder);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'a file');
    assert.throws(() => ReceiveFolder.reopen(folder, { id: ID, identity }), isUnwritable);
    rmSync(folder);
    symlinkSync('nowhere', folder);
    assert.throws(() => ReceiveFolder.reopen(folder, { id: ID, identity }), isUnwritable);
    assert.deepEqual(readdirSync(join(folder, '..')), ['received']);
  });

  test('is removed before the transfer is opened in it', (t) => {
    const folder = received(t);
    const receive = ReceiveFolder.open(folder);
    rmSync(folder, { recursive: true });
    assert.throws(() => receive.openTransfer(ID, 'skip', KEPT), isUnwritable);
    assert.ok(!existsSync(folder));
  });

  test('tells how much lies in it', async (t) => {
    const folder = received(t);
    const receive = ReceiveFolder.open(folder);
    assert.equal(receive.heldBytes(ID), 0);
    const destination = receive.openTransfer(ID, 'skip', KEPT);
    const delivery = new Delivery(destination, treeOf({ album: null, 'album/a': 600_000, b: 300_000, c: 5 }));
    await delivery.plan();
    await delivery.writeMissing(delivery.file('album/a'), { chunks: 1 });
    for (const path of ['b', 'c']) await delivery.write(delivery.file(path));
    assert.equal(receive.heldBytes(ID), 262_144 + 300_005);
    await destination.suspend();
    receive.discardTransfer(ID);
    assert.equal(receive.heldBytes(ID), 0);
  });
});

suite('the folder goes away in the middle of a transfer', () => {
  const tree = treeOf({
    album: null,
    'album/big': 600_000,
    'album/in': null,
    'album/in/small': 10,
    'f.big': 300_000,
    'f.small': 7,
  });
  type Step = (destination: Destination, delivery: Delivery) => Promise<unknown>;
  const write =
    (path: string): Step =>
    (_, delivery) =>
      delivery.write(delivery.file(path));
  const complete =
    (path: string): Step =>
    (_, delivery) =>
      delivery.complete(delivery.file(path));
  const steps: Readonly<Record<string, Step>> = {
    'a page is planned': (destination) =>
      destination.plan(1, new Delivery(destination, treeOf({ later: null, 'later/x': 1 })).entries),
    'a small file of a tree is written': write('album/in/small'),
    'a big file of a tree is written': write('album/big'),
    'a small file is written': write('f.small'),
    'a big file is written': write('f.big'),
    'it is published': (_, delivery) => delivery.publish(),
  };

  for (const [name, step] of Object.entries(steps)) {
    test(name, async (t) => {
      const folder = received(t);
      const receive = ReceiveFolder.open(folder);
      const destination = receive.openTransfer(ID, 'keep-both', KEPT);
      const delivery = new Delivery(destination, tree);
      await delivery.plan();
      let left = 0;
      if (name === 'it is published') {
        for (const file of delivery.files) {
          await delivery.write(file);
          await delivery.complete(file);
          left += file.entry.size;
        }
      }
      renameSync(folder, `${folder}-away`);
      await assert.rejects(step(destination, delivery), isUnwritable);
      await destination.suspend();
      assert.ok(!existsSync(folder), 'it was not made again');
      renameSync(`${folder}-away`, folder);
      const again = ReceiveFolder.reopen(folder, { id: ID, identity: receive.identity });
      const resumed = again.openTransfer(ID, 'keep-both', KEPT);
      const second = new Delivery(resumed, tree);
      assert.equal(await second.fill(), treeBytes(tree) - left);
      await second.publish();
      await resumed.abandon();
      const picture = pictureOf(folder);
      assert.deepEqual(Object.keys(picture).toSorted(), [...tree.keys()].toSorted());
    });
  }

  test('another one stands there: nothing is put into it', async (t) => {
    const folder = received(t);
    const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both', KEPT);
    const delivery = new Delivery(destination, tree);
    await delivery.plan();
    // A file that is open can still be written, and only its name shows that it leads nowhere any more.
    await delivery.write(delivery.file('f.big'));
    renameSync(folder, `${folder}-away`);
    mkdirSync(folder);
    await complete('f.big')(destination, delivery);
    await assert.rejects(delivery.publish(), isUnwritable);
    await destination.suspend();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('a part that somebody has cleaned up is no reason to stop: it fails alone', async (t) => {
    const folder = received(t);
    const destination = ReceiveFolder.open(folder).openTransfer(ID, 'keep-both', KEPT);
    const delivery = new Delivery(destination, treeOf({ a: 5, b: 6 }));
    await delivery.fill();
    const parts = join(folder, STAGING_FOLDER, ID, 'parts');
    rmSync(join(parts, readdirSync(parts)[0] ?? ''));
    const { failures, names } = await delivery.publish();
    assert.deepEqual([failures.map(({ reason }) => reason), names.length], [['disk-error'], 1]);
    await destination.abandon();
  });
});

suite('a full disk', () => {
  const tree = treeOf({ album: null, 'album/a': 400_000, 'album/b': 200_000, c: 300_000 });

  test('says how much is missing, keeps what is there, and goes on when there is room', async () => {
    const disk = new SimDisk({ capacityBytes: 1_000_000 });
    disk.plant('/ballast', Buffer.alloc(400_000));
    const open = (): Destination =>
      ReceiveFolder.open('/received', disk.mount()).openTransfer(ID, 'skip', KEPT);
    const first = open();
    const delivery = new Delivery(first, tree);
    const isFull = (error: unknown): boolean => {
      assert.ok(CourierError.is(error, 'disk-full'), String(error));
      const [, needed, free] = /^(\d+) bytes needed, (\d+) free$/u.exec(error.message) ?? [];
      assert.ok(Number(needed) > Number(free), error.message);
      return true;
    };
    await assert.rejects(delivery.fill(), isFull);
    await first.suspend();
    const again = open();
    await assert.rejects(new Delivery(again, tree).fill(), isFull);
    await again.suspend();
    disk.mount().unlink('/ballast');
    const last = open();
    const rest = new Delivery(last, tree);
    const sent = await rest.fill();
    assert.equal(sent, 500_000, 'the first file is there');
    assert.deepEqual((await rest.publish()).failures, []);
  });
});
