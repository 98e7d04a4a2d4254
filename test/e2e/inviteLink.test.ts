/** An invite as a link, in a document that somebody has sent: the editor opens it, and asks. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BORIS, machineSettings, ANNA, showViews } from './support/courierWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';
import { until } from './support/until.ts';

const QUESTION = 'A link asks to pair this device with another one.';

/** Follows the only link of a document. */
async function follow({ window }: Person, name: string): Promise<void> {
  await window.openContainer('Explorer');
  await window.explorerRow(name).dblclick();
  await window.page
    .locator('.detected-link')
    .first()
    .click({ modifiers: ['ControlOrMeta'] });
  await window.dialog(QUESTION).waitFor();
}

test('a link that pairs', async (t) => {
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: { machineSettings: await machineSettings(ANNA) },
    b: { machineSettings: await machineSettings(BORIS) },
  });

  await step('an invite is copied as a link', async () => {
    await b.window.runCommand('Peer Courier: Start Receiver');
    await b.window.runCommand('Peer Courier: Create Invite');
    await b.window.pressInNotification('An invite is on the clipboard', 'Copy as Link');
    const link = await until('a link on the clipboard', async () => {
      const text = await b.window.readClipboard();
      return /^[\w-]+:\/\/peer-courier\.peer-courier\/invite\?[\w-]+$/u.test(text) && text;
    });
    writeFileSync(join(a.workspace, 'note.md'), `[pair with me](${link})\n`);
  });

  await step('following it asks, and a key that is pressed unseen says no', async () => {
    await follow(a, 'note.md');
    await picture('link-question');
    await a.window.page.keyboard.press('Enter');
    await a.window.dialog(QUESTION).waitFor({ state: 'hidden' });
    await showViews(a.window);
    assert.deepEqual(await a.window.treeRows('Peers'), []);
  });

  await step('who says yes is paired', async () => {
    await follow(a, 'note.md');
    await a.window.pressInDialog(QUESTION, 'Pair');
    await a.window.notification(`${BORIS} (`).waitFor();
    await showViews(a.window);
    await a.window.treeRow('Peers', BORIS).waitFor();
    await picture('link-paired');
  });
});
