/** Records of transfers, invites, what a user has decided on a peer: a crash at any point leaves the old content or the new one. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { removeFile, replaceFile, writeNewFile } from '../../src/node/state/stateFile.ts';
import { SimDisk } from '../support/simDisk.ts';
import type { SimMount } from '../support/simMount.ts';
import { CrashCounts, everyCrash } from './support/everyCrash.ts';

const STATE = '/home/somebody/state';
const FILE = `${STATE}/state.json`;
/** Several sectors, so that it can be torn. */
const OLD = JSON.stringify({ old: 'o'.repeat(5000) });
const NEW = JSON.stringify({ new: 'n'.repeat(9000) });

type Found = 'nothing' | 'old' | 'new' | 'a mix';

interface Case {
  readonly before: (disk: SimDisk) => void;
  readonly act: (mount: SimMount) => void;
  /** What the file may hold; in the end the last of these. */
  readonly allowed: readonly Found[];
}

const CASES: Readonly<Record<string, Case>> = {
  'a file is replaced': {
    before: (disk) => disk.plant(FILE, Buffer.from(OLD)),
    act: (mount) => replaceFile(FILE, NEW, mount),
    allowed: ['old', 'new'],
  },
  'a file is replaced twice': {
    before: (disk) => disk.plant(FILE, Buffer.from(OLD)),
    act: (mount) => {
      replaceFile(FILE, OLD, mount);
      replaceFile(FILE, NEW, mount);
    },
    allowed: ['old', 'new'],
  },
  'the first file, and its folder with it': {
    before: (disk) => disk.plant('/home/somebody', 'folder'),
    act: (mount) => replaceFile(FILE, NEW, mount),
    allowed: ['nothing', 'new'],
  },
  'a file that must be new': {
    before: (disk) => disk.plant(STATE, 'folder'),
    act: (mount) => assert.equal(writeNewFile(FILE, NEW, mount), true),
    allowed: ['nothing', 'new'],
  },
  'a file that must be new and is not': {
    before: (disk) => disk.plant(FILE, Buffer.from(OLD)),
    act: (mount) => assert.equal(writeNewFile(FILE, NEW, mount), false),
    allowed: ['old'],
  },
  'a file is removed': {
    before: (disk) => disk.plant(FILE, Buffer.from(OLD)),
    act: (mount) => removeFile(FILE, mount),
    allowed: ['old', 'nothing'],
  },
};

function foundIn(disk: SimDisk): Found {
  const content = disk.picture(STATE).get('state.json')?.content;
  if (content === undefined) return 'nothing';
  const isAllOf = (text: string): boolean => content.size === text.length && content.has(Buffer.from(text));
  if (isAllOf(OLD)) return 'old';
  return isAllOf(NEW) ? 'new' : 'a mix';
}

suite('a crash at any point of writing a state file', () => {
  for (const [name, { before, act, allowed }] of Object.entries(CASES)) {
    test(name, (t) => {
      const fresh = new SimDisk();
      before(fresh);
      const disk = fresh.settled();
      act(disk.mount());
      const written = disk.operations.length;
      const counts = new CrashCounts();
      for (const { prefix, what, image } of everyCrash(disk, counts)) {
        assert.ok(allowed.includes(foundIn(image)), `after ${prefix} operations: ${what}`);
        replaceFile(FILE, NEW, image.mount());
        assert.equal(foundIn(image), 'new', 'it can be written again');
      }
      const promised = disk.imageAfter(written, { keeps: () => false });
      assert.equal(foundIn(promised), allowed.at(-1), 'durable when the call returns');
      t.diagnostic(String(counts));
    });
  }

  test('a call fails, any of them: the old content or the new one, and it can be written again', () => {
    const ERRNOS = ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'EBUSY', 'EROFS', 'EDQUOT', 'EPERM', 1] as const;
    for (const { before, act, allowed } of Object.values(CASES)) {
      for (const fault of ERRNOS) {
        for (let failing = 0, isDone = false; !isDone; failing += 1) {
          const disk = new SimDisk();
          before(disk);
          const mount = disk.mount({ before: (_, index) => (index === failing ? fault : undefined) });
          try {
            act(mount);
          } catch (error) {
            assert.match(String(error), /cannot be written/u);
          }
          isDone = mount.calls <= failing;
          assert.ok(allowed.includes(foundIn(disk)), `call ${failing} failed: ${fault}`);
          replaceFile(FILE, NEW, disk.mount());
          assert.equal(foundIn(disk), 'new');
        }
      }
    }
  });
});
