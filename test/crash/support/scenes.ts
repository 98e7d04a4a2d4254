import { treeOf } from '../../support/memoryTree.ts';
import type { SceneInit } from './scene.ts';

const CHUNK = 256 * 1024;
/** Chunks; the last one is of one byte. */
const THREE_CHUNKS = 2 * CHUNK + 1;
const TWO_CHUNKS = CHUNK + 1;

const album = treeOf({
  album: null,
  'album/big.bin': THREE_CHUNKS,
  'album/deep': null,
  'album/deep/inner.txt': 300,
  'album/empty': null,
  'album/nothing.txt': 0,
  'album/small.txt': 5000,
});
const singles = treeOf({ 'big.bin': TWO_CHUNKS, 'other.txt': 300, 'small.txt': 5000 });
const merged = treeOf({
  album: null,
  'album/big.bin': TWO_CHUNKS,
  'album/deep': null,
  'album/deep/inner.txt': 300,
  'album/small.txt': 5000,
  'top.txt': 700,
});

/** Another version of the big file, of which the first chunk is right. */
function olderBig(): Uint8Array {
  const node = merged.get('album/big.bin');
  const bytes = Uint8Array.from(node?.kind === 'file' ? node.bytes : []);
  bytes.fill(7, CHUNK);
  return bytes;
}

/** The transfers that crash and fail: a small file, one of several chunks and one in a subfolder in each. */
export const SCENES = {
  'a tree, into nothing': { policy: 'keep-both', tree: album, makesFolder: true },
  'single files, both kept': {
    policy: 'keep-both',
    tree: singles,
    there: { 'big.bin': Buffer.from('theirs'), 'small.txt': Buffer.from('theirs, too') },
    renamed: { 'big.bin': 'big (2).bin', 'small.txt': 'small (2).txt' },
  },
  'a tree that replaces what is in another': {
    policy: 'replace',
    tree: merged,
    there: {
      album: 'folder',
      'album/big.bin': olderBig(),
      'album/small.txt': Buffer.from('the old one'),
      'album/theirs.txt': Buffer.from('not offered'),
      'top.txt': Buffer.from('the old one at the top'),
    },
  },
} as const satisfies Readonly<Record<string, SceneInit>>;

/** More single files than get their names at once. */
export const manySingles: SceneInit = {
  policy: 'keep-both',
  tree: treeOf(Object.fromEntries(Array.from({ length: 260 }, (_, at) => [`file${at}.txt`, at]))),
  disk: { hasSyncAll: false },
};

/** The scenes on file systems that have less; only where that makes a difference. */
export const VARIANTS: Readonly<Record<string, SceneInit>> = {
  ...SCENES,
  'a tree beside another, without syncfs': {
    policy: 'keep-both',
    tree: album,
    there: { album: 'folder', 'album/small.txt': Buffer.from('theirs') },
    renamed: { album: 'album (2)' },
    disk: { hasSyncAll: false },
  },
  'single files, both kept, without hard links': {
    ...SCENES['single files, both kept'],
    disk: { hasHardLinks: false },
  },
  'a tree that replaces what is in another, without hard links': {
    ...SCENES['a tree that replaces what is in another'],
    disk: { hasHardLinks: false },
  },
};
