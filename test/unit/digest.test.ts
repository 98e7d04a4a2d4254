import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { fileDigest, RootDigest } from '../../src/protocol/digest.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { file, folder } from '../support/samples.ts';

const DIGEST = new Uint8Array(32).fill(5);

function rootOf(records: readonly (readonly [Entry, Uint8Array | undefined])[]): string {
  const root = new RootDigest(nodeHashing);
  for (const [entry, digest] of records) root.add(entry, digest);
  return toHex(root.finish());
}

/** The digest over records written by hand: kind, path, and for files the size. */
function check(
  what: string,
  entries: readonly Entry[],
  records: readonly (readonly [number, string, number?])[],
): void {
  test(what, () => {
    const hash = createHash('sha256');
    for (const [kind, path, size] of records) {
      const head = Buffer.alloc(5);
      head.writeUInt8(kind, 0);
      head.writeUInt32BE(Buffer.byteLength(path), 1);
      hash.update(head).update(path);
      if (size === undefined) continue;
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(size));
      hash.update(length).update(DIGEST);
    }
    assert.equal(
      rootOf(entries.map((entry) => [entry, entry.kind === 'file' ? DIGEST : undefined])),
      hash.digest('hex'),
    );
  });
}

check('the root of nothing is that of no bytes', [], []);
check('a folder', [folder('a')], [[0, 'a']]);
check('a file', [file('a', 5)], [[1, 'a', 5]]);
check('an executable file', [file('a', 5, true)], [[2, 'a', 5]]);
check('the length of a path counts its bytes', [file('é字😀', 0)], [[1, 'é字😀', 0]]);
check(
  'sizes beyond 32 bits',
  [file('a', 2 ** 32 + 7), file('b', 2 ** 43)],
  [
    [1, 'a', 2 ** 32 + 7],
    [1, 'b', 2 ** 43],
  ],
);
const LONG = Array.from({ length: 16 }, () => 'é'.repeat(120)).join('/');
check(
  'more and longer records than are hashed at once',
  Array.from({ length: 200 }, (_, at) => file(`${LONG}/${at}`, at)),
  Array.from({ length: 200 }, (_, at) => [1, `${LONG}/${at}`, at] as const),
);
check(
  'a tree',
  [folder('a'), file('a/b', 1), folder('c')],
  [
    [0, 'a'],
    [1, 'a/b', 1],
    [0, 'c'],
  ],
);

test('whatever differs in an entry, save its time, differs in the root', () => {
  const entry = file('a', 5);
  const roots = [
    rootOf([[entry, DIGEST]]),
    rootOf([[file('b', 5), DIGEST]]),
    rootOf([[file('a', 6), DIGEST]]),
    rootOf([[file('a', 5, true), DIGEST]]),
    rootOf([[entry, new Uint8Array(32)]]),
    rootOf([[folder('a'), undefined]]),
    rootOf([
      [entry, DIGEST],
      [folder('b'), undefined],
    ]),
    rootOf([
      [folder('b'), undefined],
      [entry, DIGEST],
    ]),
  ];
  assert.equal(new Set(roots).size, roots.length);
  assert.equal(rootOf([[{ ...entry, mtimeMs: 7 }, DIGEST]]), roots[0]);
});

test('a file without a digest of 32 bytes is a mistake of ours', () => {
  for (const digest of [undefined, new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)]) {
    assert.throws(() => rootOf([[file('a'), digest]]), RangeError);
  }
});

test('the digest of a file is SHA-256 over those of its chunks', () => {
  const digests = new Uint8Array(96).fill(3);
  assert.equal(toHex(fileDigest(nodeHashing, digests)), createHash('sha256').update(digests).digest('hex'));
});
