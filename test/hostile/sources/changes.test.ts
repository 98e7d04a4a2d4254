import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';
import { makeSettled, waysToChange } from './changes.ts';
import type { Change } from './changes.ts';
import { assertReceipt, send } from './sending.ts';
import type { Moments, Sent } from './sending.ts';

/**
 * Every way a file can change, at every moment of its transfer. It arrives as it was listed, or fails by itself and
 * is named; two versions in one file there never are. Its neighbours arrive whatever happens to it.
 */

const SIZES = { small: 5000, big: 1_000_000 };
const VICTIM = 'sent/m';

function oldContent(size: number): string {
  return 'O'.repeat(size);
}

/** A folder with the file that will change, between two that will not. */
function makeSource(t: TestContext, size: number): string {
  const folder = join(scratchFolder(t), 'sent');
  mkdirSync(folder);
  for (const name of ['a', 'z']) writeFileSync(join(folder, name), `neighbour ${name}`);
  makeSettled(join(folder, 'm'), oldContent(size));
  return folder;
}

/** What becomes of the file: it arrives as it was, or fails; when its name is looked up afterwards, or not. */
type Fate = 'arrives' | 'fails when opened' | 'fails while open';

interface Moment {
  /** Steps in, once, and changes the file. */
  readonly when: (change: () => void) => Moments;
  readonly fate: Readonly<Record<keyof typeof SIZES, Fate>>;
}

const moments: Readonly<Record<string, Moment>> = {
  'offered, before the yes': {
    when: (change) => ({ onOffered: change }),
    fate: { small: 'fails when opened', big: 'fails when opened' },
  },
  'before it is read and hashed': {
    when: (change) => ({ onRead: (path, nth) => path === VICTIM && nth === 1 && change() }),
    fate: { small: 'fails when opened', big: 'fails when opened' },
  },
  'in the middle of a chunk': {
    when: (change) => ({
      onHalf: once((location) => location.endsWith('/m'), change),
    }),
    fate: { small: 'fails while open', big: 'fails while open' },
  },
  'between hash and send': {
    when: (change) => ({ onHashed: once<void>(() => true, change) }),
    // What is small is one chunk: it was read whole before it was hashed.
    fate: { small: 'arrives', big: 'fails while open' },
  },
  'between two chunks': {
    when: (change) => ({ onRead: (path, nth) => path === VICTIM && nth === 2 && change() }),
    fate: { small: 'arrives', big: 'fails while open' },
  },
  'after its last chunk': {
    when: (change) => ({ onReleased: (path) => path === VICTIM && change() }),
    fate: { small: 'arrives', big: 'arrives' },
  },
  'when all has arrived, before it is published': {
    when: (change) => ({ onArrived: change }),
    fate: { small: 'arrives', big: 'arrives' },
  },
};

function once<Argument>(
  fits: (argument: Argument) => boolean,
  change: () => void,
): (argument: Argument) => void {
  let isDone = false;
  return (argument) => {
    if (isDone || !fits(argument)) return;
    isDone = true;
    change();
  };
}

function check(sent: Sent, size: number, fate: Fate, { closed }: Change): void {
  assertReceipt(sent);
  const neighbours = { sent: '<folder>', 'sent/a': 'neighbour a', 'sent/z': 'neighbour z' };
  if (fate === 'arrives') {
    assert.deepEqual(sent.failed, []);
    // Compared by itself: a difference would fill the screen.
    assert.ok(sent.arrived[VICTIM] === oldContent(size), 'it is not what was listed');
    assert.deepEqual({ ...sent.arrived, [VICTIM]: undefined }, { ...neighbours, [VICTIM]: undefined });
    return;
  }
  assert.deepEqual(sent.failed, [`${VICTIM}: ${fate === 'fails when opened' ? closed : 'source-changed'}`]);
  assert.deepEqual(sent.arrived, neighbours);
}

for (const size of ['small', 'big'] as const) {
  for (const [name, change] of Object.entries(waysToChange(oldContent(SIZES[size])))) {
    test(`${name}, ${size}, at every moment: as it was listed, or a failure of its own`, async (t) => {
      for (const [moment, { when, fate }] of Object.entries(moments)) {
        await t.test(moment, async (inner) => {
          const source = makeSource(inner, SIZES[size]);
          let changes = 0;
          const apply = (): void => {
            changes += 1;
            change.apply(join(source, 'm'));
          };
          const sent = await send(source, new SimDisk(), when(apply));
          // What has one chunk has no second: nothing happens then.
          const isReached =
            size === 'big' || !['between two chunks', 'after its last chunk'].includes(moment);
          assert.equal(changes, isReached ? 1 : 0);
          check(sent, SIZES[size], fate[size], change);
        });
      }
    });

    for (const breaks of size === 'big'
      ? ([3000, 'when all has arrived'] as const)
      : (['when all has arrived'] as const)) {
      test(`${name}, ${size}, while the receiver is away, broken off ${where(breaks)}: as it is now`, async (t) => {
        const source = makeSource(t, SIZES[size]);
        const receiver = new SimDisk();
        const cut = await send(source, receiver, {}, { breaks });
        assert.equal(cut.outgoing.end.close.code, 'connection-lost');
        assert.deepEqual(cut.arrived, {});
        change.apply(join(source, 'm'));
        const sent = await send(source, receiver);
        assertReceipt(sent);
        assert.deepEqual(sent.failed, change.failsFor === undefined ? [] : [`${VICTIM}: ${change.failsFor}`]);
        assert.ok(sent.arrived[VICTIM] === change.content, 'it is not what stands there now');
        assert.deepEqual([sent.arrived['sent/a'], sent.arrived['sent/z']], ['neighbour a', 'neighbour z']);
      });
    }
  }
}

function where(breaks: number | string): string {
  return typeof breaks === 'number' ? 'in its middle' : breaks;
}
