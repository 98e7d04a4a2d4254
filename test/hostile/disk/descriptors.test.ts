/** Folders are held while they are needed and no longer, and few of them; without room for more, things fail and go on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CourierError } from '../../../src/base/failure.ts';
import { FileSource } from '../../../src/node/disk/fileSource.ts';
import { preview } from '../../../src/node/disk/preview.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import type { Destination } from '../../../src/transfer/ports.ts';
import { Delivery } from '../../support/delivery.ts';
import { pictureOf } from '../../support/folderPicture.ts';
import { treeOf } from '../../support/memoryTree.ts';
import { scratchFolder } from '../../support/scratch.ts';

const ID = 'ef'.repeat(16);
const FEW = fileURLToPath(new URL('fewDescriptors.ts', import.meta.url));

/** How many files and folders this process has open. */
function openCount(): number {
  return readdirSync('/proc/self/fd').length;
}

/** A folder in a folder, so many times. */
function deep(levels: number, name = 'd'): string {
  return Array.from({ length: levels }, () => name).join('/');
}

test('nothing stays open of transfers that end, fail, are cancelled or suspended', async (t) => {
  const folder = scratchFolder(t);
  const folders = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`in/${deep(at + 1)}`, null]));
  const tree = treeOf({ in: null, ...folders, [`in/${deep(80)}/f`]: 5, 'in/big': 300_000, single: 7 });
  const ends: Readonly<Record<string, (each: Destination, delivery: Delivery) => Promise<unknown>>> = {
    published: (_, delivery) => delivery.publish(),
    cancelled: (each) => each.abandon(),
    suspended: (each) => each.suspend(),
    async 'its folder gone'(each, delivery) {
      renameSync(folder, `${folder}-away`);
      try {
        await assert.rejects(delivery.publish(), CourierError);
        await each.suspend();
      } finally {
        renameSync(`${folder}-away`, folder);
      }
    },
  };
  const run = async (keepsInterrupted: boolean): Promise<void> => {
    for (const end of Object.values(ends)) {
      const receive = ReceiveFolder.open(folder);
      const each = receive.openTransfer(ID, 'keep-both', { resume: true, keepsInterrupted });
      const delivery = new Delivery(each, tree);
      await delivery.fill();
      await end(each, delivery);
      // As a session does that has said good-bye.
      if (keepsInterrupted) await each.suspend();
      // What a list of transfers asks for.
      assert.ok(receive.heldBytes(ID) >= 0 && typeof receive.isInterrupted(ID) === 'boolean');
      receive.discardTransfer(ID);
    }
    const source = new FileSource([{ location: folder, name: 'folder' }]);
    for await (const item of source.list()) {
      if (item.type !== 'entry' || item.entry.kind !== 'file' || item.version === undefined) continue;
      await source.read(item.entry, item.version, 0, Math.min(item.entry.size, 100_000));
    }
    await source.close();
    const omit = { useGitignore: true, leaveOutSecrets: true };
    await preview([{ location: folder, name: 'folder' }], omit, { signal: new AbortController().signal });
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  };
  await run(true);
  const before = openCount();
  for (let round = 0; round < 4; round += 1) await run(round % 2 === 0);
  assert.equal(openCount(), before);
});

test('however deep it goes, few folders are open at once', async (t) => {
  const folder = scratchFolder(t);
  const files = systemFiles.below(folder);
  t.after(() => files.letGo());
  const before = openCount();
  let location = folder;
  for (let level = 0; level < 250; level += 1) {
    location = join(location, 'd');
    files.mkdir(location);
    files.open(join(location, 'f'), 'create').closeNow();
    assert.ok(openCount() <= before + 33, `${openCount() - before} at level ${level}`);
  }
  for (let level = 250; level > 0; level -= 1) {
    assert.deepEqual([...files.readdir(location)].toSorted(), level === 250 ? ['f'] : ['d', 'f']);
    location = join(location, '..');
    assert.ok(openCount() <= before + 33);
  }
  files.letGo();
  assert.ok(openCount() <= before);
});

test('a tree of a thousand levels and names of any bytes is removed, and nothing that its links lead to', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside', 'kept'), 'kept');
  const top = join(folder, 'tree');
  mkdirSync(top);
  // Deeper than any location may be long: made from the inside.
  const [inner, outer, longName] = [join(folder, 'inner'), join(folder, 'outer'), 'n'.repeat(200)];
  mkdirSync(inner);
  for (let level = 0; level < 1000; level += 1) {
    mkdirSync(outer);
    writeFileSync(join(outer, 'file'), '');
    symlinkSync(join(folder, 'outside'), join(outer, 'link'));
    renameSync(inner, join(outer, longName));
    renameSync(outer, inner);
  }
  renameSync(inner, join(top, longName));
  for (const bytes of [
    [0xff, 0xfe],
    [0x61, 0xe9],
  ]) {
    const name = Buffer.concat([Buffer.from(`${top}/`), Buffer.from(bytes)]);
    mkdirSync(name);
    writeFileSync(Buffer.concat([name, Buffer.from('/'), Buffer.from(bytes)]), '');
  }
  symlinkSync(join(folder, 'outside'), join(top, 'link'));
  const files = systemFiles.below(folder);
  const before = openCount();
  files.removeTree(top);
  assert.equal(openCount(), before);
  files.letGo();
  assert.deepEqual(pictureOf(folder), { outside: '<folder>', 'outside/kept': 'kept' });
});

test('without room for more open files, entries fail, nothing escapes, and nothing stays open', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'sent', deep(8)), { recursive: true });
  for (let at = 0; at < 8; at += 1) writeFileSync(join(folder, 'sent', deep(at + 1), `file ${at}`), 'text');
  mkdirSync(join(folder, 'received'));
  mkdirSync(join(folder, 'deep', deep(150)), { recursive: true });
  const command = `ulimit -n 64 && exec "$0" "$@"`;
  const told = execFileSync('sh', ['-c', command, process.execPath, FEW, folder], { encoding: 'utf8' });
  const { leaked, outcomes, arrived } = JSON.parse(told) as {
    leaked: number;
    outcomes: Record<string, number>;
    arrived: boolean;
  };
  t.diagnostic(JSON.stringify(outcomes));
  assert.equal(leaked, 0);
  assert.ok(!existsSync(join(folder, 'deep')), 'what is deep was removed with few folders open');
  assert.equal(arrived, true, 'with room again, all is well');
  const codes = new Set([
    'listed',
    'read',
    'received',
    'left-out',
    'source-unreadable',
    'disk-error',
    'destination-unwritable',
  ]);
  assert.deepEqual(
    Object.keys(outcomes).filter((code) => !codes.has(code)),
    [],
  );
  for (const code of ['left-out', 'source-unreadable', 'destination-unwritable']) {
    assert.ok((outcomes[code] ?? 0) > 0, `${code} was met`);
  }
  assert.ok(!existsSync(join(folder, 'received', STAGING_FOLDER)));
});

test('a folder that a user renames while files are published in it: the rest goes where its name leads', async (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'album'));
  const many = (from: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: 256 }, (_, at) => [`album/${from + at}`, 3]));
  const destination = ReceiveFolder.open(folder).openTransfer(ID, 'replace');
  const delivery = new Delivery(destination, treeOf({ album: null, ...many(1000), ...many(2000) }));
  await delivery.plan();
  const [first, second] = [delivery.files.slice(0, 256), delivery.files.slice(256)];
  for (const file of first) await delivery.write(file).then(() => delivery.complete(file));
  assert.equal(readdirSync(join(folder, 'album')).length, 256, 'a group is published');
  renameSync(join(folder, 'album'), join(folder, 'photos'));
  mkdirSync(join(folder, 'album'));
  for (const file of second) await delivery.write(file).then(() => delivery.complete(file));
  await delivery.publish();
  assert.equal(readdirSync(join(folder, 'photos')).length, 256);
  assert.equal(readdirSync(join(folder, 'album')).length, 256);
});

test('what a call fails with names the place, not a number of ours', (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const files = systemFiles.below(folder);
  t.after(() => files.letGo());
  mkdirSync(join(folder, 'in'));
  for (const [call, location] of [
    [() => files.unlink(join(folder, 'in', 'x')), join(folder, 'in', 'x')],
    [() => files.mkdir(join(folder, 'file')), join(folder, 'file')],
    [() => files.mkdir(join(folder, 'file', 'x')), join(folder, 'file')],
  ] as const) {
    assert.throws(call, (error) => error instanceof Error && error.message.includes(`'${location}'`));
  }
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), '');
});
