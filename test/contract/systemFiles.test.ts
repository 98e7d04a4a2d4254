/** What the system's own files owe to whoever uses them through the port, besides what the system itself sees to. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isErrno } from '../../src/node/disk/errno.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { scratchFolder } from '../support/scratch.ts';

const isWindows = process.platform === 'win32';
const isLinux = process.platform === 'linux';

function fails(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => isErrno(error, ...codes);
}

suite('a file that is closed', () => {
  test('ends what is under way first', async (t) => {
    const location = join(scratchFolder(t), 'file');
    const file = systemFiles.open(location, 'create');
    const bytes = Buffer.alloc(64 * 1024 * 1024, 7);
    const ended: string[] = [];
    const writing = file.write(bytes, 0).finally(() => ended.push('write'));
    const syncing = file.sync().finally(() => ended.push('sync'));
    const closing = file.close().finally(() => ended.push('close'));
    assert.equal(await writing, bytes.length);
    await Promise.all([syncing, closing]);
    assert.equal(ended.at(-1), 'close');
    assert.equal(statSync(location).size, bytes.length);
  });

  test('is not confused with the next one that gets its number', async (t) => {
    const folder = scratchFolder(t);
    const first = systemFiles.open(join(folder, 'first'), 'create');
    first.closeNow();
    const second = openSync(join(folder, 'second'), 'w');
    t.after(() => closeSync(second));
    const closed = fails('EBADF');
    await assert.rejects(first.write(Buffer.from('first'), 0), closed);
    await assert.rejects(first.read(Buffer.alloc(1), 0), closed);
    await assert.rejects(first.sync(), closed);
    await assert.rejects(first.datasync(), closed);
    for (const call of [
      () => first.writeNow(Buffer.from('first'), 0),
      () => first.readNow(Buffer.alloc(1), 0),
      () => first.truncate(9),
      () => first.chmod(0o777),
      () => first.setTime(0),
      () => first.syncNow(),
      () => first.stat(),
    ]) {
      assert.throws(call, closed);
    }
    // To close it again closes nothing.
    await first.close();
    first.closeNow();
    assert.equal(statSync(join(folder, 'second')).size, 0);
  });

  test('lets nothing begin while it waits for what is under way', async (t) => {
    const location = join(scratchFolder(t), 'file');
    const file = systemFiles.open(location, 'create');
    const writing = file.write(Buffer.alloc(1024 * 1024), 0);
    const closing = file.close();
    await assert.rejects(file.write(Buffer.from('late'), 0), fails('EBADF'));
    await Promise.all([writing, closing]);
  });
});

suite('a file that is opened', () => {
  test('to append is written at its end, whatever the position', async (t) => {
    const location = join(scratchFolder(t), 'journal');
    writeFileSync(location, 'one ');
    const file = systemFiles.open(location, 'append');
    file.writeNow(Buffer.from('two '), 0);
    await file.write(Buffer.from('three'), 2);
    file.closeNow();
    assert.equal(readFileSync(location, 'utf8'), 'one two three');
  });

  test('is never what a link leads to', { skip: isWindows }, (t) => {
    const folder = scratchFolder(t);
    writeFileSync(join(folder, 'outside'), 'theirs');
    symlinkSync('outside', join(folder, 'link'));
    for (const how of ['read', 'update', 'append'] as const) {
      assert.throws(() => systemFiles.open(join(folder, 'link'), how), fails('ELOOP', 'EMLINK'), how);
    }
    assert.throws(() => systemFiles.open(join(folder, 'link'), 'create'), fails('EEXIST'));
  });

  test('as new has the mode that it is asked for', { skip: isWindows }, (t) => {
    const location = join(scratchFolder(t), 'file');
    systemFiles.open(location, 'create', 0o600).closeNow();
    assert.equal(statSync(location).mode % 0o1000, 0o600);
  });
});

test('times are kept to the millisecond, before 1970 too', (t) => {
  const location = join(scratchFolder(t), 'file');
  const file = systemFiles.open(location, 'create');
  for (const mtimeMs of [0, 1_700_000_000_123, 1_700_000_000_999, -1, -86_400_001]) {
    file.setTime(mtimeMs);
    assert.equal(Math.floor(statSync(location).mtimeMs), mtimeMs);
    systemFiles.setTime(location, mtimeMs + 1);
    assert.equal(Math.floor(statSync(location).mtimeMs), mtimeMs + 1);
  }
  file.closeNow();
});

test('a name that is too long fails with its errno, to be removed, too', (t) => {
  const location = join(scratchFolder(t), 'n'.repeat(300));
  const refused = fails('ENAMETOOLONG', 'ENOENT', 'EINVAL');
  assert.throws(() => systemFiles.mkdir(location), refused);
  if (!isWindows) assert.throws(() => systemFiles.removeTree(location), refused);
});

suite('a sync of all that lies on a file system', { skip: !isLinux }, () => {
  /** A `sync` of ours before the system's, which does what `script` says. */
  function useSync(t: TestContext, script: string): void {
    const folder = join(scratchFolder(t), 'bin');
    mkdirSync(folder);
    writeFileSync(join(folder, 'sync'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'sync'), 0o755);
    const before = process.env['PATH'];
    process.env['PATH'] = `${folder}${delimiter}${before ?? ''}`;
    t.after(() => {
      process.env['PATH'] = before;
    });
  }

  test('is had', async (t) => {
    assert.equal(await systemFiles.syncAll(scratchFolder(t)), true);
  });

  test('is not had with another `sync`', async (t) => {
    useSync(t, 'exit 1');
    assert.equal(await systemFiles.syncAll(scratchFolder(t)), false);
  });

  test('fails where the disk does, and that is not taken for another `sync`', async (t) => {
    useSync(t, 'test "$2" = /proc');
    await assert.rejects(systemFiles.syncAll(scratchFolder(t)), fails('EIO'));
  });
});
