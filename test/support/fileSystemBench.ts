import { symlinkSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { errnoOf } from '../../src/node/disk/errno.ts';
import type { FileSystem } from '../../src/node/disk/fileSystem.ts';
import { systemFiles } from '../../src/node/disk/systemFiles.ts';
import { scratchFolder } from './scratch.ts';
import { SimDisk } from './simDisk.ts';

/** A file system with a folder of the test's own in it, and ways to put things there that it cannot make itself. */
export interface Bench {
  readonly files: FileSystem;
  /** A location in a folder of this test. */
  readonly at: (...names: readonly string[]) => string;
  readonly file: (name: string, text?: string) => string;
  readonly folder: (name: string) => string;
  readonly link: (name: string, target: string) => string;
}

/** The file systems that there are. */
export const FILE_SYSTEMS: Readonly<Record<string, (t: TestContext) => Bench>> = {
  'the system': (t) => {
    const root = scratchFolder(t);
    return {
      ...benchOf(systemFiles, root),
      file: (name, text = '') => {
        writeFileSync(`${root}/${name}`, text);
        return `${root}/${name}`;
      },
      link: (name, target) => {
        symlinkSync(target, `${root}/${name}`);
        return `${root}/${name}`;
      },
    };
  },
  'a simulated disk': () => {
    const disk = new SimDisk();
    const root = '/home/scratch';
    disk.plant(root, 'folder');
    return {
      ...benchOf(disk.mount(), root),
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

function benchOf(files: FileSystem, root: string): Pick<Bench, 'files' | 'at' | 'folder'> {
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
