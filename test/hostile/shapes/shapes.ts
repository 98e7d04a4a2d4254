import { execFileSync } from 'node:child_process';
import { mkdirSync, opendirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree, sparse } from '../../support/trees.ts';

/** Trees of unusual sizes and shapes. What is sent is always the folder, or the file, `sent`. */
export interface Shape {
  readonly name: string;
  /** Makes `sent` in this folder. */
  readonly make: (folder: string) => void;
  /** Files and folders that arrive, with `sent` itself. */
  readonly arriving: number;
  /** Things that the sender leaves out, and names. */
  readonly leftOut: number;
}

const FILE_BYTES = 100;

/** So many small files in so many folders. */
export function manyFiles(folders: number, filesEach: number): Shape {
  return {
    name: `${grouped(folders * filesEach)} files of ${FILE_BYTES} bytes in ${grouped(folders)} folders`,
    make(folder) {
      for (let at = 0; at < folders; at += 1) fill(join(folder, 'sent', `folder ${at}`), filesEach);
    },
    arriving: 1 + folders + folders * filesEach,
    leftOut: 0,
  };
}

/** So many small files beside each other. */
export function siblings(files: number): Shape {
  return {
    name: `${grouped(files)} files of ${FILE_BYTES} bytes in one folder`,
    make: (folder) => fill(join(folder, 'sent'), files),
    arriving: 1 + files,
    leftOut: 0,
  };
}

/**
 * A folder in a folder and so on, with a file in each. Whatever has more than `limits.pathDepth` names is left
 * out: the first folder beyond, which stands for all in it, and the file beside it.
 */
export function deepFolders(depth: number): Shape {
  const offered = Math.min(depth, 256);
  return {
    name: `${grouped(depth)} folders in each other, a file in each`,
    make(folder) {
      let location = join(folder, 'sent');
      for (let at = 0; at < depth; at += 1, location = join(location, 'd')) {
        mkdirSync(location, { recursive: true });
        writeFileSync(join(location, 'file'), 'deep');
      }
    },
    // The file in the last folder would have one name more.
    arriving: depth > 256 ? 2 * offered - 1 : 2 * depth,
    leftOut: depth > 256 ? 2 : depth === 256 ? 1 : 0,
  };
}

/**
 * Folders in each other whose names take 255 bytes. Sixteen would make a path of 4,095 bytes below `sent`, which no
 * system call takes with something before it: what comes after the fifteenth is left out and named.
 */
export function longNames(characters: 'one byte' | 'three bytes'): Shape {
  const name = characters === 'one byte' ? 'n'.repeat(255) : '長'.repeat(85);
  return {
    name: `names of 255 bytes at each of 16 levels, a character of ${characters}`,
    make(folder) {
      mkdirSync(join(folder, 'sent'));
      // From within: the whole path is longer than a system call takes.
      execFileSync('mkdir', ['-p', Array.from({ length: 16 }, () => name).join('/')], {
        cwd: join(folder, 'sent'),
      });
    },
    arriving: 1 + 15,
    leftOut: 1,
  };
}

/** One file of holes. */
export function sparseFile(sizeBytes: number): Shape {
  return {
    name: `a sparse file of ${grouped(sizeBytes / 1024 ** 3)} GiB`,
    make: (folder) => makeTree(folder, { sent: sparse(sizeBytes) }),
    arriving: 1,
    leftOut: 0,
  };
}

/** Files and folders at and below a location; of one folder not even the names are held. */
export function countEntries(location: string): number {
  let count = 1;
  const folder = opendirSync(location);
  for (let found = folder.readSync(); found !== null; found = folder.readSync()) {
    count += found.isDirectory() ? countEntries(join(location, found.name)) : 1;
  }
  folder.closeSync();
  return count;
}

function fill(folder: string, files: number): void {
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < files; at += 1) {
    writeFileSync(join(folder, `file ${at}`), `${folder} ${at}`.padEnd(FILE_BYTES).slice(-FILE_BYTES));
  }
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
