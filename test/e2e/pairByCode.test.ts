/** Two windows, two users who look at each other's screens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNA, BORIS, clearNotifications, machineSettings, showViews } from './support/courierWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';

const COMMAND = 'Peer Courier: Pair by Code…';
const QUESTION = 'Does the other device show';

/** The code that a window asks about. */
async function codeIn({ window }: Person): Promise<string> {
  const dialog = window.dialog(QUESTION);
  await dialog.waitFor();
  const text = await dialog.innerText();
  const code = /\b\d{3} \d{3}\b/u.exec(text)?.[0];
  assert.ok(code !== undefined, text);
  return code;
}

test('pairing by a code', async (t) => {
  const [annas, boris] = [await machineSettings(ANNA), await machineSettings(BORIS)];
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: { machineSettings: annas },
    b: { machineSettings: boris },
  });

  /** Boris waits, Anna connects; both see the same code. */
  async function compare(name: string): Promise<void> {
    await b.window.runCommand(COMMAND);
    await b.window.pickQuickPick('Wait for the other device');
    await b.window.notification('Waiting for the other device').waitFor();
    await picture(`${name}-waiting`);
    await a.window.runCommand(COMMAND);
    await a.window.pickQuickPick('Connect to the other device…');
    await a.window.typeInput(
      'The address that the other device shows',
      `127.0.0.1:${boris['peerCourier.port']}`,
    );
    assert.equal(await codeIn(a), await codeIn(b));
    await picture(`${name}-code`);
  }

  await step('one sees another code: nobody is paired, and both are told', async () => {
    await compare('pair-no');
    await b.window.pressInDialog(QUESTION, 'They Are the Same');
    // A key that is pressed unseen says no.
    await a.window.page.keyboard.press('Enter');
    for (const { window } of [a, b]) {
      await window.notification('The codes differ, so nobody was paired').waitFor();
    }
    await picture('pair-no-told');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('both see the same code: each is in the other’s list', async () => {
    await compare('pair-yes');
    await a.window.pressInDialog(QUESTION, 'They Are the Same');
    await b.window.pressInDialog(QUESTION, 'They Are the Same');
    await a.window.notification(`${BORIS} (`).waitFor();
    await b.window.notification(`${ANNA} (`).waitFor();
    await Promise.all([showViews(a.window), showViews(b.window)]);
    await a.window.treeRow('Peers', BORIS).waitFor();
    await b.window.treeRow('Peers', ANNA).waitFor();
    await picture('pair-yes-known');
  });
});
