/*
 * Bundles the programs into dist/ with esbuild: cli.js, engine.js and
 * extension.js, as ES modules. Each is a bundle of its own, because what one
 * program shares with another must not slow its start; what it loads lazily
 * becomes a chunk in dist/chunks/<program>/. Types are checked by
 * `npm run types`, not here.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const outputFolder = join(root, 'dist');

const programs = [
  { name: 'cli', source: 'src/cli/main.ts', target: 'node20.18', isSmall: false },
  // These two run in the editor's own Node; 1.105 brings 22.
  { name: 'engine', source: 'src/engine/main.ts', target: 'node22', isSmall: false },
  // Every window loads this one at its start.
  { name: 'extension', source: 'src/extension.ts', target: 'node22', isSmall: true },
].filter(({ source }) => existsSync(join(root, source)));

if (programs.length === 0) {
  console.error('Nothing to build: none of the entry files exists under src/.');
  process.exit();
}

// esbuild has already printed what is wrong.
const bundles = await Promise.all(programs.map(bundle)).catch(() => process.exit(1));

// dist/ is exchanged as a whole and at once: whoever runs from it while we build finds the old or the new.
const newFolder = join(root, 'node_modules', `.peer-courier-dist-${process.pid}`);
const oldFolder = `${newFolder}-old`;
for (const file of bundles.flat()) {
  const path = join(newFolder, file.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
  if (file.name === 'cli.js') chmodSync(path, 0o755);
  console.log(`${(Buffer.byteLength(file.text) / 1024).toFixed(1).padStart(8)} KiB  dist/${file.name}`);
}
if (existsSync(outputFolder)) renameSync(outputFolder, oldFolder);
renameSync(newFolder, outputFolder);
rmSync(oldFolder, { recursive: true, force: true });

/**
 * The files of one program, by their names in dist/.
 *
 * @param {typeof programs[number]} program
 */
async function bundle({ name, source, target, isSmall }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: source, out: name }],
    outdir: outputFolder,
    bundle: true,
    splitting: true,
    chunkNames: `chunks/${name}/[name]-[hash]`,
    format: 'esm',
    platform: 'node',
    target,
    // Bundled once, not once for `import` and once for `require`.
    mainFields: ['module', 'main'],
    external: ['vscode'],
    minifySyntax: true,
    minifyWhitespace: true,
    // A user's stack trace is worth more than the bytes: functions and classes keep their names.
    minifyIdentifiers: isSmall,
    keepNames: isSmall,
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
  });
  return outputFiles.map((file) => {
    const fileName = relative(outputFolder, file.path).replaceAll('\\', '/');
    return { name: fileName, text: finish(fileName, file.text) };
  });
}

/**
 * Adds what esbuild's one banner for all files cannot: a `require` for the file
 * that holds the shim of CommonJS dependencies, and the first line of the CLI.
 *
 * @param {string} name
 * @param {string} text
 */
function finish(name, text) {
  let finished = text;
  if (finished.includes('Dynamic require of')) {
    finished = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);\n${finished}`;
  }
  if (name === 'cli.js' && !finished.startsWith('#!')) finished = `#!/usr/bin/env node\n${finished}`;
  return finished;
}
