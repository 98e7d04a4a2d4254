import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertArrived, assertFailed, joinTransfers } from '../support/memoryTransfer.ts';
import type { JoinOptions, Outcome } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;

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
  assert.equal(reports.outgoing.failures.get('name-taken') ?? 0, outcome.refused?.length ?? 0);
  return joined;
}

/** The transfer ends with `code`, on both sides. */
async function checkFails(options: JoinOptions, code: string, offered: MemoryTree = tree) {
  const joined = joinTransfers(offered, options);
  assertFailed(joined, await joined.run(), code);
  return joined;
}

suite('what is not sent', () => {
  test('decisions', async () => {
    const decisions: Readonly<Record<string, 'same' | 'skip' | 'refuse'>> = {
      a: 'same',
      b: 'skip',
      'folder/other': 'refuse',
      z: 'refuse',
    };
    const decide = (path: string) => decisions[path] ?? 'take';
    const outcome = { same: ['a'], skipped: ['b'], refused: ['folder/other', 'z'] };
    const joined = await checkArrives({ destination: { decide } }, outcome);
    assert.deepEqual(
      joined.events.filter((event) => event.startsWith('sender skipped')),
      ['sender skipped b'],
    );
    assert.equal(joined.source.reads.has('z@0'), false);
    assert.equal(joined.outgoing.snapshot().bytesDone, joined.outgoing.snapshot().bytesTotal);
  });

  for (const decision of ['same', 'skip', 'refuse'] as const) {
    test(`everything: ${decision}`, async () => {
      const paths = [...tree.keys()];
      const outcome = { same: { same: paths }, skip: { skipped: paths }, refuse: { refused: paths } }[
        decision
      ];
      await checkArrives({ destination: { decide: () => decision } }, outcome);
    });
  }

  test('left-out things are counted and the rest arrives', async () => {
    const offered = treeOf({
      a: 5,
      link: 'link',
      pipe: 'special',
      q: 'source-unreadable',
      r: 'name-refused',
      s: 'name-refused',
    });
    const joined = joinTransfers(offered);
    const reports = await joined.run();
    assertArrived(offered, joined, reports);
    assert.equal(reports.incoming.leftOut, 5);
    assert.equal(reports.outgoing.skippedSpecials, 2);
    assert.deepEqual(Object.fromEntries(reports.outgoing.failures), {
      'source-unreadable': 1,
      'name-refused': 2,
    });
    assert.ok(joined.events.includes('sender left out pipe: special'));
  });

  for (const [name, offered] of Object.entries({
    nothing: treeOf({}),
    'only a link': treeOf({ link: 'link' }),
  })) {
    test(`nothing to send: ${name}`, async () => {
      await checkFails({}, 'nothing-to-send', offered);
    });
  }
});

suite('the receiver says no', () => {
  test('to the peer', async () => {
    const joined = await checkFails({ judge: () => 'not-paired' }, 'not-paired');
    assert.deepEqual(joined.events, [], 'the peer hears no name, and no destination opens');
  });

  test('to the offer', async () => {
    const joined = await checkFails({ consent: () => Promise.resolve(false) }, 'declined');
    assert.deepEqual(joined.destination.calls, [], 'no destination opens');
    assert.equal(joined.events.includes('sender was accepted'), false);
  });

  test('by mistake', async () => {
    await checkFails({ consent: () => Promise.reject(new Error('no window')) }, 'internal');
  });

  test('yes: it is asked once, with the whole summary', async () => {
    const asked: unknown[] = [];
    const offered = treeOf({ a: 5, folder: null, 'folder/b': 300_000, link: 'link' });
    const joined = await checkArrives(
      {
        consent: (summary, { signal }) => {
          asked.push(summary);
          return Promise.resolve(!signal.aborted);
        },
      },
      {},
      offered,
    );
    assert.deepEqual(asked, [
      {
        transfer: '00112233445566778899aabbccddeeff',
        label: 'things',
        totals: { entries: 3, files: 2, bytes: 300_005 },
        leftOut: 1,
        roots: ['a', 'folder'],
        rootCount: 2,
        largest: [
          { path: 'folder/b', sizeBytes: 300_000 },
          { path: 'a', sizeBytes: 5 },
        ],
        notable: { count: 0, first: [] },
      },
    ]);
    assert.equal(joined.events.filter((event) => event === 'sender was accepted').length, 1);
    assert.equal(joined.reports.incoming?.leftOut, 1);
  });

  const endings: Readonly<Record<string, (joined: ReturnType<typeof joinTransfers>) => void>> = {
    'the link is cut': ({ link }) => link.cut(),
    'the sender cancels': ({ outgoing }) => outgoing.cancel(),
    'the receiver cancels': ({ incoming }) => incoming.cancel(),
  };
  for (const [name, end] of Object.entries(endings)) {
    test(`nothing yet, when ${name}: the question is withdrawn`, async () => {
      const signals: AbortSignal[] = [];
      const joined = joinTransfers(tree, {
        consent: (_summary, { signal }) => {
          signals.push(signal);
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve(false));
          });
        },
      });
      await joined.start();
      assert.equal(joined.incoming.snapshot().state, 'waiting');
      assert.equal(joined.outgoing.snapshot().state, 'waiting');
      assert.deepEqual(
        signals.map(({ aborted }) => aborted),
        [false],
      );
      end(joined);
      const code = name.includes('cancels') ? 'cancelled' : 'connection-lost';
      assertFailed(joined, await joined.finish(), code);
      assert.deepEqual(
        signals.map(({ aborted }) => aborted),
        [true],
      );
    });
  }
});
