/** Folders that nobody trusts yet, and peers whose names and files try to be more than text. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { printable } from '../../src/base/printable.ts';
import { file, makeTree } from '../support/trees.ts';
import {
  AT_FULL_SPEED,
  clearNotifications,
  long,
  machineSettings,
  pair,
  receiveFolderOf,
  showViews,
  SLOW,
  transferSays,
  untilMoving,
} from './support/courierWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';

/** Names that some part of an editor would draw, follow or obey: a device may be called anything. */
const ODD_ANNA = '**Anna** $(alert) [me](command:workbench.action.closeWindow)';
const ODD_BORIS = '<b>Boris</b> $(bug) [me](https://127.0.0.1/)';
/** … and so may a folder, but for what some system cannot store. */
const ODD_FOLDER = '__bold__ $(alert) `code` [x](y)';
/** … with things in it that some program would run or obey. */
const ODD_PROGRAM = `${ODD_FOLDER}/$(zap) [run](x) &&.exe`;
const TASKS = `${ODD_FOLDER}/.vscode/tasks.json`;

const restricted = {
  'security.workspace.trust.enabled': true,
  'security.workspace.trust.startupPrompt': 'never',
};

test('untrusted', async (t) => {
  const annas = await machineSettings(ODD_ANNA);
  const people = await openTwoWindows(t, {
    a: {
      settings: restricted,
      machineSettings: annas,
      prepare: async ({ workspace }) =>
        makeTree(workspace, {
          '.vscode/settings.json': file(
            JSON.stringify({
              'peerCourier.useGitignore': false,
              'peerCourier.leaveOutSecrets': false,
              'peerCourier.startWithEditor': true,
              'peerCourier.accept': 'known',
            }),
          ),
          'project/.gitignore': file('build\n'),
          'project/build/out.bin': file('made\n'),
          'project/.env': file('PASSWORD=1234\n'),
          'project/main.ts': file('export {};\n'),
          [`${ODD_FOLDER}/$(bug) __x__.md`]: file('text\n'),
          [ODD_PROGRAM]: file('MZ\n'),
          [TASKS]: file('{}\n'),
          [`${ODD_FOLDER}/red \u001B[31mred\u001B[0m.txt`]: file('no such name is sent\n'),
          [`${ODD_FOLDER}/gpj.\u202Etxt.exe`]: file('neither is this\n'),
          ...Object.fromEntries(
            Object.entries(long(7)).map(([name, item]) => [`${ODD_FOLDER}/${name}`, item]),
          ),
        }),
    },
    b: { settings: restricted, machineSettings: await machineSettings(ODD_BORIS) },
  });
  const { a, b, picture, step } = people;

  await step(
    'case 182, 183: in Restricted Mode nothing listens, the views are there and pairing works',
    async () => {
      for (const { window } of [a, b]) {
        await window.statusBarItem('Restricted Mode').waitFor();
        await showViews(window);
        for (const view of ['Peers', 'Transfers', 'Received']) await window.view(view).waitFor();
        await window.page
          .getByText('This window works on a remote machine, and that machine is the peer')
          .waitFor();
      }
      await pair(people);
      await picture('restricted');
      await isText(a.window.treeRow('Peers', 'Boris').locator('.label-name'), ODD_BORIS);
      await isText(b.window.treeRow('Peers', 'Anna').locator('.label-name'), ODD_ANNA);
    },
  );

  await step('case 180, 182: what the folder sets is ignored, and receiving works', async () => {
    await a.window.openContainer('Explorer');
    await a.window.chooseInExplorer('project', 'Send to Peer…');
    await isText(a.window.quickInput.locator('.label-name').filter({ hasText: 'Boris' }), ODD_BORIS);
    await a.window.pickQuickPick(/Boris/);
    // .gitignore and main.ts; neither what is ignored nor what looks like a secret.
    await a.window.quickPickRow('Send').filter({ hasText: 'Files: 2, folders: 1' }).waitFor();
    await a.window.quickPickRow('Send what .gitignore leaves out, too').waitFor();
    await a.window.quickPickRow('Send files that look like secrets, too').waitFor();
    await picture('left-out');
    await a.window.pickQuickPick('Send');
    await showViews(a.window);
    await b.window.pressInNotification('wants to send you “project”.', 'Accept');
    await transferSays(b, 'project', 'done');
    await transferSays(a, 'project', 'done');
    await b.window.treeRow('Received', 'project').waitFor();
    await clearNotifications(a.window);
  });

  await step('case 170, 177: names are shown as text, and what programs obey is pointed out', async () => {
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': SLOW });
    await a.window.openContainer('Explorer');
    await a.window.chooseInExplorer(ODD_FOLDER, 'Send to Peer…');
    await a.window.pickQuickPick(/Boris/);
    await a.window.quickPickRow('Send').waitFor();
    await isText(a.window.quickInput.locator('.quick-input-title'), ODD_BORIS);
    await picture('odd-summary');
    await a.window.pickQuickPick('Send');
    await showViews(a.window);

    const offer = await b.window.holdNotification('wants to send you');
    await isText(message(offer), ODD_ANNA);
    await isText(message(offer), ODD_FOLDER);
    const obeyed = [ODD_PROGRAM, TASKS.replace('/tasks.json', '')].map((path) => printable(path, 32));
    await isText(message(offer), `What programs may run or obey in it: 2 (${obeyed.join(', ')}).`);
    await isText(b.window.treeRow('Transfers', 'code').locator('.label-name'), ODD_FOLDER);
    await isText(b.window.treeRow('Transfers', 'code').locator('.label-description'), ODD_ANNA);
    await picture('odd-offer');
    await b.window.pressInNotification('wants to send you', 'Accept');

    await untilMoving(b, ODD_FOLDER);
    const progress = message(a.window.notification('Sending'));
    await isText(progress, ODD_FOLDER);
    await isText(progress, ODD_BORIS);
    await isText(a.window.treeRow('Transfers', 'code').locator('.label-name'), ODD_FOLDER);
    await picture('odd-moving');
    for (const { window } of [a, b]) {
      const item = window.page.locator('.statusbar-item [aria-label*="code"]').first();
      const label = await item.getAttribute('aria-label');
      assert.ok(label?.includes(ODD_FOLDER), label ?? 'no label');
      // Its one icon is ours.
      assert.equal(await item.locator('.codicon').count(), 1);
    }
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': AT_FULL_SPEED });
    const end = await a.window.holdNotification('has received');
    await isText(message(end), ODD_FOLDER);
    await isText(message(end), ODD_BORIS);
    await isText(b.window.treeRow('Received', 'code').locator('.label-name'), ODD_FOLDER);
    await picture('odd-done');
    // What a name of a file would do to a terminal or to a line is never sent, and is spelt out.
    await a.window.treeRow('Transfers', 'code').click();
    const leftOut = (name: string) => a.window.treeRow('Transfers', name).locator('.label-name');
    await isText(leftOut('gpj'), String.raw`${ODD_FOLDER}/gpj.\u{202e}txt.exe`);
    await isText(leftOut('31mred'), String.raw`${ODD_FOLDER}/red \u{1b}[31mred\u{1b}[0m.txt`);
    await picture('odd-left-out');
    const arrived = readdirSync(join(receiveFolderOf(b), ODD_FOLDER));
    assert.deepEqual(
      arrived.filter((name) => !name.startsWith('part ')),
      ['$(bug) __x__.md', '$(zap) [run](x) &&.exe', '.vscode'],
    );
  });
});

/** The words of a notification, without its buttons. */
function message(notification: Locator): Locator {
  return notification.locator('.notification-list-item-message');
}

/** The whole text is there as it was written, and nothing was drawn in its stead. */
async function isText(place: Locator, text: string): Promise<void> {
  await place.first().waitFor();
  const shown = (await place.first().innerText()).replaceAll('\u200B', '').replaceAll(/\s/g, ' ');
  assert.ok(shown.includes(text), `${text} is shown as ${shown}`);
  assert.equal(await place.first().locator('a, b, strong, em, i, code, .codicon').count(), 0, text);
}
