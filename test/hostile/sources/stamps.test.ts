import assert from 'node:assert/strict';
import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { FileStats, WholeFileSystem } from '../../../src/node/disk/fileSystem.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';
import { makeSettled } from './changes.ts';
import { assertReceipt, send, withOpened } from './sending.ts';

/**
 * Time stamps that say little. Within a session a version is told by size, time, change time and inode; between
 * sessions nothing but digests counts. `docs/threats.md` says what remains.
 */

const BIG = 1_000_000;
const [OLD, NEW] = ['O'.repeat(BIG), 'N'.repeat(BIG)];

function makeFile(t: TestContext, content: string): string {
  const folder = join(scratchFolder(t), 'sent');
  mkdirSync(folder);
  makeSettled(join(folder, 'm'), content);
  return folder;
}

/** The real files as FAT would show them: all stamps cut to two seconds, so that these all fall into one. */
function coarse(stampMs: () => number): WholeFileSystem {
  const blurred = (stats: FileStats): FileStats =>
    Object.create(stats, {
      mtimeMs: { value: Math.floor(stampMs() / 2000) * 2000 },
      ctimeMs: { value: Math.floor(stampMs() / 2000) * 2000 },
      ino: { value: 7 },
    }) as FileStats;
  const opening = withOpened(systemFiles, (opened) => {
    const stat = opened.stat.bind(opened);
    opened.stat = () => blurred(stat());
    return opened;
  });
  return {
    ...opening,
    below(root, identity) {
      const files = opening.below(root, identity);
      const lstat = files.lstat.bind(files);
      files.lstat = (location) => {
        const stats = lstat(location);
        return stats === undefined ? undefined : blurred(stats);
      };
      return files;
    },
  };
}

test('case 81: a change of the change time alone fails the file, in favour of the doubt', async (t) => {
  const source = makeFile(t, OLD);
  const location = join(source, 'm');
  const { atime, mtime, ctimeMs } = statSync(location);
  const sent = await send(source, new SimDisk(), {
    onRead(_path, nth) {
      if (nth !== 2) return;
      do utimesSync(location, atime, mtime);
      while (statSync(location).ctimeMs === ctimeMs);
    },
  });
  assertReceipt(sent);
  assert.deepEqual(sent.failed, ['sent/m: source-changed']);
});

test('case 81: with stamps of two seconds, a change is noticed by the next stamp, and by any other size at once', async (t) => {
  for (const [what, content, later] of [
    ['a later stamp', NEW, 2000],
    ['another size in the same stamp', `${NEW}more`, 0],
    ['a smaller one', 'N', 0],
  ] as const) {
    const source = makeFile(t, OLD);
    let now = 1_800_000_000_500;
    const change = (_path: string, nth: number): void => {
      if (nth !== 2) return;
      writeFileSync(join(source, 'm'), content);
      now += later;
    };
    const sent = await send(source, new SimDisk(), { onRead: change }, { disk: coarse(() => now) });
    assertReceipt(sent);
    assert.deepEqual(sent.failed, ['sent/m: source-changed'], what);
    assert.deepEqual(sent.arrived, { sent: '<folder>' }, what);
  }
});

test('case 81: between sessions no stamp counts: what changed within one is sent again', async (t) => {
  const source = makeFile(t, OLD);
  const receiver = new SimDisk();
  const disk = coarse(() => 1_800_000_000_500);
  const cut = await send(source, receiver, {}, { disk, breaks: 'when all has arrived' });
  assert.equal(cut.outgoing.end.close.code, 'connection-lost');
  writeFileSync(join(source, 'm'), NEW);
  const sent = await send(source, receiver, {}, { disk });
  assertReceipt(sent);
  assert.deepEqual(sent.failed, []);
  assert.ok(sent.arrived['sent/m'] === NEW, 'it is not what stands there now');
});
