/*
 * The folder that a demo sends, and the proof that what arrived is the same.
 */
import { randomFillSync } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const recordingBytes = 128 * 1024 * 1024;
const recordingCount = 5;

/**
 * Fills a folder with what projects are made of: many small files, this project's own documents and sources,
 * and a few large ones that no codec makes smaller, so that there is time to see progress.
 *
 * @param {string} folder
 */
export function fillDemoFolder(folder) {
  mkdirSync(join(folder, 'recordings'), { recursive: true });
  for (const name of ['docs', 'src', 'test', 'README.md', 'LICENSE']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  const bytes = new Uint8Array(recordingBytes);
  for (let number = 1; number <= recordingCount; number += 1) {
    randomFillSync(bytes);
    writeFileSync(join(folder, 'recordings', `take-${number}.raw`), bytes);
  }
}

/**
 * Throws at the first difference between two folders; links are not followed and not compared.
 *
 * @param {string} sent
 * @param {string} arrived
 * @returns {{ files: number, folders: number, bytes: number }}
 */
export function compareFolders(sent, arrived) {
  const entries = list(sent);
  if (list(arrived).length !== entries.length) {
    throw new Error('Another number of items arrived than was sent.');
  }
  let [files, bytes] = [0, 0];
  for (const { path, isFolder } of entries) {
    const there = join(arrived, path);
    if (lstatSync(there).isDirectory() !== isFolder) throw new Error(`${path} is something else.`);
    if (!isFolder) {
      const content = readFileSync(join(sent, path));
      if (!content.equals(readFileSync(there))) throw new Error(`${path} differs.`);
      files += 1;
      bytes += content.length;
    }
  }
  // The folder itself arrived, too.
  return { files, folders: entries.length - files + 1, bytes };
}

/**
 * Relative paths of the files and folders below `folder`.
 *
 * @param {string} folder
 * @returns {{ path: string, isFolder: boolean }[]}
 */
function list(folder, below = '') {
  /** @type {{ path: string, isFolder: boolean }[]} */
  const found = [];
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) found.push({ path, isFolder: true }, ...list(folder, path));
    else if (entry.isFile()) found.push({ path, isFolder: false });
  }
  return found;
}
