/*
 * Bundles the programs into dist/ with esbuild: cli.js, engine.js and
 * extension.js, as ES modules; what they share or load lazily becomes a chunk
 * of its own in dist/chunks/. Types are checked by `npm run types`, not here.
 */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const outputFolder = join(root, 'dist');

const entries = [
  { in: 'src/cli/main.ts', out: 'cli' },
  { in: 'src/engine/main.ts', out: 'engine' },
  { in: 'src/extension.ts', out: 'extension' },
].filter((entry) => existsSync(join(root, entry.in)));

rmSync(outputFolder, { recursive: true, force: true });
if (entries.length === 0) {
  console.error('Nothing to build: none of the entry files exists under src/.');
  process.exit();
}

// esbuild has already printed what is wrong.
const result = await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: outputFolder,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['vscode'],
  minifySyntax: true,
  // Names stay readable: a user's stack trace is worth more than the bytes.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
}).catch(() => process.exit(1));

for (const file of result.outputFiles) {
  const name = relative(outputFolder, file.path);
  const text = finish(name, file.text);
  mkdirSync(dirname(file.path), { recursive: true });
  writeFileSync(file.path, text);
  if (name === 'cli.js') chmodSync(file.path, 0o755);
  console.log(`${(Buffer.byteLength(text) / 1024).toFixed(1).padStart(8)} KiB  dist/${name}`);
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
