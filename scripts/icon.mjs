/*
 * What `npm run icon` does: draws media/icon.png, the picture of the extension
 * in lists and on its page, from media/source/icon.svg. The result is committed:
 * nobody needs a browser to build.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { launchChromium } from './chromium.mjs';
import { ensureReady } from './setup.mjs';

const media = resolve(import.meta.dirname, '..', 'media');
const size = 256;

try {
  ensureReady({ build: false });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    const drawing = readFileSync(join(media, 'source', 'icon.svg'), 'utf8');
    await page.setContent(`<style>body{margin:0}svg{display:block}</style>${drawing}`);
    await page.screenshot({ path: join(media, 'icon.png'), omitBackground: true });
  } finally {
    await browser.close();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
