/*
 * What `npm run package` does: builds, and packs what .vscodeignore lets
 * through into peer-courier-<version>.vsix.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PackageManager, createVSIX, listFiles } from '@vscode/vsce';
import { isMain } from './isMain.mjs';
import { ensureReady } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');

/** Where `npm run package` puts it. */
export function vsixPath() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return join(root, `${name}-${version}.vsix`);
}

/**
 * Packs dist/, which must be built, and returns the path of the VSIX.
 *
 * @param {string} packagePath
 */
export async function packageExtension(packagePath = vsixPath()) {
  mkdirSync(dirname(packagePath), { recursive: true });
  await inCopy((copy) =>
    // Everything is bundled: node_modules stays out.
    createVSIX({
      cwd: copy,
      packagePath,
      dependencies: false,
      allowMissingRepository: true,
      // Links in README.md lead into the repository, whose address package.json does not name yet.
      rewriteRelativeLinks: false,
    }),
  );
  return packagePath;
}

/**
 * What the VSIX would hold: `vsce ls --no-dependencies`, but at once.
 *
 * @returns {Promise<string[]>}
 */
export function packagedFiles() {
  return inCopy((copy) => listFiles({ cwd: copy, packageManager: PackageManager.None }));
}

/**
 * vsce compares each file of the folder with each line of .vscodeignore, and for the 40,000 files of the
 * VS Code in .vscode-test that takes ten seconds. So it gets a copy without what cannot be wanted.
 *
 * @template T
 * @param {(folder: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function inCopy(work) {
  const copy = mkdtempSync(join(tmpdir(), 'peer-courier-package-'));
  try {
    for (const name of readdirSync(root)) {
      const isKept =
        name === '.vscodeignore' || !/^\.|^(?:node_modules|demo|test-artifacts)$|\.vsix$/.test(name);
      if (isKept) cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    return await work(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

if (isMain(import.meta.url)) {
  try {
    ensureReady({ build: true });
    await packageExtension();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
