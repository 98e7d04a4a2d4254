/**
 * One suite for the system's own file system and for the simulated disk: what the simulation says about crashes is
 * worth as much as it is like the real one. Where a real one is asked, it is POSIX's.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FileSystem, OpenHow } from '../../src/node/disk/fileSystem.ts';
import { FILE_SYSTEMS } from '../support/fileSystemBench.ts';

function write(files: FileSystem, location: string, how: OpenHow, text: string, position = 0): void {
  const file = files.open(location, how);
  assert.equal(file.writeNow(Buffer.from(text), position), Buffer.byteLength(text));
  file.closeNow();
}

function read(files: FileSystem, location: string): string {
  const file = files.open(location, 'read');
  const into = Buffer.alloc(file.stat().size);
  assert.equal(file.readNow(into, 0), into.length);
  file.closeNow();
  return into.toString();
}

function statsOf(files: FileSystem, location: string) {
  const stats = files.lstat(location);
  assert.ok(stats !== undefined, `${location} is not there`);
  return stats;
}

for (const [kind, open] of Object.entries(FILE_SYSTEMS)) {
  suite(kind, { skip: process.platform === 'win32' && 'these are the errnos of POSIX' }, () => {
    test('stats', (t) => {
      const { files, at, file, folder, link } = open(t);
      assert.equal(files.lstat(at('x')), undefined);
      const stats = statsOf(files, file('f', 'four'));
      assert.deepEqual([stats.isFile(), stats.isDirectory(), stats.isSymbolicLink()], [true, false, false]);
      assert.deepEqual([stats.size, stats.nlink, stats.mode], [4, 1, 0o100644]);
      const there = statsOf(files, folder('d'));
      assert.deepEqual([there.isFile(), there.isDirectory(), there.isSymbolicLink()], [false, true, false]);
      assert.equal(there.dev, stats.dev);
      assert.notEqual(there.ino, stats.ino);
      const led = statsOf(files, link('a', 'f'));
      assert.deepEqual([led.isFile(), led.isDirectory(), led.isSymbolicLink()], [false, false, true]);
      const opened = files.open(at('f'), 'read');
      assert.deepEqual([opened.stat().ino, opened.stat().size], [stats.ino, 4]);
      opened.closeNow();
    });

    test('modes: asked for, less the umask, and changed', (t) => {
      const { files, at } = open(t);
      const modeOf = (name: string): number => statsOf(files, at(name)).mode % 0o1000;
      files.mkdir(at('d'));
      files.mkdir(at('private'), 0o700);
      files.open(at('f'), 'create').closeNow();
      files.open(at('script'), 'create', 0o777).closeNow();
      files.open(at('secret'), 'append', 0o600).closeNow();
      assert.deepEqual(
        ['d', 'private', 'f', 'script', 'secret'].map(modeOf),
        [0o755, 0o700, 0o644, 0o755, 0o600],
      );
      for (const [how, mode] of [
        ['read', 0o751],
        ['update', 0o666],
      ] as const) {
        const opened = files.open(at('f'), how);
        opened.chmod(mode);
        opened.closeNow();
        assert.equal(modeOf('f'), mode, 'whatever the umask');
      }
    });

    test('times: to the millisecond, before 1970 too', (t) => {
      const { files, file, folder, link } = open(t);
      const [location, inFolder, led] = [file('f'), folder('d'), link('a', 'f')];
      for (const time of [1_700_000_000_123, -1, -1_234_567, 0]) {
        const opened = files.open(location, 'update');
        opened.setTime(time);
        opened.closeNow();
        files.setTime(inFolder, time);
        for (const each of [location, inFolder]) assert.equal(Math.floor(statsOf(files, each).mtimeMs), time);
      }
      files.setTime(led, 7000);
      assert.equal(Math.floor(statsOf(files, led).mtimeMs), 7000);
      assert.equal(Math.floor(statsOf(files, location).mtimeMs), 0, 'of the link itself');
    });

    test('a change shows in the times of what it changes', (t) => {
      const { files, at, file, folder } = open(t);
      const location = folder('d');
      for (const change of [
        () => file('d/f'),
        () => files.mkdir(at('d', 'e')),
        () => files.link(at('d', 'f'), at('d', 'g')),
        () => files.rename(at('d', 'g'), at('d', 'h')),
        () => files.unlink(at('d', 'h')),
        () => files.rmdir(at('d', 'e')),
      ]) {
        files.setTime(location, 5);
        change();
        assert.notEqual(Math.floor(statsOf(files, location).mtimeMs), 5, String(change));
      }
      for (const change of [
        () => write(files, at('d', 'f'), 'update', 'text'),
        () => write(files, at('d', 'f'), 'append', 'more'),
      ]) {
        files.setTime(at('d', 'f'), 5);
        files.setTime(location, 5);
        change();
        assert.notEqual(Math.floor(statsOf(files, at('d', 'f')).mtimeMs), 5, String(change));
        assert.equal(Math.floor(statsOf(files, location).mtimeMs), 5, 'not of the folder that it is in');
      }
      files.setTime(at('d', 'f'), 5);
      const opened = files.open(at('d', 'f'), 'read');
      opened.chmod(0o600);
      opened.closeNow();
      files.link(at('d', 'f'), at('g'));
      files.rename(at('d', 'f'), at('d', 'h'));
      assert.equal(Math.floor(statsOf(files, at('g')).mtimeMs), 5);
    });

    test('names: made, listed, moved, removed', (t) => {
      const { files, at, file, folder } = open(t);
      folder('d');
      file('d/f', 'one');
      files.mkdir(at('d', 'e'));
      assert.deepEqual([...files.readdir(at('d'))].toSorted(), ['e', 'f']);
      files.rename(at('d', 'f'), at('g'));
      files.rename(at('d'), at('moved'));
      assert.deepEqual([...files.readdir(at('moved'))], ['e']);
      assert.equal(read(files, at('g')), 'one');
      files.rename(file('h', 'two'), at('g'));
      assert.equal(read(files, at('g')), 'two', 'silently replaced');
      files.rmdir(at('moved', 'e'));
      files.rmdir(at('moved'));
      files.unlink(at('g'));
      assert.deepEqual([...files.readdir(at())], []);
    });

    test('hard links', (t) => {
      const { files, at, file } = open(t);
      file('f', 'text');
      files.link(at('f'), at('g'));
      assert.equal(statsOf(files, at('f')).ino, statsOf(files, at('g')).ino);
      assert.deepEqual([statsOf(files, at('f')).nlink, statsOf(files, at('g')).nlink], [2, 2]);
      files.rename(at('f'), at('g'));
      assert.deepEqual([...files.readdir(at())].toSorted(), ['f', 'g'], 'a rename onto itself does nothing');
      files.rename(file('h'), at('g'));
      assert.equal(statsOf(files, at('f')).nlink, 1);
      files.unlink(at('f'));
      assert.equal(files.lstat(at('f')), undefined);
    });

    test('a link of a link is of the link itself', (t) => {
      const { files, at, file, link } = open(t);
      file('f');
      link('a', 'f');
      files.link(at('a'), at('b'));
      assert.equal(statsOf(files, at('b')).isSymbolicLink(), true);
    });

    test('links on the way are followed, or refused', (t) => {
      const { files, linksOnTheWay, at, file, folder, link } = open(t);
      folder('d');
      folder('d/e');
      file('d/e/f', 'text');
      link('relative', 'd/e');
      link('absolute', at('d'));
      link('d/inner', 'e');
      for (const names of [
        ['relative', 'f'],
        ['absolute', 'e', 'f'],
        ['absolute', 'inner', 'f'],
      ]) {
        if (linksOnTheWay === 'refused') {
          assert.throws(() => read(files, at(...names)), { code: 'ENOTDIR' });
          continue;
        }
        assert.equal(read(files, at(...names)), 'text');
        assert.equal(files.realpath(at(...names)), files.realpath(at('d', 'e', 'f')));
      }
      if (linksOnTheWay === 'followed') assert.deepEqual([...files.readdir(at('relative'))], ['f']);
      else assert.throws(() => files.readdir(at('relative')), { code: 'ENOTDIR' });
    });

    test('a tree is removed with what is in it, and not what its links lead to', (t) => {
      const { files, at, file, folder, link } = open(t);
      folder('d');
      folder('d/e');
      file('d/e/f');
      file('kept');
      link('d/a', at('kept'));
      link('d/here', at());
      files.removeTree(at('d'));
      assert.deepEqual([...files.readdir(at())], ['kept']);
      files.removeTree(at('kept'));
      assert.deepEqual([...files.readdir(at())], []);
    });

    test('a link is removed, not the tree that it leads to', (t) => {
      const { files, at, file, folder, link } = open(t);
      folder('d');
      file('d/f');
      files.removeTree(link('a', 'd'));
      assert.deepEqual([...files.readdir(at())], ['d']);
      assert.deepEqual([...files.readdir(at('d'))], ['f']);
    });

    test('what is written', async (t) => {
      const { files, at } = open(t);
      write(files, at('f'), 'create', 'abcdef');
      write(files, at('f'), 'update', 'XY', 2);
      assert.equal(read(files, at('f')), 'abXYef');
      write(files, at('f'), 'append', '!', 0);
      assert.equal(read(files, at('f')), 'abXYef!', 'at the end, whatever the position');
      write(files, at('f'), 'update', 'z', 9);
      assert.equal(read(files, at('f')), 'abXYef!\0\0z', 'zeros in between');
      const opened = files.open(at('f'), 'update');
      assert.equal(await opened.write(Buffer.from('Q'), 0), 1);
      opened.truncate(3);
      assert.equal(read(files, at('f')), 'QbX');
      opened.truncate(5);
      await opened.sync();
      await opened.datasync();
      await opened.close();
      assert.equal(read(files, at('f')), 'QbX\0\0', 'a hole');
      write(files, at('new'), 'append', 'made');
      assert.equal(read(files, at('new')), 'made');
    });

    test('what is read: as far as it goes', async (t) => {
      const { files, file } = open(t);
      const opened = files.open(file('f', 'abcdef'), 'read');
      const into = Buffer.alloc(4, '-');
      assert.equal(await opened.read(into, 1), 4);
      assert.equal(into.toString(), 'bcde');
      assert.equal(opened.readNow(into, 4), 2);
      assert.equal(into.toString(), 'efde', 'the rest is not touched');
      assert.equal(await opened.read(into, 6), 0);
      assert.equal(opened.readNow(into, 100), 0);
      await opened.close();
    });

    test('an open file outlives its name, and follows it', (t) => {
      const { files, at, file } = open(t);
      const opened = files.open(file('f', 'text'), 'update');
      files.rename(at('f'), at('g'));
      opened.writeNow(Buffer.from('T'), 0);
      assert.equal(read(files, at('g')), 'Text');
      files.unlink(at('g'));
      assert.equal(opened.stat().nlink, 0);
      const into = Buffer.alloc(4);
      assert.equal(opened.readNow(into, 0), 4);
      assert.equal(into.toString(), 'Text');
      opened.closeNow();
    });

    test('a folder is opened and synced; closing waits for what is under way', async (t) => {
      const { files, at, folder } = open(t);
      const opened = files.open(folder('d'), 'read');
      await opened.sync();
      await opened.close();
      const written = files.open(at('f'), 'create');
      const writing = written.write(new Uint8Array(100_000), 0);
      await written.close();
      assert.equal(await writing, 100_000);
      assert.equal(statsOf(files, at('f')).size, 100_000);
    });

    test('room, and syncing all', async (t) => {
      const { files, at } = open(t);
      assert.ok((await files.freeBytes(at())) > 0);
      assert.equal(await files.syncAll(at()), process.platform === 'linux' || kind !== 'the system');
    });
  });
}
