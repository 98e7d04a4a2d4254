import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Operation } from '../support/memoryDestination.ts';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import { assertArrived, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { JoinOptions, Outcome } from '../support/memoryTransfer.ts';
import { randomTree, treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;

/** A pack of four and a file of four chunks. */
const tree = treeOf({ a: 1000, b: 0, big: 1000 * KIB, c: 5000, d: 100_000 });

interface Replies {
  readonly data: number;
  readonly same: number;
  readonly wants?: number;
  readonly mostBytes?: number;
}

/** The transfer works but for `outcome`, with so many replies of each kind. */
async function check(options: JoinOptions, replies: Replies, outcome: Outcome = {}): Promise<void> {
  const joined = joinTransfers(tree, options);
  assertArrived(tree, joined, await joined.run(), outcome);
  const { toReceiver, toSender } = joined.link;
  const { data, same, wants = data + same } = replies;
  assert.deepEqual(
    {
      data: countFrames(toReceiver, 'data'),
      same: countFrames(toReceiver, 'same'),
      wants: countFrames(toSender, 'want'),
    },
    { data, same, wants },
  );
  // A pack of which a part is there costs what differs.
  if (replies.mostBytes !== undefined) assert.ok(toReceiver.sentBytes < replies.mostBytes);
}

function bytesOf(path: string): Uint8Array {
  const node = tree.get(path);
  return node?.kind === 'file' ? node.bytes : new Uint8Array(0);
}

/** The file with the byte at `offset` changed. */
function changed(path: string, offset: number): Uint8Array {
  const bytes = bytesOf(path).slice();
  bytes[offset] = 255 - (bytes[offset] ?? 0);
  return bytes;
}

function older(files: Readonly<Record<string, Uint8Array>>): JoinOptions {
  return { destination: { older: new Map(Object.entries(files)) } };
}

const everything = Object.fromEntries([...tree.keys()].map((path) => [path, bytesOf(path)]));

suite('what an older version holds is not sent again', () => {
  test('nothing is there', () => check({}, { data: 5, same: 0 }));
  test('everything is there', () => check(older(everything), { data: 0, same: 5 }));
  test('a big file', () => check(older({ big: bytesOf('big') }), { data: 1, same: 4 }));
  test('a chunk of it differs', () => check(older({ big: changed('big', 600 * KIB) }), { data: 2, same: 3 }));
  test('it was shorter', () =>
    check(older({ big: bytesOf('big').subarray(0, 600 * KIB) }), { data: 3, same: 2 }));
  test('it was longer', () =>
    check(older({ big: Buffer.concat([bytesOf('big'), bytesOf('c')]) }), { data: 1, same: 4 }));
  test('a whole pack', () => check(older({ ...everything, big: bytesOf('a') }), { data: 4, same: 1 }));

  test('a part of a pack', () =>
    check(older({ a: bytesOf('a'), b: bytesOf('b'), d: bytesOf('d') }), {
      data: 5,
      same: 0,
      mostBytes: 1_032_000,
    }));
  test('a pack of which everything differs', () =>
    check(older({ a: changed('a', 0), c: changed('c', 1), d: bytesOf('d').subarray(1) }), {
      data: 5,
      same: 0,
    }));

  test('random trees, from random versions of themselves', async () => {
    for (const seed of seeds(20)) await checkRandom(new MemoryRandom(seed), `SEED=${seed}`);
  });

  async function checkRandom(random: MemoryRandom, name: string): Promise<void> {
    const offered: MemoryTree = randomTree(random);
    const versions = new Map<string, Uint8Array>();
    for (const [path, node] of offered) {
      if (node.kind !== 'file' || random.below(3) === 0) continue;
      const bytes = node.bytes.slice(
        0,
        random.below(3) === 0 ? random.below(node.bytes.length + 1) : undefined,
      );
      if (random.below(2) === 0 && bytes.length > 0) bytes[random.below(bytes.length)] = 7;
      versions.set(path, bytes);
    }
    const joined = joinTransfers(offered, { destination: { older: versions } });
    const reports = await joined.run();
    assert.doesNotThrow(() => assertArrived(offered, joined, reports), name);
  }
});

/** Reads of `path` give `then` from the `time`-th on. */
function changing(path: string, time: number, then: Uint8Array | undefined): JoinOptions {
  const versions = new Map(Object.entries(everything));
  const olderAt = (at: string, nth: number): Uint8Array | undefined =>
    at === path && nth >= time ? then : versions.get(at);
  return { destination: { older: versions, olderAt } };
}

function failing(path: string, time: number): JoinOptions {
  const fault = (operation: Operation, at: string, nth: number) =>
    operation === 'readHeld' && at === path && nth >= time ? ('disk-error' as const) : undefined;
  return { destination: { older: new Map(Object.entries(everything)), fault } };
}

suite('an older version that goes away', () => {
  // A range is read once for its digest, and once more when the sender has said that it is right.
  test('a range changed after its digest was told: it is asked for again', () =>
    check(changing('big', 2, changed('big', 0)), { data: 1, same: 5 }));
  test('a range is gone after its digest was told', () =>
    check(changing('big', 2, undefined), { data: 4, same: 5 }));
  test('a range cannot be read after its digest was told', () =>
    check(failing('big', 2), { data: 4, same: 5 }));
  test('a range cannot be read at all: as if nothing were there', () =>
    check(failing('big', 1), { data: 4, same: 1 }));
  test('a file of a pack cannot be read at all', () => check(failing('c', 1), { data: 1, same: 4 }));

  for (const [name, options] of Object.entries({
    changed: changing('c', 2, changed('c', 9)),
    gone: changing('c', 2, undefined),
    unreadable: failing('c', 2),
  })) {
    test(`a file of a pack is ${name} after its digest was told: it fails alone`, () =>
      check(options, { data: 0, same: 5 }, { failed: { c: 'disk-error' } }));
  }

  test('a file of a pack changes, another one is sent', () => {
    const versions = new Map(Object.entries({ ...everything, a: changed('a', 3) }));
    const olderAt = (path: string, nth: number) =>
      path === 'd' && nth > 1 ? changed('d', 3) : versions.get(path);
    const options = { destination: { older: versions, olderAt } };
    return check(options, { data: 1, same: 4 }, { failed: { d: 'disk-error' } });
  });
});
