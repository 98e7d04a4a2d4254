/*
 * The browser that shows VS Code to tests and to the demo: a Chromium of the
 * system, driven through playwright-core.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  String.raw`C:\Program Files\Google\Chrome\Application\chrome.exe`,
  String.raw`C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`,
  String.raw`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
];

/** It talks to nobody but the page's own server, and runs in containers that give it no sandbox and no screen. */
const quietFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * The path of a Chromium. As root on Debian it is installed if it is missing; elsewhere an Error says how to
 * get one.
 *
 * @returns {string}
 */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (canInstall()) {
    console.error('Installing the Debian package chromium (once) …');
    const packages = ['chromium', 'fonts-dejavu-core'];
    apt(['update', '--quiet']);
    apt(['install', '--yes', '--quiet', '--no-install-recommends', ...packages]);
    const installed = findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    'No Chromium was found. Install Chromium or Google Chrome (on Debian: sudo apt install chromium), or set CHROMIUM_PATH to the program.',
  );
}

/** @returns {string | undefined} */
function findChromium() {
  const named = process.env['CHROMIUM_PATH'];
  return [...(named === undefined ? [] : [named]), ...usualPlaces].find((path) => existsSync(path));
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/** @param {readonly string[]} args */
function apt(args) {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new Error(`apt-get ${args[0]} failed; its messages are above.`);
}

/**
 * Starts the browser; who starts it closes it. `HEADED=1` shows it.
 *
 * @returns {Promise<import('playwright-core').Browser>}
 */
export function launchChromium() {
  const isHeaded = process.env['HEADED'] === '1';
  return chromium.launch({ executablePath: ensureChromium(), headless: !isHeaded, args: quietFlags });
}

/**
 * A browser profile for one user of VS Code: with a clipboard, and with secrets that outlive a reload.
 * The page keeps an extension's secrets in its local storage, encrypted with a key of which the server holds
 * one half; VS Code's bare server answers 404 when it is asked for it, and every secret would then live in
 * memory until the next reload only, after seconds of trying. So the half is given here.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin
 */
export async function openContext(browser, origin) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const keyHalf = [...createHash('sha256').update(origin).digest()];
  // Not by a route of playwright's: with one, the browser caches nothing.
  await context.addInitScript(`{
    const { fetch } = window;
    window.fetch = (input, options) =>
      input === '/mint-key' ? Promise.resolve(new Response(new Uint8Array([${keyHalf.join()}]))) : fetch(input, options);
  }`);
  return context;
}
