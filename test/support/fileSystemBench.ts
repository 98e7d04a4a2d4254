import { symlinkSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { CheckedFolders } from '../../src/node/disk/checkedFolders.ts';
import { errnoOf } from '../../src/node/disk/errno.ts';
import { HeldFolders } from '../../src/node/disk/heldFolders.ts';
import type { RootedFiles, WholeFileSystem } from '../../src/node/disk/fileSystem.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { scratchFolder } from './scratch.ts';
import { SimDisk } from './simDisk.ts';

/** A file system with a folder of the test's own in it, and ways to put things there that it cannot make itself. */
export interface Bench {
  readonly files: WholeFileSystem;
  /** What a link to a folder is on the way: that folder, or none. */
  readonly linksOnTheWay: 'followed' | 'refused';
  /** A location in a folder of this test. */
  readonly at: (...names: readonly string[]) => string;
  readonly file: (name: string, text?: string) => string;
  readonly folder: (name: string) => string;
  readonly link: (name: string, target: string) => string;
}

/** The file systems that there are. */
export const FILE_SYSTEMS: Readonly<Record<string, (t: TestContext) => Bench>> = {
  'the system': (t) => systemBench(scratchFolder(t), systemFiles, 'followed'),
  'folders that are held': (t) => {
    const root = scratchFolder(t);
    return systemBench(root, wholeOf(t, HeldFolders.below(root, systemFiles)), 'refused');
  },
  'folders that are checked': (t) => {
    const root = scratchFolder(t);
    return systemBench(root, wholeOf(t, CheckedFolders.below(root, systemFiles)), 'refused');
  },
  'a simulated disk': () => {
    const disk = new SimDisk();
    const root = '/home/scratch';
    disk.plant(root, 'folder');
    return {
      ...benchOf(disk.mount(), root),
      linksOnTheWay: 'followed',
      file: (name, text = '') => {
        disk.plant(`${root}/${name}`, Buffer.from(text));
        return `${root}/${name}`;
      },
      link: (name, target) => {
        disk.plant(`${root}/${name}`, { target });
        return `${root}/${name}`;
      },
    };
  },
};

function systemBench(root: string, files: WholeFileSystem, linksOnTheWay: Bench['linksOnTheWay']): Bench {
  return {
    ...benchOf(files, root),
    linksOnTheWay,
    file: (name, text = '') => {
      writeFileSync(`${root}/${name}`, text);
      return `${root}/${name}`;
    },
    link: (name, target) => {
      symlinkSync(target, `${root}/${name}`);
      return `${root}/${name}`;
    },
  };
}

/** The files below a root, with what only a whole file system does. */
function wholeOf(t: TestContext, rooted: RootedFiles): WholeFileSystem {
  t.after(() => rooted.letGo());
  return {
    ...systemFiles,
    lstat: (location) => rooted.lstat(location),
    mkdir: (location, mode) => rooted.mkdir(location, mode),
    rmdir: (location) => rooted.rmdir(location),
    readdir: (location) => rooted.readdir(location),
    link: (existing, location) => rooted.link(existing, location),
    rename: (from, to) => rooted.rename(from, to),
    unlink: (location) => rooted.unlink(location),
    removeTree: (location) => rooted.removeTree(location),
    setTime: (location, mtimeMs) => rooted.setTime(location, mtimeMs),
    open: (location, how, mode) => rooted.open(location, how, mode),
    freeBytes: (location) => rooted.freeBytes(location),
    syncAll: (location) => rooted.syncAll(location),
  };
}

function benchOf(files: WholeFileSystem, root: string): Pick<Bench, 'files' | 'at' | 'folder'> {
  return {
    files,
    at: (...names) => [root, ...names].join('/'),
    folder: (name) => {
      files.mkdir(`${root}/${name}`);
      return `${root}/${name}`;
    },
  };
}

/** What a call fails with; `done` if it does not. */
export function outcomeOf(call: () => unknown): string {
  try {
    call();
    return 'done';
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

export async function outcomeOfAsync(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'done';
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}
