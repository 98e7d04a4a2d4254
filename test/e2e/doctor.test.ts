/** The doctor's page: what stands between two devices, while it is so and once it is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import {
  ANNA,
  BORIS,
  clearNotifications,
  machineSettings,
  pair,
  showViews,
} from './support/courierWindows.ts';
import type { EditorWindow } from './support/editorWindow.ts';
import { openTwoWindows } from './support/twoWindows.ts';
import { until } from './support/until.ts';

const COMMAND = 'Peer Courier: Check Connection…';
const DONE = 'The check is done';

/** The page in the editor; long lines are wrapped, so that only a few words in a row are looked for. */
function page({ page: drawn }: EditorWindow): Locator {
  return drawn.locator('.editor-instance .view-lines');
}

async function pageSays(window: EditorWindow, ...words: readonly string[]): Promise<void> {
  for (const each of words) await page(window).filter({ hasText: each }).first().waitFor();
}

test('the doctor', async (t) => {
  const [annas, boris] = [await machineSettings(ANNA), await machineSettings(BORIS)];
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: { machineSettings: annas },
    b: { machineSettings: boris },
  });
  const address = `127.0.0.1:${boris['peerCourier.port']}`;

  await step('a closed port: the page says so first, and what to do', async () => {
    await a.window.runCommand(COMMAND);
    await a.window.pickQuickPick('An address…');
    await a.window.typeInput('The address of the other device', address);
    await a.window.notification(DONE).waitFor();
    await pageSays(
      a.window,
      'Something stands in the way.',
      'Most likely in the way',
      'Nobody listens at',
      address,
    );
    await a.window.page.getByRole('tab', { name: /Peer Courier\.md/ }).waitFor();
    await picture('closed-port');
  });

  await step('the report for others has neither a name nor a whole address', async () => {
    await a.window.pressInNotification(DONE, 'Copy Report');
    await a.window.notification('The report is on the clipboard').waitFor();
    const report = await until('the report', async () => {
      const text = await a.window.readClipboard();
      return text.startsWith('# Peer Courier') && text;
    });
    assert.match(report, /^## Most likely in the way\n\n\* Nobody listens at `127\.0\.0\.1:\d+`\./mu);
    assert.doesNotMatch(report, /Anna|Boris|peer-courier-e2e|192\.\d+\.\d+/u);
    assert.match(report, /^Peer Courier \d+\.\d+\.\d+, Node \d+/mu);
    await clearNotifications(a.window);
  });

  await step('the failure of another command leads there', async () => {
    await a.window.runCommand('Peer Courier: Add Peer by Address…');
    await a.window.typeInput('The address that the Peers view', address);
    await a.window.pressInNotification('Nobody listens there', 'Check Connection…');
    await a.window.notification(DONE).waitFor();
    await pageSays(a.window, 'Nobody listens at');
    await clearNotifications(a.window);
  });

  await step('a known peer, from its row: everything is in order', async () => {
    await pair({ a, b, picture, step });
    const row = a.window.treeRow('Peers', BORIS);
    await a.window.chooseInContextMenu(row, 'Check Connection…');
    await a.window.notification('nothing was found that stands in the way').waitFor();
    await pageSays(a.window, 'Nothing was found that stands in the way', 'It knows this device');
    await picture('known-peer');
    await clearNotifications(a.window);
  });

  await step('this device alone: it listens where only this machine gets', async () => {
    await b.window.chooseInContextMenu(b.window.treeRow('Peers', 'This device'), 'Check Connection…');
    await b.window.notification(DONE).waitFor();
    await pageSays(b.window, 'which only this machine', 'A connection from this machine comes in');
    await showViews(b.window);
    await picture('this-device');
  });
});
