/** A disk that fails, or a permission that is taken away, while a source is listed and read: that file fails alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CourierError } from '../../../src/base/failure.ts';
import { FileSource } from '../../../src/node/disk/fileSource.ts';
import { chunkBytesFor } from '../../../src/protocol/chunkLayout.ts';
import { SimDisk } from '../../support/simDisk.ts';
import type { SimCall } from '../../support/simMount.ts';

/** By path: how long each file is; those of 262,144 bytes and more are read in chunks. */
const SIZES: Readonly<Record<string, number>> = {
  'sent/a/bad': 1000,
  'sent/a/good': 1001,
  'sent/b/bad': 900_000,
  'sent/b/good': 900_001,
};

/** What listing and reading everything tells, where calls on what `isBad` fail. */
async function outcomesWith(
  isBad: (call: SimCall) => boolean,
  errno: string,
): Promise<Record<string, string>> {
  const disk = new SimDisk();
  for (const [path, size] of Object.entries(SIZES)) disk.plant(`/home/${path}`, Buffer.alloc(size, 7));
  const files = disk.mount({
    before(call) {
      if (!call.location.endsWith('/bad') && !call.location.endsWith('/a')) return undefined;
      return isBad(call) ? errno : undefined;
    },
  });
  const source = new FileSource([{ location: '/home/sent', name: 'sent' }], undefined, undefined, files, () =>
    Promise.resolve(),
  );
  const outcomes: Record<string, string> = {};
  for await (const item of source.list()) {
    if (item.type === 'left-out') outcomes[item.path] = `left out, ${item.reason}`;
    if (item.type === 'left-out' || item.entry.kind === 'folder' || item.version === undefined) continue;
    const { entry, version } = item;
    const step = Math.min(entry.size, chunkBytesFor(entry.size));
    let outcome = 'read';
    for (let at = 0; at < entry.size && outcome === 'read'; at += step) {
      try {
        const bytes = await source.read(entry, version, at, Math.min(step, entry.size - at));
        assert.ok(bytes.every((byte) => byte === 7));
      } catch (error) {
        outcome = CourierError.is(error) ? error.code : String(error);
      }
    }
    outcomes[entry.path] = outcome;
  }
  await source.close();
  return outcomes;
}

const ALL_READ = Object.fromEntries(Object.keys(SIZES).map((path) => [path, 'read']));

for (const errno of ['EIO', 'EACCES']) {
  for (const name of ['open', 'stat', 'read', 'readNow'] as const) {
    test(`case 45: ${errno} of ${name}, at once and in the middle: the file fails alone`, async () => {
      let met = 0;
      for (const from of [1, 2]) {
        const seen = new Map<string, number>();
        const outcomes = await outcomesWith((call) => {
          if (call.name !== name) return false;
          const times = (seen.get(call.location) ?? 0) + 1;
          seen.set(call.location, times);
          return times >= from;
        }, errno);
        const failed = Object.keys(outcomes).filter((path) => outcomes[path] !== 'read');
        met += failed.length;
        for (const path of failed) {
          assert.ok(path.endsWith('/bad'), path);
          assert.equal(outcomes[path], 'source-unreadable');
        }
        assert.deepEqual({ ...outcomes, ...ALL_READ }, ALL_READ, 'nothing else is told');
      }
      assert.ok(met > 0);
    });
  }

  test(`case 45: ${errno} while a folder is listed: it is left out, and the rest is read`, async () => {
    const ofFolder = await outcomesWith(({ name }) => name === 'readdir', errno);
    assert.deepEqual(ofFolder, {
      'sent/a': 'left out, source-unreadable',
      'sent/b/bad': 'read',
      'sent/b/good': 'read',
    });
    const ofFiles = await outcomesWith(
      ({ name, location }) => name === 'lstat' && location.endsWith('/bad'),
      errno,
    );
    const leftOut = 'left out, source-unreadable';
    assert.deepEqual(ofFiles, { ...ALL_READ, 'sent/a/bad': leftOut, 'sent/b/bad': leftOut });
  });
}
