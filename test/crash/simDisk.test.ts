/** What the simulated disk says of power losses, on which all the suites beside this one rest. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errnoOf } from '../../src/node/disk/errno.ts';
import type { OpenFile } from '../../src/node/disk/fileSystem.ts';
import { tearsOf } from '../support/simCrash.ts';
import type { CrashChoice } from '../support/simCrash.ts';
import { SimDisk } from '../support/simDisk.ts';
import type { SimDiskOptions } from '../support/simDisk.ts';
import { SimDeadError } from '../support/simError.ts';
import type { SimMount } from '../support/simMount.ts';

const NOTHING: CrashChoice = { keeps: () => false };
const EVERYTHING: CrashChoice = { keeps: () => true };

function emptyDisk(options?: SimDiskOptions): SimDisk {
  const disk = new SimDisk(options);
  for (const folder of ['/a', '/b']) disk.plant(folder, 'folder');
  return disk.settled();
}

function write(mount: SimMount, location: string, text: string): OpenFile {
  const file = mount.open(location, 'create');
  file.writeNow(Buffer.from(text), 0);
  return file;
}

async function syncFolder(mount: SimMount, location: string): Promise<void> {
  const folder = mount.open(location, 'read');
  await folder.sync();
  await folder.close();
}

/** What lies on a disk: paths, and texts of files. */
function contentsOf(disk: SimDisk): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const [path, { kind, content }] of disk.picture('/')) {
    const bytes = Buffer.alloc(content.size);
    content.read(bytes, 0);
    contents[path] = kind === 'file' ? bytes.toString() : `<${kind}>`;
  }
  return contents;
}

/** What is found when the power goes now. */
function left(disk: SimDisk, choice: CrashChoice = NOTHING): Record<string, string> {
  const { a, b, ...contents } = contentsOf(disk.imageAfter(disk.operations.length, choice));
  assert.deepEqual({ a, b }, { a: '<folder>', b: '<folder>' });
  return contents;
}

suite('what lasts over a power loss', () => {
  test('nothing that was not synced, or anything of it', () => {
    const disk = emptyDisk();
    write(disk.mount(), '/a/f', 'text');
    assert.deepEqual(left(disk), {});
    assert.deepEqual(left(disk, EVERYTHING), { 'a/f': 'text' });
    assert.deepEqual(left(disk, { keeps: (index) => index === 0 }), { 'a/f': '' }, 'the name alone');
    assert.deepEqual(left(disk, { keeps: (index) => index === 1 }), {}, 'the content alone');
  });

  test("a file's sync covers its content, and not its name", async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    await write(mount, '/a/f', 'text').sync();
    assert.deepEqual(left(disk), {});
    await syncFolder(mount, '/a');
    assert.deepEqual(left(disk), { 'a/f': 'text' });
  });

  test("a folder's sync covers the names in it, and not what they lead to, nor its own", async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    write(mount, '/a/f', 'text');
    mount.mkdir('/a/d');
    write(mount, '/a/d/g', 'more');
    await syncFolder(mount, '/a/d');
    assert.deepEqual(left(disk), {});
    await syncFolder(mount, '/a');
    assert.deepEqual(left(disk), { 'a/f': '', 'a/d': '<folder>', 'a/d/g': '' });
  });

  test('everything, by one sync, of what was done before it began', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    write(mount, '/a/f', 'text');
    const syncing = mount.syncAll('/a');
    write(mount, '/b/g', 'too late');
    assert.equal(await syncing, true);
    assert.deepEqual(left(disk), { 'a/f': 'text' });
  });

  test('what is written while a sync is under way is not covered', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    const file = write(mount, '/a/f', 'text');
    await syncFolder(mount, '/a');
    const syncing = file.sync();
    file.writeNow(Buffer.from('TEXT'), 0);
    await syncing;
    assert.deepEqual(left(disk), { 'a/f': 'text' });
    assert.deepEqual(left(disk, EVERYTHING), { 'a/f': 'TEXT' });
  });

  test('datasync covers the content, and neither time nor mode', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    const file = write(mount, '/a/f', 'text');
    await syncFolder(mount, '/a');
    file.setTime(5);
    file.chmod(0o600);
    await file.datasync();
    const look = (): unknown => {
      const there = disk.imageAfter(disk.operations.length, NOTHING).picture('/a').get('f');
      return [there?.content.size, there?.mtimeMs === 5, there?.mode];
    };
    assert.deepEqual(look(), [4, false, 0o644]);
    await file.sync();
    assert.deepEqual(look(), [4, true, 0o600]);
  });

  test('a rename happens whole or not at all; the sync of where it leads covers it', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    await write(mount, '/a/f', 'new').sync();
    await write(mount, '/b/g', 'old').sync();
    await syncFolder(mount, '/a');
    await syncFolder(mount, '/b');
    mount.rename('/a/f', '/b/g');
    const [before, after] = [{ 'a/f': 'new', 'b/g': 'old' }, { 'b/g': 'new' }];
    assert.deepEqual(left(disk), before);
    assert.deepEqual(left(disk, EVERYTHING), after);
    await syncFolder(mount, '/a');
    assert.deepEqual(left(disk), before);
    await syncFolder(mount, '/b');
    assert.deepEqual(left(disk), after);
  });

  test('a file that lost its first name lasts under its second', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    await write(mount, '/a/f', 'text').sync();
    mount.link('/a/f', '/b/g');
    mount.unlink('/a/f');
    await syncFolder(mount, '/b');
    assert.deepEqual(left(disk), { 'b/g': 'text' });
    assert.equal(disk.imageAfter(disk.operations.length, NOTHING).picture('/b').get('g')?.nlink, 1);
  });

  test('a lost write in the middle is a hole', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    const file = write(mount, '/a/f', 'one');
    file.writeNow(Buffer.from('two'), 3);
    await syncFolder(mount, '/a');
    assert.deepEqual(left(disk, { keeps: (index) => index !== 1 }), { 'a/f': '\0\0\0two' });
  });

  test('a write is torn at a multiple of a sector, or in its middle', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    const file = write(mount, '/a/f', 'x'.repeat(500));
    file.writeNow(Buffer.from('y'.repeat(100)), 500);
    await syncFolder(mount, '/a');
    const sizes = tearsOf(disk.operations[2], 512).map((tear) => {
      const text = left(disk, { ...EVERYTHING, torn: { operation: 2, tear } })['a/f'] ?? '';
      return [text.length, text.split('y').length - 1];
    });
    assert.deepEqual(sizes, [
      [512, 12],
      [600, 88],
      [600, 0],
    ]);
    assert.deepEqual(tearsOf(disk.operations[1], 512)[0], { kind: 'head', bytes: 250 });
    assert.deepEqual(tearsOf(disk.operations[0], 512), [], 'not a write');
  });

  test('what a sync failed to write is written by no later one', async () => {
    let fault: string | undefined;
    const disk = emptyDisk();
    const mount = disk.mount({ before: ({ name }) => (name === 'sync' ? fault : undefined) });
    const file = write(mount, '/a/f', 'lost');
    await syncFolder(mount, '/a');
    fault = 'EIO';
    await assert.rejects(file.sync(), { code: 'EIO' });
    fault = undefined;
    await file.sync();
    assert.deepEqual(left(disk), { 'a/f': '' });
    assert.deepEqual(contentsOf(disk)['a/f'], 'lost', 'it is still to be seen');
    file.writeNow(Buffer.from('kept'), 0);
    await file.sync();
    assert.deepEqual(left(disk), { 'a/f': 'kept' });
  });

  test('after a kill all is there, and still not durable', async () => {
    const disk = emptyDisk();
    write(disk.mount(), '/a/f', 'text');
    const after = disk.killedAfter(disk.operations.length);
    assert.deepEqual(contentsOf(after)['a/f'], 'text');
    assert.deepEqual(left(after), {});
    const mount = after.mount();
    const file = mount.open('/a/f', 'update');
    await file.sync();
    await syncFolder(mount, '/a');
    assert.deepEqual(left(after), { 'a/f': 'text' });
    assert.deepEqual(left(disk), {}, 'another disk');
  });
});

suite('a process that is killed', () => {
  test('neither sees nor does anything any more; the next one does', async () => {
    const disk = emptyDisk();
    const mount = disk.mount();
    const file = write(mount, '/a/f', 'text');
    let cameBack = false;
    const note = (): void => {
      cameBack = true;
    };
    file.write(Buffer.from('TEXT'), 0).then(note, note);
    file.sync().then(note, note);
    mount.kill();
    file.close().then(note, note);
    mount.freeBytes('/').then(note, note);
    assert.throws(() => mount.lstat('/a'), SimDeadError);
    assert.throws(() => file.stat(), SimDeadError);
    await new Promise(setImmediate);
    assert.equal(cameBack, false);
    assert.equal(contentsOf(disk)['a/f'], 'text');
    assert.deepEqual(disk.mount().readdir('/a'), ['f']);
  });

  test('by the one who is asked before each call', () => {
    const disk = emptyDisk();
    const mount: SimMount = disk.mount({
      before: (_, index) => {
        if (index === 1) mount.kill();
        return undefined;
      },
    });
    mount.mkdir('/a/d');
    assert.throws(() => mount.mkdir('/a/e'), SimDeadError);
    assert.deepEqual(disk.mount().readdir('/a'), ['d']);
  });
});

suite('faults', () => {
  test('the n-th call fails, or does less than it was asked to', async () => {
    const faults = [undefined, 'EACCES', 3, 2, 'EIO'];
    const names: string[] = [];
    const mount = emptyDisk().mount({
      before: ({ name, location, length = 0 }, index) => {
        names.push(`${name} ${location} ${length}`);
        return faults[index];
      },
    });
    const file = mount.open('/a/f', 'create');
    assert.throws(() => mount.mkdir('/a/d'), { code: 'EACCES', syscall: 'mkdir' });
    assert.equal(file.writeNow(Buffer.from('abcdef'), 0), 3);
    assert.equal(await file.write(Buffer.from('def'), 3), 2);
    await assert.rejects(file.datasync(), { code: 'EIO' });
    assert.deepEqual(names, [
      'open /a/f 0',
      'mkdir /a/d 0',
      'writeNow /a/f 6',
      'write /a/f 3',
      'datasync /a/f 0',
    ]);
    assert.equal(mount.calls, 5);
  });

  test('a full disk: as much as fits, then ENOSPC; what is removed makes room', async () => {
    const disk = emptyDisk({ capacityBytes: 3000 });
    const mount = disk.mount();
    const file = mount.open('/a/f', 'create');
    const free = await mount.freeBytes('/a');
    assert.ok(free > 1000 && free < 3000);
    assert.equal(file.writeNow(new Uint8Array(5000).fill(1), 0), free);
    assert.throws(() => file.writeNow(new Uint8Array(1), free), { code: 'ENOSPC' });
    assert.equal(file.writeNow(new Uint8Array(10).fill(2), 5), 10, 'over what is there');
    for (const call of [() => mount.mkdir('/a/d'), () => mount.open('/a/g', 'create')]) {
      assert.throws(call, (error) => errnoOf(error) === 'ENOSPC');
    }
    file.truncate(free + 1000);
    assert.equal(await mount.freeBytes('/a'), 0, 'a hole takes no room');
    mount.unlink('/a/f');
    assert.equal(await mount.freeBytes('/a'), 0, 'it is open');
    file.closeNow();
    assert.ok((await mount.freeBytes('/a')) > free);
  });

  test('what a disk may lack', async () => {
    const disk = emptyDisk({ hasHardLinks: false, hasSyncAll: false });
    const mount = disk.mount();
    write(mount, '/a/f', '');
    assert.throws(() => mount.link('/a/f', '/a/g'), { code: 'EPERM' });
    assert.equal(await mount.syncAll('/a'), false);
    assert.deepEqual(left(disk), {});
  });
});

test('a digest says what lies there, and nothing of how it came there', () => {
  const digestOf = (change: (mount: SimMount) => void): string => {
    const disk = emptyDisk();
    change(disk.mount());
    return disk.digest();
  };
  const base = digestOf((mount) => void write(mount, '/a/f', 'text'));
  const same = digestOf((mount) => {
    write(mount, '/b/g', 'text');
    mount.rename('/b/g', '/a/f');
  });
  assert.equal(same, base);
  const others = [
    digestOf((mount) => void write(mount, '/a/f', 'Text')),
    digestOf((mount) => void write(mount, '/a/g', 'text')),
    digestOf((mount) => write(mount, '/a/f', 'text').setTime(5)),
    digestOf((mount) => write(mount, '/a/f', 'text').chmod(0o600)),
    digestOf((mount) => write(mount, '/a/f', 'text').truncate(5)),
    digestOf((mount) => {
      write(mount, '/a/f', 'text');
      mount.link('/a/f', '/a/g');
    }),
    digestOf((mount) => {
      write(mount, '/a/f', 'text');
      write(mount, '/a/g', 'text');
    }),
  ];
  assert.equal(new Set([base, ...others]).size, 8);
});
