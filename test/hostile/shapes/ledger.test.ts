import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../../src/transfer/ledger.ts';
import { sourcePageCodec } from '../../../src/transfer/sourcePage.ts';
import type { SourcePageItem } from '../../../src/transfer/sourcePage.ts';
import { MemoryPageStore, memoryHashing } from '../../support/memoryPorts.ts';
import { safePath } from '../../support/memoryTree.ts';

/** As many as our sender puts into one page. */
const PER_PAGE = 2048;

function pageOf(number: number): SourcePageItem[] {
  return Array.from({ length: PER_PAGE }, (_, at) => ({
    entry: {
      kind: 'file',
      path: safePath(`a file of page ${number} ${at}`),
      size: 100,
      mtimeMs: 1_700_000_000_000 + at,
      isExecutable: false,
    },
    version: { size: 100, mtimeMs: 1_700_000_000_000.5, ctimeMs: 1_700_000_000_000.5, inode: at },
  }));
}

test('case 94: of many long pages a few are in memory, and each is parsed once in a pass through all', () => {
  const store = new MemoryPageStore();
  const ledger = new Ledger(store, sourcePageCodec, memoryHashing);
  const pages = 60;
  for (let number = 0; number < pages; number += 1) ledger.append(pageOf(number));
  const kept = (): number => pages - store.loaded.manifest;
  for (let number = 0; number < pages; number += 1) ledger.page(number);
  // Least recently used first: a pass from the beginning finds what it needs next put away just before.
  assert.equal(kept(), 0);
  for (let number = pages - 1; number >= 0; number -= 1) ledger.page(number);
  const inMemory = 2 * pages - store.loaded.manifest;
  // More than there have to be, and as many as four mebibytes hold.
  assert.ok(inMemory > 16 && inMemory < 24, `${inMemory} pages of ${PER_PAGE} files`);
});
