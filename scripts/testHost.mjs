/*
 * What `npm run test:host` does: runs test/host inside a real extension host.
 * VS Code's server is started, a headless browser opens its window, and the
 * window is told which extension to test and with what; what the tests print
 * arrives here.
 *
 *   npm run test:host                          every file
 *   npm run test:host -- test/host/smoke.test.ts
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { launchChromium, openContext } from './chromium.mjs';
import { bundleSuite, suiteMark } from './hostSuite.mjs';
import { isMain } from './isMain.mjs';
import { ensureReady } from './setup.mjs';
import { startServer } from './vscode.mjs';

const root = resolve(import.meta.dirname, '..');
const artifactsFolder = join(root, 'test-artifacts', 'host');
const timeoutMs = 15 * 60_000;

/** What such a VS Code always complains about: native parts and network that tests do without. */
const usualComplaints =
  /bindings file|native-watchdog|ENOTFOUND|ERR_NAME_NOT_RESOLVED|Failed to load resource|authentication provider|A bad HTTP response code|Service Worker/;

/**
 * Runs a bundled suite in an extension host and returns whether it passed. What the suite prints goes to
 * `print`; what else the page had to say is printed only after a failure, with a screenshot.
 *
 * @param {object} options
 * @param {string} options.name names the screenshot
 * @param {string} options.suite path of the bundle
 * @param {string} [options.extension] folder of the extension under test
 * @param {Readonly<Record<string, unknown>>} [options.settings]
 * @param {(line: string) => void} [options.print]
 * @returns {Promise<boolean>}
 */
export async function runInHost({ name, suite, extension = root, settings = {}, print = console.log }) {
  const scratch = mkdtempSync(join(tmpdir(), 'peer-courier-host-'));
  const workspace = join(scratch, 'workspace');
  mkdirSync(workspace);
  const { publisher, name: extensionName } = JSON.parse(
    readFileSync(join(extension, 'package.json'), 'utf8'),
  );
  const server = await startServer({
    dataFolder: join(scratch, 'data'),
    settings,
    // Without the driver the page ignores the suite.
    extraArguments: ['--enable-smoke-test-driver'],
    environment: {
      EXTENSION_UNDER_TEST: `${publisher}.${extensionName}`,
      // A failure is told in lines of the tests, not of their bundle.
      NODE_OPTIONS: '--enable-source-maps',
    },
  });
  try {
    const browser = await launchChromium();
    try {
      const context = await openContext(browser, server.origin);
      const page = await context.newPage();
      /** @type {string[]} */
      const complaints = [];
      page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
      page.on('console', (message) => {
        const text = message.text();
        if (message.type() !== 'error' || usualComplaints.test(text)) return;
        complaints.push(`console: ${text.split('\n', 3).join(' ')}`);
      });
      await page.exposeFunction(
        'codeAutomationLog',
        (/** @type {string} */ _type, /** @type {unknown[]} */ words) => {
          const said = words.join(' ');
          if (said.startsWith(suiteMark)) print(said.slice(suiteMark.length));
        },
      );
      /** @type {Promise<number>} */
      const ended = new Promise((settle, reject) => {
        setTimeout(() => reject(new Error('The suite did not end in time.')), timeoutMs).unref();
        page.on('crash', () => reject(new Error('The browser crashed.')));
        page.exposeFunction('codeAutomationExit', (/** @type {number} */ code) => settle(code)).catch(reject);
      });
      const inWindow = (/** @type {string} */ path) => `vscode-remote://${server.authority}${path}`;
      await page.goto(
        server.pageAddress({
          folder: workspace,
          payload: [
            ['extensionDevelopmentPath', inWindow(extension)],
            ['extensionTestsPath', inWindow(suite)],
          ],
        }),
      );
      const hasPassed = await ended.then(
        (code) => code === 0,
        (/** @type {unknown} */ error) => {
          complaints.push(String(error));
          return false;
        },
      );
      if (!hasPassed) {
        mkdirSync(artifactsFolder, { recursive: true });
        // A page that hangs has no picture; the rest is told all the same.
        await page.screenshot({ path: join(artifactsFolder, `${name}.png`) }).catch(() => undefined);
        keepLogs(join(scratch, 'data'), join(artifactsFolder, `${name}-logs`));
        console.error(`\nWhat else the window said:\n${complaints.map((line) => `  ${line}`).join('\n')}`);
        console.error(`\nA screenshot and the logs are in ${artifactsFolder}.`);
      }
      return hasPassed;
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * @param {string} dataFolder
 * @param {string} kept
 */
function keepLogs(dataFolder, kept) {
  const logs = join(dataFolder, 'data', 'logs');
  rmSync(kept, { recursive: true, force: true });
  if (existsSync(logs)) cpSync(logs, kept, { recursive: true });
}

if (isMain(import.meta.url)) {
  try {
    ensureReady({ build: true });
    const given = process.argv.slice(2);
    const suite = await bundleSuite({
      name: 'host',
      files: given.length > 0 ? given : ['test/host/**/*.test.ts'],
    });
    process.exitCode = (await runInHost({ name: 'host', suite })) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
