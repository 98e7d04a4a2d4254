import {
  closeSync,
  cpSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { noise } from '../test/support/noise.ts';
import { createRandom } from '../test/support/random.ts';
import { SourceText } from './sourceText.ts';
import { changeSome, makeWorkspace } from './workspace.ts';

/** What is sent. */
export interface Data {
  /** A file or a folder. */
  readonly source: string;
  /** What the receiver has already under the same name. */
  readonly before?: string;
  readonly bytes: number;
  readonly files: number;
}

export interface DataSet {
  readonly name: string;
  readonly title: string;
  /** At most, for what is made here and for what arrives: bytes of the disk. */
  readonly needsBytes: number;
  /** Makes a `share` of it in `folder`, which is there and empty. The same bytes each time, on every machine. */
  readonly make: (folder: string, share: number) => Promise<Data>;
}

const BIG_FILE_BYTES = 512 * 1024 * 1024;
const WORKSPACE_FILES = 8000;
const SMALL_FILES = 20_000;
const SMALL_FILES_IN_FOLDER = 100;
export const SMALL_FILE_BYTES = 1024;
const BLOCK_BYTES = 4 * 1024 * 1024;
const SEED = 1;

/** The data of the comparison. */
export const DATA_SETS: readonly DataSet[] = [
  {
    name: 'noise',
    title: 'one file of 512 MiB that does not compress',
    needsBytes: 2 * BIG_FILE_BYTES,
    make: async (folder, share) => {
      const source = join(folder, 'noise.bin');
      await makeNoise(source, Math.round(BIG_FILE_BYTES * share));
      return dataAt(source);
    },
  },
  {
    name: 'text',
    title: 'one file of 512 MiB of source text',
    needsBytes: 2 * BIG_FILE_BYTES,
    make: async (folder, share) => {
      const source = join(folder, 'text.ts');
      const text = new SourceText(createRandom(SEED));
      await writeBlocks(source, Math.round(BIG_FILE_BYTES * share), (bytes) => text.read(bytes));
      return dataAt(source);
    },
  },
  {
    name: 'workspace',
    title: 'a workspace of 8,000 files, 578 MB',
    needsBytes: 1_400_000_000,
    make: async (folder, share) => {
      const source = join(folder, 'workspace');
      await makeWorkspace(source, Math.ceil(WORKSPACE_FILES * share));
      return dataAt(source);
    },
  },
  {
    name: 'small',
    title: '20,000 files of 1 KiB in 200 folders',
    needsBytes: 250_000_000,
    make: async (folder, share) => {
      const source = join(folder, 'small');
      await makeSmallFiles(source, Math.ceil(SMALL_FILES * share));
      return dataAt(source);
    },
  },
  {
    name: 'again',
    title: 'the workspace again, one file of a hundred changed',
    needsBytes: 2_100_000_000,
    make: async (folder, share) => {
      const [source, before] = [join(folder, 'workspace'), join(folder, 'before')];
      await makeWorkspace(before, Math.ceil(WORKSPACE_FILES * share));
      cpSync(before, source, { recursive: true, preserveTimestamps: true });
      changeSome(filesBelow(source));
      return { ...dataAt(source), before };
    },
  },
];

/** A file of bytes that nothing compresses. */
export async function makeNoise(path: string, bytes: number): Promise<void> {
  let block = 0;
  await writeBlocks(path, bytes, (length) => noise(length, block++ % 256));
}

/** Makes `count` names of 1 KiB, by hard links to one file a folder: the receiver makes files of all of them. */
export async function makeManyNames(folder: string, count: number): Promise<void> {
  const namesInFolder = 1000;
  for (let number = 0; number < count; number += 1) {
    const below = join(folder, `folder${Math.floor(number / namesInFolder)}`);
    const first = join(below, 'file0');
    if (number % namesInFolder === 0) {
      await turn();
      mkdirSync(below, { recursive: true });
      writeFileSync(first, noise(SMALL_FILE_BYTES, number % 256));
    } else {
      linkSync(first, join(below, `file${number % namesInFolder}`));
    }
  }
}

/** What there is to send. */
export function dataAt(source: string): Data {
  const files = filesBelow(source);
  return { source, files: files.length, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}

async function makeSmallFiles(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const below = join(folder, `folder${Math.floor(number / SMALL_FILES_IN_FOLDER)}`);
    if (number % SMALL_FILES_IN_FOLDER === 0) {
      await turn();
      mkdirSync(below, { recursive: true });
    }
    // No two are alike.
    const content = noise(SMALL_FILE_BYTES, number % 256);
    new DataView(content.buffer, content.byteOffset).setUint32(0, number);
    writeFileSync(join(below, `file${number}.txt`), content);
  }
}

async function writeBlocks(path: string, bytes: number, read: (bytes: number) => Uint8Array): Promise<void> {
  const file = openSync(path, 'w');
  for (let offset = 0; offset < bytes; offset += BLOCK_BYTES) {
    await turn();
    writeSync(file, read(Math.min(BLOCK_BYTES, bytes - offset)));
  }
  closeSync(file);
}

/** In the order of their names, so that the same ones are meant on every machine. */
function filesBelow(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());
}
