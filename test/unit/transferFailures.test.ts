import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import type { EntryFailure } from '../../src/base/failure.ts';
import { quiet } from '../support/memoryClock.ts';
import { assertArrived, assertFailed, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import type { JoinOptions, Outcome } from '../support/memoryTransfer.ts';
import type { Operation } from '../support/memoryDestination.ts';
import { treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;

/** Two packs around a big file of 12 chunks. */
const tree = treeOf({
  a: 300,
  b: 0,
  big: 3000 * KIB,
  c: 20_000,
  folder: null,
  'folder/d': 1000,
  'folder/other': 600 * KIB,
  z: 256 * KIB - 1,
});

/** The transfer works but for `outcome`. */
async function checkArrives(options: JoinOptions, outcome: Outcome, offered: MemoryTree = tree) {
  const joined = joinTransfers(offered, options);
  const reports = await joined.run();
  assertArrived(offered, joined, reports, outcome);
  const { failed = {}, refused = [] } = outcome;
  const reasons = [...Object.values(failed), ...refused.map(() => 'name-taken')];
  const counted = [...reports.outgoing.failures].flatMap(([reason, count]) =>
    Array.from({ length: count }, () => reason),
  );
  assert.deepEqual(counted.toSorted(), reasons.toSorted());
  return joined;
}

/** The transfer fails as a whole, on both sides for the same reason. */
async function checkFails(options: JoinOptions, code: string, offered: MemoryTree = tree) {
  const joined = joinTransfers(offered, options);
  assertFailed(joined, await joined.run(), code);
  return joined;
}

/** An operation of the destination that fails. */
function failing(
  operation: Operation,
  path: string,
  reason: CourierError['code'],
  time?: number,
): JoinOptions {
  return {
    destination: {
      fault: (actual, at, nth) =>
        actual === operation && at === path && (time === undefined || nth === time) ? reason : undefined,
    },
  };
}

suite('the sender cannot read a file', () => {
  const places: readonly (readonly [path: string, fromOffset: number])[] = [
    ['big', 0],
    ['big', 1280 * KIB],
    ['big', 2816 * KIB],
    ['a', 0],
    ['b', 0],
    ['c', 0],
    ['folder/d', 0],
    ['z', 0],
  ];
  const reasons: readonly EntryFailure[] = ['source-changed', 'source-unreadable', 'source-vanished'];
  for (const [path, fromOffset] of places) {
    for (const reason of reasons) {
      test(`${reason}: ${path} from ${fromOffset}`, async () => {
        const fault = (at: string, offset: number) =>
          at === path && offset >= fromOffset ? reason : undefined;
        const joined = await checkArrives({ source: { fault } }, { failed: { [path]: reason } });
        assert.ok(!joined.source.released.includes(path));
      });
    }
  }

  test('nothing at all can be read', async () => {
    const failed = Object.fromEntries(
      [...tree.keys()].filter((path) => path !== 'folder').map((path) => [path, 'source-vanished']),
    );
    await checkArrives({ source: { fault: () => 'source-vanished' } }, { failed });
  });

  test('a chunk in the middle changed, those around it did not', async () => {
    const fault = (path: string, offset: number) =>
      path === 'big' && offset === 768 * KIB ? 'source-changed' : undefined;
    await checkArrives({ source: { fault } }, { failed: { big: 'source-changed' } });
  });

  test('for a reason that no entry has', async () => {
    await checkFails({ source: { fault: (path) => (path === 'big' ? 'internal' : undefined) } }, 'internal');
  });

  test('what was read to its end is let go, once', async () => {
    const joined = await checkArrives({}, {});
    assert.deepEqual(joined.source.released.toSorted(), ['big', 'folder/other']);
  });
});

suite('the receiver cannot finish a file', () => {
  const table: readonly (readonly [Operation, path: string, time?: number])[] = [
    ['write', 'big', 1],
    ['write', 'big', 6],
    ['write', 'big', 12],
    ['write', 'big'],
    ['write', 'a'],
    ['write', 'b'],
    ['write', 'z'],
    ['complete', 'big'],
    ['complete', 'c'],
  ];
  for (const [operation, path, time] of table) {
    test(`${operation} of ${path} fails, time ${time ?? 'every'}`, async () => {
      await checkArrives(failing(operation, path, 'disk-error', time), { failed: { [path]: 'disk-error' } });
    });
  }

  test('a name is taken in the end', async () => {
    await checkArrives(failing('complete', 'folder/d', 'name-taken'), {
      failed: { 'folder/d': 'name-taken' },
    });
  });

  test('and cannot discard it either', async () => {
    const fault = (operation: Operation, path: string) =>
      path === 'big' && (operation === 'write' || operation === 'discard') ? 'disk-error' : undefined;
    await checkArrives({ destination: { fault } }, { failed: { big: 'disk-error' } });
  });

  test('nor the sender read it: it fails once, for the reason that each saw first', async () => {
    const joined = joinTransfers(tree, {
      ...failing('write', 'big', 'disk-error'),
      source: {
        fault: (path, offset) => (path === 'big' && offset === 2816 * KIB ? 'source-changed' : undefined),
      },
    });
    // Everything has been asked for when the first chunk arrives, and cannot be written.
    joined.source.reading.shut();
    await joined.start();
    joined.source.reading.step();
    await quiet();
    assert.ok(joined.events.includes('receiver failed big: disk-error'));
    joined.source.reading.open();
    const { outgoing, incoming } = await joined.finish();
    assert.deepEqual([...outgoing.failures], [['source-changed', 1]]);
    assert.equal(outgoing.receipt?.root, incoming.receipt?.root);
    assert.ok(joined.events.includes('sender failed big: source-changed'));
    assert.ok(!joined.events.includes('sender failed big: disk-error'));
  });

  test('what is left of a file that failed is not asked for', async () => {
    const large = treeOf({ large: 80 * 256 * KIB, z: 5 });
    const joined = joinTransfers(large, failing('write', 'large', 'disk-error', 1));
    assertArrived(large, joined, await joined.run(), { failed: { large: 'disk-error' } });
    assert.ok(
      countFrames(joined.link.toSender, 'want') < 70,
      `${countFrames(joined.link.toSender, 'want')} wants`,
    );
  });

  test('more files than one message names', async () => {
    const many = treeOf(Object.fromEntries(Array.from({ length: 1300 }, (_, at) => [`f${at}`, 3])));
    const failed = Object.fromEntries([...many.keys()].slice(5).map((path) => [path, 'disk-error']));
    const fault = (operation: Operation, path: string) =>
      operation === 'write' && path in failed ? 'disk-error' : undefined;
    const joined = await checkArrives({ destination: { fault } }, { failed }, many);
    assert.equal(countFrames(joined.link.toSender, 'outcome'), 3);
  });
});

suite('the receiver cannot publish an entry', () => {
  const table: readonly (readonly string[])[] = [
    ['a'],
    ['big'],
    ['folder'],
    ['a', 'b', 'big', 'z'],
    [...tree.keys()],
  ];
  for (const paths of table) {
    test(paths.join(' '), async () => {
      const publishFailures = new Map(paths.map((path) => [path, 'name-taken' as const]));
      const failed = Object.fromEntries(publishFailures);
      await checkArrives({ destination: { publishFailures } }, { failed });
    });
  }

  test('more than one message names', async () => {
    const many = treeOf(Object.fromEntries(Array.from({ length: 1300 }, (_, at) => [`f${at}`, 3])));
    const publishFailures = new Map([...many.keys()].slice(1).map((path) => [path, 'disk-error' as const]));
    await checkArrives(
      { destination: { publishFailures } },
      { failed: Object.fromEntries(publishFailures) },
      many,
    );
  });
});

suite('the destination fails', () => {
  const table: readonly (readonly [Operation, path: string, code: CourierError['code'], time?: number])[] = [
    ['write', 'big', 'disk-full', 1],
    ['write', 'big', 'disk-full', 7],
    ['write', 'z', 'disk-full'],
    ['complete', 'big', 'destination-unwritable'],
    ['plan', 'a', 'destination-unwritable'],
    ['publish', '', 'disk-full'],
    ['write', 'a', 'internal'],
  ];
  for (const [operation, path, code, time] of table) {
    test(`${code} in ${operation} of ${path || 'all'}, time ${time ?? 'every'}`, async () => {
      const joined = await checkFails(failing(operation, path, code, time), code);
      assert.ok(joined.destination.isAbandoned);
    });
  }

  test('case 97: too little space is told before any data flows', async () => {
    const joined = await checkFails({ destination: { freeBytes: 3_000_000 } }, 'disk-full');
    assert.equal(countFrames(joined.link.toReceiver, 'data'), 0);
    assert.equal(countFrames(joined.link.toSender, 'want'), 0);
  });

  test('what is not taken needs no space', async () => {
    const decide = (path: string) => (path === 'big' ? 'same' : 'take');
    await checkArrives({ destination: { freeBytes: 1_000_000, decide } }, { same: ['big'] });
  });

  test('to remove what it has: the transfer still ends', async () => {
    const fault = (operation: Operation) =>
      operation === 'plan' ? 'disk-full' : operation === 'abandon' ? 'destination-unwritable' : undefined;
    await checkFails({ destination: { fault } }, 'disk-full');
  });
});

suite('the source fails', () => {
  test('in listing', async () => {
    const listFault = new CourierError('source-missing', 'gone');
    await checkFails({ source: { listFault } }, 'source-missing');
  });

  test('in closing: the transfer still ends', async () => {
    await checkArrives({ source: { closeFault: new Error('close') } }, {});
  });
});
