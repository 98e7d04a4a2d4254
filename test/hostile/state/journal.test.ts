import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { JOURNAL, PublishedJournal } from '../../../src/node/disk/publishedJournal.ts';
import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { writeNow } from '../../../src/node/disk/wholeFile.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import type { Destination } from '../../../src/transfer/ports.ts';
import { Delivery, DELIVERED_MS } from '../../support/delivery.ts';
import { treeOf } from '../../support/memoryTree.ts';
import type { MemoryTree } from '../../support/memoryTree.ts';
import { portPictureOf } from '../../support/portPicture.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';

/** The journal of what a transfer has published, tampered with between two of its sessions. */

const ID = '00112233445566778899aabbccddeeff';
const FOLDER = '/home/somebody/received';
const STAGING = `${FOLDER}/${STAGING_FOLDER}`;
const PLACE = `${STAGING}/${ID}/${JOURNAL}`;

const tree = treeOf({ 'a.txt': 30, album: null, 'album/b': 40, 'z.txt': 50 });
/** A stranger's, with a name that one of ours wants. */
const STRANGER = 'not ours';

function openIn(disk: SimDisk, policy: ConflictPolicy, resume: boolean): Destination {
  return ReceiveFolder.open(FOLDER, disk.mount()).openTransfer(ID, policy, {
    resume,
    keepsInterrupted: true,
    now: () => 0,
  });
}

function write(disk: SimDisk, location: string, bytes: Uint8Array): void {
  const mount = disk.mount();
  mount.removeTree(location);
  const file = mount.open(location, 'create');
  file.writeNow(bytes, 0);
  file.closeNow();
}

/** All is published, but for the receipt: the journal names each file and the folder. */
async function published(policy: ConflictPolicy): Promise<SimDisk> {
  const disk = new SimDisk();
  const mount = disk.mount();
  ReceiveFolder.open(FOLDER, mount);
  if (policy === 'keep-both') write(disk, `${FOLDER}/a.txt`, Buffer.from(STRANGER));
  const destination = openIn(disk, policy, false);
  await new Delivery(destination, tree).deliver();
  await destination.suspend();
  return disk;
}

/** Goes on with what is there until all is done. */
async function finish(disk: SimDisk, policy: ConflictPolicy): Promise<void> {
  const destination = openIn(disk, policy, true);
  const delivery = new Delivery(destination, tree);
  await delivery.fill();
  const { failures } = await delivery.publish();
  assert.deepEqual(failures, []);
  await destination.abandon();
}

/** Something outside the receive folder that looks like what is offered. */
function plantOutside(disk: SimDisk): void {
  const outside = '/home/somebody/a.txt';
  write(disk, outside, Buffer.alloc(30, 'x'));
  disk.mount().setTime(outside, DELIVERED_MS);
}

function journalOf(disk: SimDisk): Buffer {
  return Buffer.from(portPictureOf(disk.mount(), `${STAGING}/${ID}`)[JOURNAL] ?? '', 'latin1');
}

/** Each file of the tree stands there whole, under its name or one made from it, and whatever was there still does. */
function checkArrived(disk: SimDisk, before: Readonly<Record<string, string>>, what: string): void {
  const picture = portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER);
  for (const [path, content] of Object.entries(before)) {
    assert.equal(picture[path], content, `${path}: ${what}`);
  }
  const contents = contentsOf(tree);
  for (const [path, content] of contents) {
    assert.ok(Object.values(picture).includes(content), `${path} is not there: ${what}`);
  }
  const known = new Set([...contents.values(), STRANGER, '<folder>']);
  for (const [path, content] of Object.entries(picture)) {
    assert.ok(known.has(content), `${path} holds what was never sent: ${what}`);
  }
  assert.equal(disk.mount().lstat(STAGING), undefined, `staging is left: ${what}`);
}

function contentsOf(offered: MemoryTree): ReadonlyMap<string, string> {
  return new Map(
    [...offered].flatMap(([path, node]): [string, string][] =>
      node.kind === 'file' ? [[path, Buffer.from(node.bytes).toString('latin1')]] : [],
    ),
  );
}

for (const policy of ['keep-both', 'skip', 'replace'] as const) {
  test(`case 70: any byte of the journal flipped, ${policy}: the resumed transfer ends in the right files`, async () => {
    const disk = await published(policy);
    const journal = journalOf(disk);
    assert.ok(journal.length > 3 * '["a.txt","a.txt"]'.length, `a journal of ${journal.length} bytes`);
    const before = portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER);
    for (let at = 0; at < journal.length; at += 1) {
      for (const bit of [0x01, 0x20, 0x80]) {
        const image = disk.killedAfter(disk.operations.length);
        const flipped = Buffer.from(journal);
        flipped[at] = (flipped[at] ?? 0) ^ bit;
        write(image, PLACE, flipped);
        await finish(image, policy);
        checkArrived(image, before, `byte ${at}, bit ${bit}: ${flipped.toString('latin1')}`);
      }
    }
  });
}

const strange: Readonly<Record<string, Uint8Array>> = {
  empty: new Uint8Array(0),
  'of another transfer': Buffer.from('\n["other","other"]\n["a.txt","z.txt"]\n["album","a.txt"]\n'),
  'of a newer version': Buffer.from('\n{"version":2}\n{"path":"a.txt","name":"a.txt"}\n'),
  'of zeros': Buffer.alloc(100_000),
  'with names that climb': Buffer.from('\n["a.txt","../a.txt"]\n["album","/etc"]\n["z.txt","album/b"]\n'),
  'with one line of a million characters': Buffer.from(`\n["a.txt","${'a'.repeat(1_000_000)}"]\n`),
};

for (const [what, bytes] of Object.entries(strange)) {
  test(`case 71: a journal ${what} is ignored, and the resumed transfer ends in the right files`, async () => {
    const disk = await published('keep-both');
    const before = portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER);
    write(disk, PLACE, bytes);
    plantOutside(disk);
    await finish(disk, 'keep-both');
    checkArrived(disk, before, what);
  });
}

test('case 70: without any damage nothing is published twice', async () => {
  const disk = await published('keep-both');
  const before = portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER);
  assert.equal(Object.keys(before).length, tree.size + 1);
  await finish(disk, 'keep-both');
  assert.deepEqual(portPictureOf(disk.mount(), FOLDER, STAGING_FOLDER), before);
});

test('case 71: a journal of 10 GiB of zeros is read no further than one could be ours, and holds nothing', (t) => {
  const staging = scratchFolder(t);
  const file = systemFiles.open(join(staging, JOURNAL), 'create');
  file.truncate(10 * 1024 ** 3);
  file.closeNow();
  assert.equal(new PublishedJournal({ disk: systemFiles, root: staging, staging }).read().size, 0);
});

test('a journal of many names is read whole, wherever a piece of it ends', (t) => {
  const staging = scratchFolder(t);
  const names = Array.from({ length: 50_000 }, (_, at) => [`é${at}`, `é${at} (2)`] as const);
  const file = systemFiles.open(join(staging, JOURNAL), 'create');
  writeNow(file, Buffer.from(names.map((each) => `\n${JSON.stringify(each)}\n`).join('')), 0);
  file.closeNow();
  const read = new PublishedJournal({ disk: systemFiles, root: staging, staging }).read();
  assert.deepEqual([...read], names);
});
