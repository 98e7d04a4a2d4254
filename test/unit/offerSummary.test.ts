import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/protocol/manifest.ts';
import { OfferNotes } from '../../src/transfer/offerSummary.ts';
import type { OfferSummary } from '../../src/transfer/offerSummary.ts';
import { safePath } from '../support/memoryTree.ts';

/** An entry from `path` (a folder) or `path:size`. */
function entryOf(text: string): Entry {
  const [path = '', size] = text.split(':');
  if (size === undefined) return { kind: 'folder', path: safePath(path), mtimeMs: 0 };
  return { kind: 'file', path: safePath(path), size: Number(size), mtimeMs: 0, isExecutable: false };
}

function check(pages: readonly (readonly string[])[], expected: Partial<OfferSummary>): void {
  const notes = new OfferNotes();
  for (const page of pages) notes.add(page.map(entryOf));
  const summary = notes.summarize({ transfer: 'id', label: 'label', leftOut: 2 });
  const { transfer, label, leftOut } = summary;
  assert.deepEqual({ transfer, label, leftOut }, { transfer: 'id', label: 'label', leftOut: 2 });
  for (const key of ['totals', 'roots', 'rootCount', 'largest'] as const) {
    if (key in expected) assert.deepEqual(summary[key], expected[key], key);
  }
}

test('nothing was listed', () => {
  check([], { totals: { entries: 0, files: 0, bytes: 0 }, roots: [], rootCount: 0, largest: [] });
});

test('names at the top, totals and the largest files, over the pages', () => {
  check([['a:5', 'b', 'b/c:700', 'b/d'], ['b/d/e:30', 'f:31'], ['g:1']], {
    totals: { entries: 7, files: 5, bytes: 767 },
    roots: ['a', 'b', 'f', 'g'],
    rootCount: 4,
    largest: [
      { path: 'b/c', sizeBytes: 700 },
      { path: 'f', sizeBytes: 31 },
      { path: 'b/d/e', sizeBytes: 30 },
    ],
  });
});

test('of files of one size the first ones', () => {
  check([['a:0', 'b:0', 'c:0', 'd:0', 'e:1', 'f:1']], {
    largest: [
      { path: 'e', sizeBytes: 1 },
      { path: 'f', sizeBytes: 1 },
      { path: 'a', sizeBytes: 0 },
    ],
  });
});

test('the first hundred names are told, all are counted', () => {
  const names = Array.from({ length: 250 }, (_, at) => `n${String(at).padStart(3, '0')}`);
  check([names.slice(0, 90), names.slice(90)], { roots: names.slice(0, 100), rootCount: 250 });
});
