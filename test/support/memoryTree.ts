import { collisionKey, namesOf, parseSafePath } from '../../src/protocol/wirePath.ts';
import type { SafePath } from '../../src/protocol/wirePath.ts';
import type { LeftOutReason } from '../../src/transfer/ports.ts';
import { MemoryRandom } from './memoryRandom.ts';

/** What lies at one path. */
export type MemoryNode =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly isExecutable?: boolean }
  | { readonly kind: 'left-out'; readonly reason: LeftOutReason };

export type MemoryTree = ReadonlyMap<string, MemoryNode>;

/** A tree from a table: bytes or a size for a file, `null` for a folder, a reason for what is left out. */
export function treeOf(
  table: Readonly<Record<string, Uint8Array | number | LeftOutReason | null>>,
): MemoryTree {
  const random = new MemoryRandom(7);
  return new Map(
    Object.entries(table).map(([path, value]): [string, MemoryNode] => {
      if (value === null) return [path, { kind: 'folder' }];
      if (typeof value === 'string') return [path, { kind: 'left-out', reason: value }];
      return [path, { kind: 'file', bytes: typeof value === 'number' ? random.bytes(value) : value }];
    }),
  );
}

/** The paths in manifest order. */
export function sortedPaths(tree: MemoryTree): string[] {
  const keyed = [...tree.keys()].map((path) => ({ path, keys: path.split('/').map(collisionKey) }));
  return keyed.toSorted((left, right) => compareKeyLists(left.keys, right.keys)).map(({ path }) => path);
}

function compareKeyLists(left: readonly string[], right: readonly string[]): number {
  for (const [at, key] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (key !== other) return key < other ? -1 : 1;
  }
  return left.length - right.length;
}

export function safePath(text: string): SafePath {
  const parsed = parseSafePath(text);
  if ('refusal' in parsed) throw new Error(`${text}: ${parsed.refusal}`);
  return parsed.path;
}

/** The sizes at which something changes: packs, chunks, samples. */
const SIZES = [
  0, 0, 1, 100, 4095, 4096, 20_000, 100_000, 262_143, 262_144, 262_145, 524_288, 700_001,
] as const;

/** A tree with folders in folders and files of every kind of size. */
export function randomTree(random: MemoryRandom): MemoryTree {
  const tree = new Map<string, MemoryNode>();
  const folders: [SafePath | undefined, ...SafePath[]] = [undefined];
  const count = 1 + random.below(40);
  for (let at = 0; at < count; at += 1) {
    const parent = random.pick(folders);
    const name = `${random.pick(['a', 'Z', 'ß', 'no-', '문', '_', 'mid'])}${at}`;
    const path = safePath(parent === undefined ? name : `${parent}/${name}`);
    if (random.below(4) === 0 && namesOf(path).length < 6) {
      tree.set(path, { kind: 'folder' });
      folders.push(path);
    } else {
      const size = random.below(25) === 0 ? 3_000_000 + random.below(2_000_000) : random.pick(SIZES);
      const bytes = random.bytes(size, random.below(2) === 0);
      tree.set(path, { kind: 'file', bytes, isExecutable: random.below(5) === 0 });
    }
  }
  return tree;
}

/** Bytes of all files. */
export function treeBytes(tree: MemoryTree): number {
  return [...tree.values()].reduce((sum, node) => sum + (node.kind === 'file' ? node.bytes.length : 0), 0);
}
