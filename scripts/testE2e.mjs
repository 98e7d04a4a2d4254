/*
 * What `npm run test:e2e` does: packs the extension once and runs test/e2e,
 * each file with real windows of VS Code in a headless browser. Pictures go to
 * test-artifacts/e2e.
 *
 *   npm run test:e2e                                  every file
 *   npm run test:e2e -- test/e2e/send.test.ts         one
 *   HEADED=1 npm run test:e2e                         in a browser that one sees
 */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ensureChromium } from './chromium.mjs';
import { packageExtension } from './package.mjs';
import { ensureReady, nodePath } from './setup.mjs';
import { ensureVscode } from './vscode.mjs';

const root = resolve(import.meta.dirname, '..');
const timeoutMs = 30 * 60_000;
const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('-'));
const files = given.filter((argument) => !argument.startsWith('-'));

try {
  ensureReady({ build: true });
  ensureVscode();
  ensureChromium();
  const extension = await packageExtension(join(root, '.vscode-test', 'peer-courier.vsix'));
  const { status } = spawnSync(
    nodePath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-timeout=${timeoutMs}`,
      // Two windows are as much as a small machine draws at once.
      '--test-concurrency=1',
      ...options,
      ...(files.length > 0 ? files : ['test/e2e/**/*.test.ts']),
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, PEER_COURIER_VSIX: extension } },
  );
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
