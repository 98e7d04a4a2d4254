/** What the calls of a file system fail with; the same on the system's own and on the simulated disk. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FILE_SYSTEMS, outcomeOf, outcomeOfAsync } from '../support/fileSystemBench.ts';
import type { Bench } from '../support/fileSystemBench.ts';

const TOO_LONG = 'n'.repeat(256);
const FAR_TOO_LONG = Array.from({ length: 30 }, () => 'n'.repeat(200)).join('/');
/** In UTF-8 it is too long, in characters it is not. */
const WIDE = 'ß'.repeat(128);

type Call = (bench: Bench) => unknown;
type Expected = string | ((bench: Bench) => string);

/** By the name of a method: what is done, and what comes of it. */
const ERRNOS: Readonly<Record<string, Readonly<Record<string, readonly [Call, Expected]>>>> = {
  lstat: {
    'in a file': [({ files, file }) => files.lstat(`${file('f')}/x`), 'ENOTDIR'],
    'a name that is too long': [({ files, at }) => files.lstat(at(TOO_LONG)), 'ENAMETOOLONG'],
    'a name that is too long in UTF-8': [({ files, at }) => files.lstat(at(WIDE)), 'ENAMETOOLONG'],
    'a location that is too long': [({ files, at }) => files.lstat(at(FAR_TOO_LONG)), 'ENAMETOOLONG'],
    'a name that is just not too long': [({ files, at }) => files.lstat(at(TOO_LONG.slice(1))), 'done'],
    'through links in a circle': [
      ({ files, link }) => files.lstat(`${link('a', 'a')}/x`),
      ({ linksOnTheWay }) => (linksOnTheWay === 'followed' ? 'ELOOP' : 'ENOTDIR'),
    ],
  },
  realpath: {
    'nothing there': [({ files, at }) => files.realpath(at('x')), 'ENOENT'],
    'a link to nothing': [({ files, link }) => files.realpath(link('a', 'x')), 'ENOENT'],
    'links in a circle': [({ files, link }) => files.realpath(link('a', 'a')), 'ELOOP'],
    'in a file': [({ files, file }) => files.realpath(`${file('f')}/x`), 'ENOTDIR'],
  },
  mkdir: {
    'a folder has the name': [({ files, folder }) => files.mkdir(folder('d')), 'EEXIST'],
    'a file has the name': [({ files, file }) => files.mkdir(file('f')), 'EEXIST'],
    'a link to nothing has the name': [({ files, link }) => files.mkdir(link('a', 'x')), 'EEXIST'],
    'in nothing': [({ files, at }) => files.mkdir(at('x', 'y')), 'ENOENT'],
    'in a file': [({ files, file }) => files.mkdir(`${file('f')}/x`), 'ENOTDIR'],
    'a name that is too long': [({ files, at }) => files.mkdir(at(TOO_LONG)), 'ENAMETOOLONG'],
  },
  rmdir: {
    'nothing there': [({ files, at }) => files.rmdir(at('x')), 'ENOENT'],
    'a file': [({ files, file }) => files.rmdir(file('f')), 'ENOTDIR'],
    'something in it': [
      ({ files, folder, file }) => {
        const location = folder('d');
        file('d/f');
        files.rmdir(location);
      },
      'ENOTEMPTY',
    ],
    'a link to a folder': [({ files, folder, link }) => files.rmdir(link('a', folder('d'))), 'ENOTDIR'],
  },
  readdir: {
    'nothing there': [({ files, at }) => files.readdir(at('x')), 'ENOENT'],
    'a file': [({ files, file }) => files.readdir(file('f')), 'ENOTDIR'],
  },
  link: {
    'of nothing': [({ files, at }) => files.link(at('x'), at('y')), 'ENOENT'],
    'the name is taken': [({ files, file }) => files.link(file('f'), file('g')), 'EEXIST'],
    'a link has the name': [({ files, file, link }) => files.link(file('f'), link('a', 'x')), 'EEXIST'],
    'the same name': [({ files, file, at }) => files.link(file('f'), at('f')), 'EEXIST'],
    'of a folder': [({ files, folder, at }) => files.link(folder('d'), at('y')), 'EPERM'],
    'of a folder, over a file': [({ files, folder, file }) => files.link(folder('d'), file('f')), 'EEXIST'],
    'into nothing': [({ files, file, at }) => files.link(file('f'), at('x', 'y')), 'ENOENT'],
    'a name that is too long': [({ files, file, at }) => files.link(file('f'), at(TOO_LONG)), 'ENAMETOOLONG'],
  },
  rename: {
    'of nothing': [({ files, at }) => files.rename(at('x'), at('y')), 'ENOENT'],
    'into nothing': [({ files, file, at }) => files.rename(file('f'), at('x', 'y')), 'ENOENT'],
    'a file onto a folder': [({ files, file, folder }) => files.rename(file('f'), folder('d')), 'EISDIR'],
    'a folder onto a file': [({ files, file, folder }) => files.rename(folder('d'), file('f')), 'ENOTDIR'],
    'a folder onto one that is empty': [
      ({ files, folder }) => files.rename(folder('d'), folder('e')),
      'done',
    ],
    'a folder onto one with something in it': [
      ({ files, folder, file }) => {
        const target = folder('e');
        file('e/f');
        files.rename(folder('d'), target);
      },
      'ENOTEMPTY',
    ],
    'a folder into itself': [({ files, folder, at }) => files.rename(folder('d'), at('d', 'e')), 'EINVAL'],
    'onto itself': [({ files, folder, at }) => files.rename(folder('d'), at('d')), 'done'],
    'a name that is too long': [
      ({ files, file, at }) => files.rename(file('f'), at(TOO_LONG)),
      'ENAMETOOLONG',
    ],
  },
  unlink: {
    'nothing there': [({ files, at }) => files.unlink(at('x')), 'ENOENT'],
    'a folder': [
      ({ files, folder }) => files.unlink(folder('d')),
      process.platform === 'darwin' ? 'EPERM' : 'EISDIR',
    ],
  },
  removeTree: {
    'nothing there': [({ files, at }) => files.removeTree(at('x')), 'done'],
    'in nothing': [({ files, at }) => files.removeTree(at('x', 'y')), 'done'],
    'a name that is too long': [({ files, at }) => files.removeTree(at(TOO_LONG)), 'ENAMETOOLONG'],
  },
  setTime: {
    'nothing there': [({ files, at }) => files.setTime(at('x'), 1), 'ENOENT'],
    'a link to nothing': [({ files, link }) => files.setTime(link('a', 'x'), 1), 'done'],
  },
  open: {
    'read nothing': [({ files, at }) => files.open(at('x'), 'read'), 'ENOENT'],
    'read a link': [({ files, file, link }) => files.open(link('a', file('f')), 'read'), 'ELOOP'],
    'read in a file': [({ files, file }) => files.open(`${file('f')}/x`, 'read'), 'ENOTDIR'],
    'update nothing': [({ files, at }) => files.open(at('x'), 'update'), 'ENOENT'],
    'update a link': [({ files, file, link }) => files.open(link('a', file('f')), 'update'), 'ELOOP'],
    'update a folder': [({ files, folder }) => files.open(folder('d'), 'update'), 'EISDIR'],
    'create what is there': [({ files, file }) => files.open(file('f'), 'create'), 'EEXIST'],
    'create where a folder is': [({ files, folder }) => files.open(folder('d'), 'create'), 'EEXIST'],
    'create where a link to nothing is': [
      ({ files, link }) => files.open(link('a', 'x'), 'create'),
      'EEXIST',
    ],
    'create in nothing': [({ files, at }) => files.open(at('x', 'y'), 'create'), 'ENOENT'],
    'create with a name that is too long': [
      ({ files, at }) => files.open(at(TOO_LONG), 'create'),
      'ENAMETOOLONG',
    ],
    'append to a link': [({ files, file, link }) => files.open(link('a', file('f')), 'append'), 'ELOOP'],
    'append to a link to nothing': [({ files, link }) => files.open(link('a', 'x'), 'append'), 'ELOOP'],
    'append to a folder': [({ files, folder }) => files.open(folder('d'), 'append'), 'EISDIR'],
  },
  'an open file': {
    'read a folder': [
      ({ files, folder }) => files.open(folder('d'), 'read').readNow(new Uint8Array(1), 0),
      'EISDIR',
    ],
    'write in what is read': [
      ({ files, file }) => files.open(file('f'), 'read').writeNow(new Uint8Array(1), 0),
      'EBADF',
    ],
    'read what was created': [
      ({ files, at }) => files.open(at('x'), 'create').readNow(new Uint8Array(1), 0),
      'EBADF',
    ],
    'truncate what is read': [({ files, file }) => files.open(file('f'), 'read').truncate(0), 'EINVAL'],
    'close it twice': [
      ({ files, file }) => {
        const open = files.open(file('f'), 'read');
        open.closeNow();
        open.closeNow();
      },
      'done',
    ],
    'look at it when it is closed': [
      ({ files, file }) => {
        const open = files.open(file('f'), 'read');
        open.closeNow();
        open.stat();
      },
      'EBADF',
    ],
  },
  requireWritable: {
    'nothing there': [({ files, at }) => files.requireWritable(at('x')), 'ENOENT'],
    'a folder': [({ files, folder }) => files.requireWritable(folder('d')), 'done'],
    'a link to a folder': [
      ({ files, folder, link }) => files.requireWritable(link('a', folder('d'))),
      'done',
    ],
    'a file': [({ files, file }) => files.requireWritable(file('f')), 'EACCES'],
  },
};

for (const [kind, open] of Object.entries(FILE_SYSTEMS)) {
  suite(kind, { skip: process.platform === 'win32' && 'these are the errnos of POSIX' }, () => {
    for (const [method, cases] of Object.entries(ERRNOS)) {
      test(`what ${method} fails with`, (t) => {
        for (const [name, [call, expected]] of Object.entries(cases)) {
          const bench = open(t);
          assert.equal(
            outcomeOf(() => call(bench)),
            typeof expected === 'string' ? expected : expected(bench),
            name,
          );
        }
      });
    }

    test('an error is as Node makes it', (t) => {
      const { files, at } = open(t);
      assert.throws(() => files.rmdir(at('x')), {
        name: 'Error',
        code: 'ENOENT',
        errno: -2,
        syscall: 'rmdir',
      });
    });

    test('what fails asynchronously rejects', async (t) => {
      const { files, at, folder, file } = open(t);
      assert.equal(await outcomeOfAsync(() => files.freeBytes(at('x'))), 'ENOENT');
      const opened = files.open(folder('d'), 'read');
      assert.equal(await outcomeOfAsync(() => opened.read(new Uint8Array(1), 0)), 'EISDIR');
      await opened.close();
      const closed = files.open(file('f'), 'read');
      await closed.close();
      await closed.close();
      for (const call of ['sync', 'datasync'] as const) {
        assert.equal(await outcomeOfAsync(() => closed[call]()), 'EBADF', call);
      }
      assert.equal(await outcomeOfAsync(() => closed.read(new Uint8Array(1), 0)), 'EBADF');
    });
  });
}
