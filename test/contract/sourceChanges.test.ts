import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import { canHoldFolders } from '../../src/node/disk/heldFolders.ts';
import type { WholeFileSystem } from '../../src/node/disk/fileSystem.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import type { FileEntry } from '../../src/protocol/manifest.ts';
import type { FileVersion } from '../../src/transfer/ports.ts';
import { scratchFolder } from '../support/scratch.ts';

/**
 * What happens to a file while it is being sent, at each moment, and what its reader makes of it. Whatever
 * it is, no read gives bytes of any other version than the listed one, and none blocks.
 */

const SMALL = 1000;
const BIG = 900_000;
const CHUNK = 262_144;
const OLD = 1;
const NEW = 2;

interface Change {
  readonly apply: (location: string) => void;
  /** What a read that opens the file afterwards fails with. */
  readonly closed: FailureCode | 'nothing';
  /** What a read fails with when the file was open already. */
  readonly open: FailureCode | 'nothing';
}

/** Does something until the system's clock has moved on far enough for it to show. */
function untilItShows(location: string, action: () => void): void {
  const { ctimeMs } = statSync(location);
  do action();
  while (statSync(location).ctimeMs === ctimeMs);
}

function replaceBy(make: (location: string) => void): (location: string) => void {
  return (location) => {
    make(`${location}.new`);
    renameSync(`${location}.new`, location);
  };
}

function insteadOf(make: (location: string) => void): (location: string) => void {
  return (location) => {
    rmSync(location);
    make(location);
  };
}

const changes: Readonly<Record<string, Change>> = {
  appended: {
    apply: (location) => appendFileSync(location, 'x'),
    closed: 'source-changed',
    open: 'source-changed',
  },
  truncated: {
    apply: (location) => truncateSync(location, 10),
    closed: 'source-changed',
    open: 'source-changed',
  },
  emptied: {
    apply: (location) => truncateSync(location, 0),
    closed: 'source-changed',
    open: 'source-changed',
  },
  'rewritten to the same size': {
    apply: (location) => untilItShows(location, () => writeFileSync(location, sameSize(location))),
    closed: 'source-changed',
    open: 'source-changed',
  },
  'rewritten, its time set back': {
    apply(location) {
      const { atime, mtime } = statSync(location);
      untilItShows(location, () => {
        writeFileSync(location, sameSize(location));
        utimesSync(location, atime, mtime);
      });
    },
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by rename': {
    apply: replaceBy((location) => writeFileSync(location, 'another')),
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by one of the same size and time': {
    apply(location) {
      const { atime, mtime, size } = statSync(location);
      writeFileSync(`${location}.new`, Buffer.alloc(size, NEW));
      utimesSync(`${location}.new`, atime, mtime);
      renameSync(`${location}.new`, location);
    },
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by a link to a copy': {
    apply(location) {
      renameSync(location, `${location}.moved`);
      symlinkSync(`${location}.moved`, location);
    },
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by a link to nothing': {
    apply: insteadOf((location) => symlinkSync('nowhere', location)),
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by a pipe': {
    apply: insteadOf((location) => void execFileSync('mkfifo', [location])),
    closed: 'source-changed',
    open: 'source-changed',
  },
  'replaced by a folder': {
    apply: insteadOf((location) => mkdirSync(location)),
    closed: 'source-changed',
    open: 'source-changed',
  },
  // The bytes are there as long as it is open, but nobody can tell any more whether they are still right.
  deleted: { apply: unlinkSync, closed: 'source-vanished', open: 'source-changed' },
  'deleted with its folder': {
    apply: (location) => rmSync(dirname(location), { recursive: true }),
    closed: 'source-vanished',
    open: 'source-changed',
  },
  'its folder replaced by a file': {
    apply(location) {
      rmSync(dirname(location), { recursive: true });
      writeFileSync(dirname(location), '');
    },
    closed: 'source-vanished',
    open: 'source-changed',
  },
  'its folder replaced by a link to a copy': {
    apply(location) {
      const folder = dirname(location);
      const size = statSync(location).size;
      renameSync(folder, `${folder}.moved`);
      mkdirSync(`${folder}.copy`);
      writeFileSync(join(`${folder}.copy`, 'file'), Buffer.alloc(size, NEW));
      symlinkSync(`${folder}.copy`, folder);
    },
    // The folder is held: what was listed is still found in it, wherever it is now.
    closed: canHoldFolders() ? 'nothing' : 'source-vanished',
    open: 'nothing',
  },
  // A second name changes the file's ctime and nothing that matters; better one failure than one splice.
  'given a second name': {
    apply: (location) => untilItShows(location, () => linkSync(location, `${location}.${Math.random()}`)),
    closed: 'source-changed',
    open: 'source-changed',
  },
};

function sameSize(location: string): Buffer {
  return Buffer.alloc(statSync(location).size, NEW);
}

interface Offered {
  readonly source: FileSource;
  readonly location: string;
  readonly entry: FileEntry;
  readonly version: FileVersion;
}

/** The system's files, each of which changes between the look at it and the read: the first look is right. */
function changingUnderRead(apply: (location: string) => void): WholeFileSystem {
  return {
    ...systemFiles,
    below(root, identity) {
      const files = systemFiles.below(root, identity);
      const open = files.open.bind(files);
      files.open = (location, how, mode) => {
        const opened = open(location, how, mode);
        const [read, readNow] = [opened.read.bind(opened), opened.readNow.bind(opened)];
        opened.read = async (into, position) => {
          apply(location);
          return read(into, position);
        };
        opened.readNow = (into, position) => {
          apply(location);
          return readNow(into, position);
        };
        return opened;
      };
      return files;
    },
  };
}

async function offer(t: TestContext, size: number, disk: WholeFileSystem = systemFiles): Promise<Offered> {
  const folder = join(scratchFolder(t), 'sent');
  mkdirSync(folder);
  const location = join(folder, 'file');
  writeFileSync(location, Buffer.alloc(size, OLD));
  const source = new FileSource([{ location: folder, name: 'sent' }], undefined, undefined, disk);
  t.after(() => source.close());
  for await (const item of source.list()) {
    if (item.type === 'entry' && item.entry.kind === 'file' && item.version !== undefined) {
      return { source, location, entry: item.entry, version: item.version };
    }
  }
  throw new Error('it was not listed');
}

async function outcome(reading: Promise<Uint8Array>): Promise<string> {
  try {
    const bytes = await reading;
    return bytes.every((byte) => byte === OLD) ? 'nothing' : 'wrong bytes';
  } catch (error) {
    return CourierError.is(error) ? error.code : String(error);
  }
}

for (const [name, { apply, closed, open }] of Object.entries(changes)) {
  test(`case 80: small, ${name}`, { timeout: 20_000 }, async (t) => {
    const { source, location, entry, version } = await offer(t, SMALL);
    assert.equal(await outcome(source.read(entry, version, 0, SMALL)), 'nothing');
    apply(location);
    assert.equal(await outcome(source.read(entry, version, 0, SMALL)), closed);
  });

  test(`case 80: big, before its first chunk: ${name}`, { timeout: 20_000 }, async (t) => {
    const { source, location, entry, version } = await offer(t, BIG);
    apply(location);
    assert.equal(await outcome(source.read(entry, version, 0, CHUNK)), closed);
    assert.equal(await outcome(source.read(entry, version, CHUNK, CHUNK)), closed);
  });

  test(`case 80: big, between two chunks: ${name}`, { timeout: 20_000 }, async (t) => {
    const { source, location, entry, version } = await offer(t, BIG);
    assert.equal(await outcome(source.read(entry, version, 0, CHUNK)), 'nothing');
    apply(location);
    assert.equal(await outcome(source.read(entry, version, CHUNK, CHUNK)), open);
    assert.equal(await outcome(source.read(entry, version, 3 * CHUNK, BIG - 3 * CHUNK)), open);
    // Released and opened anew, it is what its name leads to now.
    await source.release(entry);
    assert.equal(await outcome(source.read(entry, version, CHUNK, CHUNK)), closed);
  });

  for (const [what, size] of [
    ['small', SMALL],
    ['big', BIG],
  ] as const) {
    test(`case 80: ${what}, between the look at it and the read: ${name}`, async (t) => {
      const { source, entry, version } = await offer(t, size, changingUnderRead(apply));
      assert.equal(await outcome(source.read(entry, version, 0, Math.min(size, CHUNK))), open);
    });
  }

  test(`case 80: big, while it is read: ${name}`, { timeout: 20_000 }, async (t) => {
    const { source, location, entry, version } = await offer(t, BIG);
    const readings = [0, 1, 2].map((at) => outcome(source.read(entry, version, at * CHUNK, CHUNK)));
    apply(location);
    // Any moment may be the one, also one in the middle of the change: each read gives the old bytes or fails.
    const fine = new Set(['nothing', 'source-changed', 'source-vanished']);
    for (const result of await Promise.all(readings)) assert.ok(fine.has(result), result);
  });
}

test('a file that was touched and changed back is not what was listed', async (t) => {
  const { source, location, entry, version } = await offer(t, SMALL);
  const { atime, mtime } = statSync(location);
  untilItShows(location, () => utimesSync(location, atime, mtime));
  assert.equal(await outcome(source.read(entry, version, 0, SMALL)), 'source-changed');
});

test('one bad file fails none of its neighbours', async (t) => {
  const folder = scratchFolder(t);
  const names = Array.from({ length: 20 }, (_, at) => `file ${at}`);
  for (const [at, name] of names.entries()) {
    writeFileSync(join(folder, name), Buffer.alloc(at % 2 === 0 ? SMALL : BIG, OLD));
  }
  const source = new FileSource([{ location: folder, name: 'root' }]);
  const files: { entry: FileEntry; version: FileVersion }[] = [];
  for await (const item of source.list()) {
    if (item.type !== 'entry' || item.entry.kind !== 'file' || item.version === undefined) continue;
    files.push({ entry: item.entry, version: item.version });
  }
  unlinkSync(join(folder, 'file 3'));
  appendFileSync(join(folder, 'file 4'), 'x');
  const outcomes = await Promise.all(
    files.map(({ entry, version }) => outcome(source.read(entry, version, 0, Math.min(entry.size, CHUNK)))),
  );
  await source.close();
  const failed = files
    .map(({ entry }, at) => `${entry.path} ${outcomes[at]}`)
    .filter((each) => !each.endsWith('nothing'));
  assert.deepEqual(failed, ['root/file 3 source-vanished', 'root/file 4 source-changed']);
});
