/*
 * What `npm run test:desktop` does: runs test/host in the desktop editor, which
 * @vscode/test-electron downloads from its vendor. On Linux without a screen:
 * `xvfb-run -a npm run test:desktop`.
 *
 *   npm run test:desktop -- --version 1.105.0    default: stable
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runTests } from '@vscode/test-electron';
import { bundleSuite } from './hostSuite.mjs';
import { ensureReady } from './setup.mjs';
import { quietSettings } from './vscode.mjs';

const root = resolve(import.meta.dirname, '..');

/** @param {string} version */
async function testDesktop(version) {
  ensureReady({ build: true });
  const suite = await bundleSuite({ name: 'host', files: ['test/host/**/*.test.ts'] });
  const { publisher, name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // Short, because macOS allows the editor's own sockets in there 103 characters.
  const scratch = mkdtempSync(join(process.platform === 'darwin' ? '/tmp' : tmpdir(), 'pc-'));
  try {
    const [workspace, user] = [join(scratch, 'workspace'), join(scratch, 'user')];
    mkdirSync(workspace);
    mkdirSync(join(user, 'User'), { recursive: true });
    writeFileSync(join(user, 'User', 'settings.json'), JSON.stringify(quietSettings));
    return await runTests({
      version,
      extensionDevelopmentPath: root,
      extensionTestsPath: suite,
      extensionTestsEnv: { EXTENSION_UNDER_TEST: `${publisher}.${name}` },
      launchArgs: [
        workspace,
        `--user-data-dir=${user}`,
        `--extensions-dir=${join(scratch, 'extensions')}`,
        '--disable-extensions',
        '--disable-updates',
        '--skip-welcome',
        '--skip-release-notes',
        // There is no keyring in a container or on a CI machine.
        '--password-store=basic',
      ],
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

try {
  const { values } = parseArgs({ options: { version: { type: 'string', default: 'stable' } } });
  process.exitCode = await testDesktop(values.version);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
