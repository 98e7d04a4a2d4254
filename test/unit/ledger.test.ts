import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { ENTRY_FAILURES } from '../../src/base/failure.ts';
import { chunkCountFor, isPacked, PageLayout } from '../../src/protocol/chunkLayout.ts';
import type { Decision } from '../../src/protocol/chunkLayout.ts';
import { fileDigest, RootDigest } from '../../src/protocol/digest.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { Ledger } from '../../src/transfer/ledger.ts';
import type { LedgerCounts, Outcome } from '../../src/transfer/ledger.ts';
import { sourcePageCodec } from '../../src/transfer/sourcePage.ts';
import type { SourcePageItem } from '../../src/transfer/sourcePage.ts';
import { MemoryPageStore, memoryHashing } from '../support/memoryPorts.ts';
import { MemoryRandom, seeds } from '../support/memoryRandom.ts';
import { safePath } from '../support/memoryTree.ts';

const KIB = 1024;
/** More pages than stay in memory. */
const MANY = 100;

function file(path: string, size: number): SourcePageItem {
  const entry = {
    kind: 'file',
    path: safePath(path),
    size,
    mtimeMs: -3,
    isExecutable: size % 2 === 1,
  } as const;
  return { entry, version: { size, mtimeMs: -2.75, ctimeMs: 1e12 + 0.125, inode: 2 ** 53 - 1 } };
}

function folder(path: string): SourcePageItem {
  return { entry: { kind: 'folder', path: safePath(path), mtimeMs: 0 }, version: undefined };
}

function ledgerOf(pages: readonly (readonly SourcePageItem[])[]) {
  const store = new MemoryPageStore();
  const ledger = new Ledger(store, sourcePageCodec, memoryHashing);
  for (const items of pages) ledger.append(items);
  /** Uses so many other pages that all those not under way are put away. */
  const evict = (from = 1): void => {
    for (let page = from; page < ledger.pageCount; page += 1) ledger.page(page);
  };
  return { store, ledger, evict };
}

function digestOf(text: string): Uint8Array {
  return memoryHashing.sha256(utf8(text));
}

/** One page with what the test is about, and many others. */
function withOthers(items: readonly SourcePageItem[]): SourcePageItem[][] {
  return [[...items], ...Array.from({ length: MANY }, (_, at) => [file(`other${at}`, 1)])];
}

suite('a page that was put away comes back as it was', () => {
  test('items, with their versions to the last fraction', () => {
    const items = [file('a', 5), folder('b'), file('b/c', 3_000_000)];
    const { store, ledger, evict } = ledgerOf(withOthers(items));
    evict();
    const before = store.loaded.manifest;
    assert.deepEqual(ledger.page(0).items, items);
    assert.equal(store.loaded.manifest, before + 1, 'it had been put away');
    assert.deepEqual(ledger.page(0).decisions, []);
    assert.equal(ledger.page(0).layout, undefined);
  });

  test('decisions, outcomes, digests and the layout', () => {
    const items = [file('a', 5), folder('b'), file('c', 6), file('d', 7), file('e', 600 * KIB), file('f', 8)];
    const { ledger, evict } = ledgerOf(withOthers(items));
    const decisions: Decision[] = ['take', 'take', 'same', 'skip', 'take', 'refuse'];
    const layout = ledger.decide(decisions);
    ledger.recordSmall(0, 0, digestOf('a'));
    ledger.settle(0, 0, 'done');
    ledger.settle(0, 4, 'disk-error');
    evict();
    const page = ledger.page(0);
    assert.deepEqual(page.decisions, decisions);
    const outcomes = page.items.map((_, position) => page.outcomeOf(position));
    assert.deepEqual(outcomes, ['done', 'done', 'pending', 'pending', 'disk-error', 'pending']);
    assert.deepEqual(page.digestOf(0), fileDigest(memoryHashing, digestOf('a')));
    assert.deepEqual(page.layout, layout);
    assert.deepEqual(ledger.locate(2).chunk, layout.chunkAt(2));
  });

  test('every outcome', () => {
    const outcomes: readonly Exclude<Outcome, 'pending'>[] = ['done', ...ENTRY_FAILURES];
    const items = outcomes.map((_, at) => file(`f${at}`, 1));
    const { ledger, evict } = ledgerOf(withOthers(items));
    ledger.decide(items.map(() => 'take'));
    for (const [position, outcome] of outcomes.entries()) ledger.settle(0, position, outcome);
    evict();
    assert.deepEqual(
      items.map((_, position) => ledger.page(0).outcomeOf(position)),
      outcomes,
    );
  });

  test('and is never there twice: what one caller writes by number, another sees', () => {
    const { ledger, evict } = ledgerOf(withOthers([file('a', 5)]));
    ledger.decide(['take']);
    const held = ledger.page(0);
    evict();
    ledger.settle(held.page, 0, 'source-changed');
    assert.equal(held.outcomeOf(0), 'pending', 'the page that was put away is not written to');
    assert.equal(ledger.page(0).outcomeOf(0), 'source-changed');
    evict();
    assert.equal(ledger.page(0).outcomeOf(0), 'source-changed');
  });
});

suite('a big file under way', () => {
  const items = [file('big', 1000 * KIB)];
  const digests = [0, 1, 2, 3].map((ordinal) => digestOf(`chunk ${ordinal}`));

  function record(ledger: Ledger<SourcePageItem>, ordinal: number): boolean {
    const { chunk } = ledger.locate(ordinal);
    assert.equal(chunk.kind, 'range');
    const digest = digests[ordinal];
    assert.ok(digest);
    return ledger.recordRange(0, chunk, digest);
  }

  test('keeps its page in memory, in whichever order its chunks come', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 0, 3, 2, 1],
    ]) {
      const { store, ledger, evict } = ledgerOf(withOthers(items));
      ledger.decide(['take']);
      const results: boolean[] = [];
      for (const ordinal of order) {
        results.push(record(ledger, ordinal));
        const before = store.written.results;
        evict();
        assert.ok(store.written.results > before, 'others are put away meanwhile');
      }
      assert.deepEqual(
        results,
        order.map((_, at) => at === order.length - 1),
        'the last chunk is told once',
      );
      ledger.settle(0, 0, 'done');
      evict();
      assert.deepEqual(ledger.page(0).digestOf(0), fileDigest(memoryHashing, Buffer.concat(digests)));
    }
  });

  test('that fails lets its page go, and nothing makes it good again', () => {
    const { store, ledger, evict } = ledgerOf(withOthers(items));
    ledger.decide(['take']);
    record(ledger, 0);
    ledger.settle(0, 0, 'disk-error');
    evict();
    const before = store.loaded.manifest;
    assert.equal(ledger.page(0).underWay.size, 0);
    assert.equal(store.loaded.manifest, before + 1);
    for (const ordinal of [1, 2, 3]) assert.equal(record(ledger, ordinal), false);
    ledger.settle(0, 0, 'done');
    ledger.settle(0, 0, 'source-changed');
    assert.equal(ledger.page(0).outcomeOf(0), 'disk-error');
  });

  test('that was done can still fail: the other side could not finish it', () => {
    const { ledger } = ledgerOf([items]);
    ledger.decide(['take']);
    for (const ordinal of [0, 1, 2, 3]) record(ledger, ordinal);
    ledger.settle(0, 0, 'done');
    assert.equal(ledger.close().counts.published, 1);
    ledger.settle(0, 0, 'disk-error');
    assert.deepEqual(ledger.close().counts, { published: 0, same: 0, skipped: 0, failed: 1, bytes: 0 });
  });
});

test('an entry is found only in a page that was answered', () => {
  const { ledger } = ledgerOf([[file('a', 1)], [file('b', 1)]]);
  assert.equal(ledger.find(0, 0), undefined);
  ledger.decide(['skip']);
  assert.equal(ledger.find(0, 0)?.entry.path, 'a');
  assert.equal(ledger.find(0, 1), undefined);
  assert.equal(ledger.find(1, 0), undefined);
  assert.equal(ledger.find(99, 0), undefined);
});

/** What a ledger should say, computed with everything in memory and no cleverness. */
class Twin {
  readonly entries: {
    readonly entry: Entry;
    readonly page: number;
    readonly position: number;
    decision?: Decision;
  }[] = [];
  readonly outcomes = new Map<string, Outcome>();
  readonly chunks = new Map<string, Uint8Array[]>();

  get taken(): string[] {
    return this.entries.filter((item) => this.#isDone(item)).map(({ entry }) => entry.path);
  }

  close(): { readonly root: Uint8Array; readonly counts: LedgerCounts } {
    const root = new RootDigest(memoryHashing);
    const done = this.entries.filter((item) => this.#isDone(item));
    for (const { entry } of done) {
      const digests = Buffer.concat(this.chunks.get(entry.path) ?? []);
      root.add(entry, entry.kind === 'file' ? memoryHashing.sha256(digests) : undefined);
    }
    const count = (decision: Decision): number =>
      this.entries.filter((item) => item.decision === decision).length;
    const counts = {
      published: done.length,
      same: count('same'),
      skipped: count('skip'),
      failed: this.entries.length - done.length - count('same') - count('skip'),
      bytes: done.reduce((sum, { entry }) => sum + (entry.kind === 'file' ? entry.size : 0), 0),
    };
    return { root: root.finish(), counts };
  }

  #isDone({ entry, decision }: { readonly entry: Entry; decision?: Decision }): boolean {
    return decision === 'take' && this.outcomes.get(entry.path) === 'done';
  }
}

/** Pages come, are answered, and their chunks arrive in a random order; sometimes something fails. */
function checkAgainstTwin(random: MemoryRandom): void {
  const { ledger } = ledgerOf([]);
  const twin = new Twin();
  const open: number[] = [];
  let answered = 0;
  let chunks = 0;
  const pages: SourcePageItem[][] = [];

  const steps: [() => void, ...(() => void)[]] = [
    function append(): void {
      const page = pages.length;
      const name = (at: number): string => `${String(page).padStart(4, '0')} ${at}`;
      const items = Array.from({ length: 1 + random.below(6) }, (_, at) =>
        random.below(4) === 0
          ? folder(name(at))
          : file(name(at), random.pick([0, 1, 100, 300 * KIB, 1000 * KIB])),
      );
      for (const [position, { entry }] of items.entries()) twin.entries.push({ entry, page, position });
      pages.push(items);
      assert.equal(ledger.append(items).page, page);
    },
    function decide(): void {
      if (answered >= pages.length) return;
      const items = twin.entries.filter(({ page }) => page === answered);
      const decisions = items.map(() =>
        random.pick(['take', 'take', 'take', 'same', 'skip', 'refuse'] as const),
      );
      const layout = ledger.decide(decisions);
      const expected = PageLayout.of(
        items.map(({ entry }) => entry),
        decisions,
        chunks,
      );
      assert.deepEqual(layout, expected);
      for (const [at, item] of items.entries()) {
        const decision = decisions[at];
        if (decision !== undefined) item.decision = decision;
        if (item.entry.kind === 'folder' && decision === 'take') twin.outcomes.set(item.entry.path, 'done');
      }
      for (let index = layout.firstChunk; index < layout.endChunk; index += 1) open.push(index);
      chunks = layout.endChunk;
      answered += 1;
    },
    function arrive(): void {
      const [index] = open.splice(random.below(open.length), 1);
      if (index === undefined) return;
      const { page, chunk } = ledger.locate(index);
      for (const position of chunk.kind === 'range' ? [chunk.entry] : chunk.entries) {
        const { entry } = page.itemAt(position);
        const digest = digestOf(`${index} ${position}`);
        const digests = twin.chunks.get(entry.path) ?? [];
        twin.chunks.set(entry.path, digests);
        digests[chunk.kind === 'range' ? chunk.ordinal : 0] = digest;
        const size = entry.kind === 'file' ? entry.size : 0;
        const isLast = Object.keys(digests).length === (isPacked(size) ? 1 : chunkCountFor(size));
        const isPending = twin.outcomes.get(entry.path) === undefined;
        if (chunk.kind === 'pack') ledger.recordSmall(page.page, position, digest);
        else assert.equal(ledger.recordRange(page.page, chunk, digest), isLast && isPending);
        if (!isLast || !isPending) continue;
        ledger.settle(page.page, position, 'done');
        twin.outcomes.set(entry.path, 'done');
      }
    },
    function fail(): void {
      const candidates = twin.entries.filter(({ decision }) => decision === 'take');
      const item = candidates[random.below(candidates.length)];
      if (item === undefined || random.below(3) > 0) return;
      const before = twin.outcomes.get(item.entry.path);
      ledger.settle(item.page, item.position, 'disk-error');
      if (before === undefined || before === 'done') twin.outcomes.set(item.entry.path, 'disk-error');
    },
    function look(): void {
      if (pages.length === 0) return;
      const page = random.below(pages.length);
      assert.deepEqual(ledger.page(page).items, pages[page]);
    },
  ];
  while (pages.length < 160) random.pick(steps)();
  while (answered < pages.length) steps[1]?.();
  for (let left = 0; left < 100 && open.length > 0; left += 1) steps[2]?.();

  const { root, counts } = ledger.close();
  const expected = twin.close();
  assert.deepEqual(counts, expected.counts);
  assert.equal(toHex(root), toHex(expected.root));
  assert.deepEqual(
    [...ledger.taken()].map(({ entry }) => entry.path),
    twin.taken,
  );
  assert.equal(ledger.chunkCount, chunks);
  assert.equal(ledger.answeredCount, answered);
}

test('a ledger of many pages says what a naive one says', () => {
  for (const seed of seeds(15)) {
    assert.doesNotThrow(() => checkAgainstTwin(new MemoryRandom(seed)), `SEED=${seed}`);
  }
});
