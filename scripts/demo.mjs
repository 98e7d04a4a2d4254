/*
 * What `npm run demo` does: packs the extension, opens two real windows of VS Code with it, and does in a real
 * browser what two people do: Ben starts his receiver and makes an invite, Anna right-clicks a folder and
 * sends it to him, he accepts. Then it compares the folders, and leaves a picture of each step in demo/.
 *
 *   npm run demo
 *   npm run demo -- --open     leaves the doing to you: prints the addresses of both windows and what to do
 *   HEADED=1 npm run demo      in a browser that one sees
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EditorWindow } from '../test/e2e/support/editorWindow.ts';
import { ensureChromium, launchChromium, openContext } from './chromium.mjs';
import { openDoor } from './demoDoor.mjs';
import { compareFolders, fillDemoFolder } from './demoFolder.mjs';
import { startPerson } from './demoPeople.mjs';
import { packageExtension } from './package.mjs';
import { ensureVscode } from './vscode.mjs';

const root = resolve(import.meta.dirname, '..');
const pictureFolder = join(root, 'demo');
const sentName = 'field-recordings';
const widerBy = 130;
/** Where the pointer covers nothing and raises no tooltip. @type {[number, number]} */
const aside = [900, 300];
const transferTimeoutMs = 120_000;

/** @typedef {import('./demoPeople.mjs').Person} Person */
/** @typedef {{ anna: EditorWindow, ben: EditorWindow }} Windows */

let pictureCount = 0;
let interruptedStatus = 130;

/** What to do at the end, last first. @type {(() => unknown)[]} */
const cleanups = [];

const { values: options } = parseArgs({ options: { open: { type: 'boolean', default: false } } });

try {
  if (!options.open) ensureChromium();
  ensureVscode();
  const people = await prepare();
  if (options.open) await leaveOpen(people);
  else await show(people);
} catch (error) {
  // What playwright adds below its first line is about this script.
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  console.error(`\nThe demo failed: ${reason}`);
  process.exitCode = 1;
} finally {
  for (const cleanUp of cleanups.toReversed()) await cleanUp();
}

/** Packs the extension, makes something to send, and starts both servers. */
async function prepare() {
  const scratch = mkdtempSync(join(tmpdir(), 'peer-courier-demo-'));
  /** @type {Person[]} */
  const people = [];
  const removeScratch = () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  cleanups.push(removeScratch, () => Promise.all(people.map(({ server }) => server.stop())));
  // After Ctrl-C there is no time for the polite way.
  process.on('exit', () => {
    for (const { pid } of people.flatMap(({ server }) => server.processes())) kill(pid);
    removeScratch();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => process.exit(interruptedStatus));
  }
  say('Packing the extension and starting two VS Codes with it, one for Anna and one for Ben …');
  const extension = await quietly(() => packageExtension(join(scratch, 'peer-courier.vsix')));
  const start = async (/** @type {string} */ name) => {
    const person = await startPerson({ name, folder: join(scratch, name.toLowerCase()), extension });
    people.push(person);
    return person;
  };
  const [anna, ben] = await Promise.all([start('Anna'), start('Ben')]);
  fillDemoFolder(join(anna.workspace, sentName));
  return { anna, ben };
}

/** @param {Person} person */
async function behindDoor({ server, address }) {
  return address.replace(server.origin, await openDoor(server.authority));
}

/** @param {{ anna: Person, ben: Person }} people */
async function leaveOpen({ anna, ben }) {
  const [annas, bens] = [await behindDoor(anna), await behindDoor(ben)];
  console.log(`
Both windows are ready. Open them side by side in a browser on this machine:

  Anna   ${annas}
  Ben    ${bens}

  1. Ben: click the Peer Courier icon in the bar on the left, then "Start Receiver".
  2. Ben: "Create Invite". It is on the clipboard now.
  3. Anna: in the Explorer, right-click ${sentName} and choose "Send to Peer…".
  4. Anna: "Use an invite…", Enter; then Enter once more on "Send".
  5. Ben: "Accept". It arrives in ${ben.received}.

Ctrl-C here ends both and removes their files.`);
  // This is how it is meant to end.
  interruptedStatus = 0;
  await new Promise(() => undefined);
}

/** @param {{ anna: Person, ben: Person }} people */
async function show({ anna, ben }) {
  rmSync(pictureFolder, { recursive: true, force: true });
  mkdirSync(pictureFolder);
  const browser = await launchChromium();
  cleanups.push(() => browser.close());
  const open = async (/** @type {Person} */ { name, server, address }) => {
    const context = await openContext(browser, server.origin);
    const window = new EditorWindow(name, await context.newPage());
    await window.open(address);
    await widenSideBar(window);
    return window;
  };
  say('Opening both windows in a browser …');
  const [annas, bens] = await Promise.all([open(anna), open(ben)]);
  const windows = { anna: annas, ben: bens };
  try {
    await pair(windows);
    const { seconds, digest } = await transfer(windows);
    say('Comparing the folders, byte for byte …');
    const source = join(anna.workspace, sentName);
    const { files, folders, bytes } = compareFolders(source, join(ben.received, sentName));
    console.log(`
It arrived: identical, byte for byte.
  Arrived   ${files} files and ${folders} folders, ${megabytes(bytes)} MB
  Digest    ${digest} (the same in both windows)
  Time      ${seconds.toFixed(1)} s from "Accept" to "verified": ${megabytes(bytes / seconds)} MB/s, encrypted, checked and on disk
  Pictures  ${relative(process.cwd(), pictureFolder) || '.'}/

Try it yourself: npm run demo -- --open`);
  } catch (error) {
    for (const window of Object.values(windows)) {
      const path = join(pictureFolder, `failed-${window.name}.png`);
      await window.page.screenshot({ path }).catch(() => undefined);
    }
    console.error(`\nThe windows as they were are in ${pictureFolder}, failed-*.png.`);
    throw error;
  }
}

/** From the first look to the moment when Anna has chosen whom to send to. @param {Windows} windows */
async function pair({ anna, ben }) {
  await ben.openContainer('Peer Courier');
  const start = welcomeButton(ben, 'Peers', 'Start Receiver');
  await start.waitFor();
  // This one says what it knows once the extension is active.
  await welcomeButton(ben, 'Received', 'Start Receiver').waitFor();
  await ben.page.mouse.move(...aside);
  await picture(ben, 'Ben opens Peer Courier');

  await start.click();
  await ben.treeRow('Peers', 'listening on').waitFor();
  const create = welcomeButton(ben, 'Received', 'Create Invite');
  await create.waitFor();
  await picture(ben, 'Ben starts the receiver');

  await create.click();
  await ben.notification('An invite is on the clipboard').waitFor();
  await picture(ben, 'Ben creates an invite, for the clipboard');

  // The menu is looked at, and then used.
  await anna.explorerRow(sentName).waitFor();
  await untilOffered(anna, 'Send to Peer…');
  await picture(anna, `Anna right-clicks ${sentName}`);
  await anna.menuItem('Send to Peer…').click();

  await anna.quickPickRow('Use an invite…').waitFor();
  await picture(anna, 'Anna is asked who gets it');
  await anna.pickQuickPick('Use an invite…');
  const input = anna.quickInput.locator('input.input');
  await anna.quickInput.getByText('Paste the invite').waitFor();
  await input.fill('');
  await anna.page.keyboard.press('ControlOrMeta+V');
  await picture(anna, 'Anna pastes the invite');
  await anna.page.keyboard.press('Enter');
}

/** @param {Windows} windows */
async function transfer({ anna, ben }) {
  await anna.quickPickRow('Send').waitFor();
  await picture(anna, 'Anna sees what would be sent');
  await anna.pickQuickPick('Send');
  await anna.openContainer('Peer Courier');
  await anna.page.mouse.move(...aside);

  await ben.notification('wants to send you').waitFor();
  await closeAll(ben, 'An invite is on the clipboard');
  await picture(ben, 'Ben is asked');

  const startedAt = performance.now();
  await ben.pressInNotification('wants to send you', 'Accept');
  // The label stands before it, without a space.
  await anna.treeRow('Transfers', /[2-9]\d%/).waitFor();
  await Promise.all([picture(anna, 'It moves: Anna'), picture(ben, 'It moves: Ben')]);

  const done = anna.notification('has received');
  await done.waitFor({ timeout: transferTimeoutMs });
  const seconds = (performance.now() - startedAt) / 1000;
  await picture(anna, 'It has arrived: Anna');
  const row = ben.treeRow('Received', sentName);
  await row.waitFor();
  await picture(ben, 'It has arrived: Ben');

  const digests = [
    await copiedDigest(ben, row),
    await copiedDigest(anna, anna.treeRow('Transfers', sentName)),
  ];
  if (digests[0] !== digests[1]) throw new Error('The two windows show different digests.');
  return { seconds, digest: digests[0] };
}

/**
 * A button in an empty view, not the icon of that name above it.
 *
 * @param {EditorWindow} window @param {string} view @param {string} name
 */
function welcomeButton(window, view, name) {
  return window.view(view).locator('.monaco-text-button').filter({ hasText: name });
}

/** So that rows are read to their end. @param {EditorWindow} window */
async function widenSideBar({ page }) {
  const edge = await page.locator('.sidebar').first().boundingBox();
  if (edge === null) return;
  const [x, y] = [edge.x + edge.width, edge.y + edge.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + widerBy, y, { steps: 4 });
  await page.mouse.up();
}

/** @param {EditorWindow} window @param {import('playwright-core').Locator} row */
async function copiedDigest(window, row) {
  await window.openContextMenu(row);
  await window.menuItem('Copy Digest').click();
  await window.page.waitForTimeout(200);
  return window.readClipboard();
}

/** A menu that was opened before the extension was known is opened again. @param {EditorWindow} window @param {string} item */
async function untilOffered(window, item) {
  for (;;) {
    const menu = await window.openExplorerContextMenu(sentName);
    if ((await menu.getByRole('menuitem', { name: item, exact: true }).count()) > 0) return;
    await window.page.keyboard.press('Escape');
  }
}

/** @param {EditorWindow} window @param {string} text */
async function closeAll(window, text) {
  if (await window.notification(text).isVisible()) await window.closeNotification(text);
}

/** Says what is happening and keeps what the window shows. @param {EditorWindow} window @param {string} title */
async function picture(window, title) {
  pictureCount += 1;
  const name = `${String(pictureCount).padStart(2, '0')}-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.png`;
  console.log(`  ${title.padEnd(44)}demo/${name}`);
  await window.page.screenshot({ path: join(pictureFolder, name) });
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** vsce lists every file that it packs. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
async function quietly(work) {
  const { log } = console;
  console.log = () => undefined;
  try {
    return await work();
  } finally {
    console.log = log;
  }
}

/** @param {string} text */
function say(text) {
  console.log(text);
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}
