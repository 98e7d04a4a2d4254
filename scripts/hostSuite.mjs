/*
 * Bundles the tests that run inside VS Code's extension host into one module
 * with a function `run`, for the browser (testHost.mjs) and for the desktop
 * (testDesktop.mjs) alike.
 */
import { join, relative, resolve } from 'node:path';
import { globSync } from 'node:fs';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** How a suite's own lines are told from all else that an extension host prints; test/host/support/print.ts writes it. */
export const suiteMark = '[suite] ';

/**
 * Returns the path of the bundle.
 *
 * @param {object} options
 * @param {string} options.name of the bundle
 * @param {readonly string[]} options.files patterns, from the project's folder
 * @returns {Promise<string>}
 */
export async function bundleSuite({ name, files }) {
  const found = files.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted();
  if (found.length === 0) throw new Error(`No file matches ${files.join(' ')}.`);
  // Inside the project, where the bundle finds mocha; `.mjs` is how every version knows an ES module.
  const outfile = join(root, '.vscode-test', 'suites', `${name}.mjs`);
  const imports = found.map(
    (file) => `import(${JSON.stringify(`./${relative('.', file).replaceAll('\\', '/')}`)})`,
  );
  await build({
    stdin: {
      contents: `import { runSuite } from './test/host/support/runSuite.ts';
        export const run = () => runSuite(async () => { ${imports.map((text) => `await ${text};`).join(' ')} });`,
      resolveDir: root,
      sourcefile: `${name}.js`,
    },
    absWorkingDir: root,
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
