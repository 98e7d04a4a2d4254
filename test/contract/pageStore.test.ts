import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { PageFiles } from '../../src/node/disk/pageFiles.ts';
import type { PageStore } from '../../src/transfer/ports.ts';
import { MemoryPageStore } from '../support/memoryPorts.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { scratchFolder } from '../support/scratch.ts';

const implementations: Readonly<Record<string, (t: TestContext) => PageStore>> = {
  memory: () => new MemoryPageStore(),
  files: (t) => new PageFiles(join(scratchFolder(t), 'deeper', 'pages')),
};

function read(store: PageStore, kind: 'manifest' | 'results', page: number): number[] | undefined {
  const bytes = store.read(kind, page);
  return bytes === undefined ? undefined : [...bytes];
}

for (const [name, open] of Object.entries(implementations)) {
  test(`${name}: what was never written is not there`, (t) => {
    const store = open(t);
    store.write('manifest', 0, Uint8Array.of(1));
    assert.equal(store.read('results', 0), undefined);
    assert.equal(store.read('manifest', 1), undefined);
  });

  test(`${name}: kinds and pages are kept apart, in any order, empty ones too`, (t) => {
    const store = open(t);
    const random = new MemoryRandom(1);
    const pages = [1_000_000, 0, 12, 1, 2].map(
      (page) => [page, random.bytes(page % 7 === 0 ? 0 : 5000)] as const,
    );
    for (const [page, bytes] of pages) {
      store.write('manifest', page, bytes);
      store.write('results', page, bytes.toReversed());
    }
    for (const [page, bytes] of pages) {
      assert.deepEqual(read(store, 'manifest', page), [...bytes]);
      assert.deepEqual(read(store, 'results', page), [...bytes].toReversed());
    }
  });

  test(`${name}: a page is written whole: the shorter one leaves nothing of the longer`, (t) => {
    const store = open(t);
    store.write('results', 3, new Uint8Array(100_000).fill(7));
    store.write('results', 3, Uint8Array.of(1, 2));
    assert.deepEqual(read(store, 'results', 3), [1, 2]);
  });

  test(`${name}: a page is what it was when it was written`, (t) => {
    const store = open(t);
    const bytes = Uint8Array.of(1, 2, 3);
    store.write('manifest', 0, bytes);
    bytes[0] = 9;
    const first = store.read('manifest', 0);
    first?.fill(0);
    assert.deepEqual(read(store, 'manifest', 0), [1, 2, 3]);
  });
}

test('files: nobody else can look in', (t) => {
  const folder = join(scratchFolder(t), 'pages');
  const store = new PageFiles(folder);
  store.write('manifest', 0, Uint8Array.of(1));
  assert.equal(statSync(folder).mode % 0o1000, 0o700);
  assert.deepEqual(
    readdirSync(folder).map((file) => statSync(join(folder, file)).mode % 0o1000),
    [0o600],
  );
});

test('files: two transfers in neighbouring folders do not mix', (t) => {
  const parent = scratchFolder(t);
  const [one, other] = [new PageFiles(join(parent, '1')), new PageFiles(join(parent, '2'))];
  one.write('manifest', 0, Uint8Array.of(1));
  assert.equal(other.read('manifest', 0), undefined);
});

test('files: a folder that is gone fails the transfer and is not made anew', (t) => {
  const folder = join(scratchFolder(t), 'pages');
  const store = new PageFiles(folder);
  rmSync(folder, { recursive: true });
  assert.throws(
    () => store.write('manifest', 0, Uint8Array.of(1)),
    (error) => CourierError.is(error, 'disk-error'),
  );
});

test('files: what is there and cannot be read is an error, not an absent page', (t) => {
  const folder = join(scratchFolder(t), 'pages');
  const store = new PageFiles(folder);
  store.write('manifest', 0, Uint8Array.of(1));
  const [file = ''] = readdirSync(folder);
  rmSync(join(folder, file));
  mkdirSync(join(folder, file));
  assert.throws(() => store.read('manifest', 0));
});
