import assert from 'node:assert/strict';
import { concatBytes, utf8 } from '../../../../src/base/bytes.ts';
import { PageLayout } from '../../../../src/protocol/chunkLayout.ts';
import { addTotals, emptyTotals, ManifestOrder } from '../../../../src/protocol/manifest.ts';
import type { Entry, ManifestTotals } from '../../../../src/protocol/manifest.ts';
import { decodeMessage, entryFromWire, entryToWire } from '../../../../src/protocol/messages.ts';
import { collisionKey, namesOf, parseSafePath } from '../../../../src/protocol/wirePath.ts';
import { isRemoteError } from '../../../support/samples.ts';
import { checkNumbers } from '../target.ts';
import type { FuzzTarget, Verdict } from '../target.ts';
import { mutatedMessage } from './message.ts';

const LINE_FEED = 0x0a;

/** Pages of one manifest, one in a line: parsed, held to the order, summed up, and cut into chunks. */
export function pageTarget(): FuzzTarget {
  return {
    kinds: ['page'],
    generate(dice) {
      const pages = Array.from({ length: dice.isLess(0.2) ? 2 : 1 }, () => mutatedMessage('page', dice));
      return { kind: 'page', bytes: concatBytes(pages.flatMap((page) => [page, utf8('\n')]).slice(0, -1)) };
    },
    check: ({ bytes }) => checkPages(bytes),
  };
}

function checkPages(bytes: Uint8Array): Verdict {
  const order = new ManifestOrder();
  let totals = emptyTotals;
  let firstChunk = 0;
  const taken: Entry[] = [];
  for (const page of linesOf(bytes)) {
    try {
      const { entries: wire } = decodeMessage('page', page);
      checkNumbers(wire);
      const entries = wire.map(entryFromWire);
      for (const entry of entries) order.add(entry);
      totals = addTotals(totals, entries);
      assert.equal(JSON.stringify(entries.map(entryToWire)), JSON.stringify(wire));
      taken.push(...entries);
      firstChunk = checkLayout(entries, firstChunk);
    } catch (error) {
      if (!isRemoteError('protocol-error', 'limit-exceeded')(error)) throw error;
      checkTaken(taken, undefined);
      return 'refused';
    }
  }
  checkTaken(taken, totals);
  return 'taken';
}

/** What was taken, told in the most obvious way: parents listed, nothing twice, nothing that collides. */
function checkTaken(entries: readonly Entry[], totals: ManifestTotals | undefined): void {
  const folders = new Set<string>();
  const keys = new Set<string>();
  let bytes = 0n;
  for (const entry of entries) {
    const names = namesOf(entry.path);
    assert.ok('path' in parseSafePath(entry.path), entry.path);
    assert.ok(names.length === 1 || folders.has(names.slice(0, -1).join('/')), `${entry.path} has no folder`);
    const key = names.map(collisionKey).join('/');
    assert.ok(!keys.has(key), `${entry.path} collides`);
    keys.add(key);
    if (entry.kind === 'folder') folders.add(entry.path);
    else bytes += BigInt(entry.size);
  }
  if (totals === undefined) return;
  const expected = { entries: entries.length, files: entries.length - folders.size, bytes: Number(bytes) };
  assert.deepEqual(totals, expected);
  assert.ok(bytes < 2n ** 53n);
}

/** Chunks begin where those of the page before end, and each has bytes of a file. Returns where they end. */
function checkLayout(entries: readonly Entry[], firstChunk: number): number {
  const decisions = entries.map(() => 'take' as const);
  const layout = PageLayout.of(entries, decisions, firstChunk);
  assert.ok(Number.isSafeInteger(layout.endChunk));
  for (const index of new Set([firstChunk, layout.endChunk - 1])) {
    if (layout.chunkCount > 0) assert.equal(layout.chunkAt(index).index, index);
  }
  assert.throws(() => layout.chunkAt(layout.endChunk), RangeError);
  return layout.endChunk;
}

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  for (;;) {
    const end = bytes.indexOf(LINE_FEED, from);
    yield bytes.subarray(from, end === -1 ? bytes.length : end);
    if (end === -1) return;
    from = end + 1;
  }
}
