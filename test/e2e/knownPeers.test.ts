/** What a person decides on somebody who is known: a policy, a name, a block, to forget; and a key that is another one. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { file, folder, makeTree } from '../support/trees.ts';
import {
  ANNA,
  BORIS,
  clearNotifications,
  engineOf,
  machineSettings,
  pair,
  send,
  SHORT_FINGERPRINT,
  showViews,
  transferSays,
} from './support/courierWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';
import { until } from './support/until.ts';

const RENAMED = 'Anna at work';

/** Chooses from the menu of a peer's row. */
function choose({ window }: Person, peer: string, item: string): Promise<void> {
  return window.chooseInContextMenu(window.treeRow('Peers', peer), item);
}

/** This device goes on with another key: its host is a new one to the editor's secret storage. */
async function loseIdentity(person: Person): Promise<void> {
  const data = person.server.dataFolder;
  const found = readdirSync(data, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('host-id'),
  );
  assert.ok(found !== undefined, 'no host-id');
  const before = await engineOf(person);
  rmSync(join(data, found));
  process.kill(before, 'SIGKILL');
  await until('another engine', async () => (await engineOf(person)) !== before);
}

test('known peers', async (t) => {
  const people = await openTwoWindows(t, {
    a: {
      machineSettings: await machineSettings(ANNA),
      prepare: async ({ workspace }) => {
        makeTree(workspace, {
          'by itself/a.txt': file('nobody was asked\n'),
          'to a closed door/a.txt': file('x\n'),
          'to somebody else/a.txt': file('x\n'),
        });
      },
    },
    b: {
      machineSettings: await machineSettings(BORIS),
      prepare: async ({ home }) => {
        makeTree(home, { 'cupboard/drawer': folder() });
      },
    },
  });
  const { a, b, picture, step } = people;

  await step('what one sends is accepted by itself, into a folder of its own', async () => {
    await pair(people);
    await choose(b, ANNA, 'Peer Policy…');
    await b.window.quickPickRow('Ask every time').waitFor();
    await picture('policy');
    await b.window.pickQuickPick('Accept by itself…');
    await b.window.typeInput('The largest offer that is accepted without a question', '5');
    const cupboard = join(b.home, 'cupboard');
    await b.window.chooseFolder(cupboard, { inside: 'drawer', button: 'Save Here' });
    await b.window.treeRow('Peers', ANNA).filter({ hasText: 'accepts up to 5 MB' }).waitFor();
    await send(a, 'by itself');
    await transferSays(a, 'by itself', 'done');
    await transferSays(b, 'by itself', 'done');
    assert.equal(readFileSync(join(cupboard, 'by itself', 'a.txt'), 'utf8'), 'nobody was asked\n');
    const texts = await b.window.notificationTexts();
    assert.ok(!texts.some((text) => text.includes('wants to send')), texts.join('\n'));
    await picture('accepted-by-itself');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('a peer gets another name, from the palette', async () => {
    await b.window.runCommand('Peer Courier: Rename Peer…');
    await b.window.pickQuickPick(ANNA);
    await b.window.typeInput('A name for this peer', RENAMED);
    await b.window.treeRow('Peers', RENAMED).waitFor();
    await b.window.treeRow('Transfers', RENAMED).waitFor();
    await picture('renamed');
  });

  await step('a peer is blocked after a question, and hears what a stranger hears', async () => {
    await choose(b, RENAMED, 'Peer Policy…');
    await b.window.pickQuickPick('Block');
    const question = `Block ${RENAMED}?`;
    await b.window.dialog(question).waitFor();
    await picture('block');
    await b.window.pressInDialog(question, 'Block');
    await b.window.treeRow('Peers', RENAMED).filter({ hasText: 'blocked' }).waitFor();
    await send(a, 'to a closed door');
    await a.window.notification('The peer does not know this device').waitFor();
    await picture('blocked');
    assert.deepEqual(await b.window.notificationTexts(), []);
    assert.ok(!(await b.window.treeRows('Transfers')).some((row) => row.includes('closed door')));
    await clearNotifications(a.window);
  });

  await step('a peer is forgotten after a question whose default is to keep it', async () => {
    const question = `Forget ${RENAMED}?`;
    await choose(b, RENAMED, 'Forget Peer…');
    await b.window.dialog(question).waitFor();
    await picture('forget');
    // A key that is pressed unseen keeps it.
    await b.window.page.keyboard.press('Enter');
    await b.window.dialog(question).waitFor({ state: 'hidden' });
    await b.window.treeRow('Peers', RENAMED).waitFor();
    await choose(b, RENAMED, 'Forget Peer…');
    await b.window.pressInDialog(question, 'Forget');
    await b.window.treeRow('Peers', RENAMED).waitFor({ state: 'detached' });
    await picture('forgotten');
  });

  await step('another key in a peer’s place: nothing is sent, and both fingerprints are shown', async () => {
    await loseIdentity(b);
    await b.window.holdNotification('The Peer Courier engine stopped and was started again');
    await clearNotifications(b.window);
    await showViews(b.window);
    await b.window.treeRow('Peers', 'This device').filter({ hasText: 'listening on' }).waitFor();
    await send(a, 'to somebody else');
    const toast = await a.window.holdNotification('Another device answers there than the one you trust');
    const both = new RegExp(`${SHORT_FINGERPRINT.source}.* ≠ .*${SHORT_FINGERPRINT.source}`, 'u');
    assert.match(await toast.innerText(), both);
    assert.match(await toast.innerText(), /Do not go on unless you know why/u);
    await picture('another-key');
    await transferSays(a, 'to somebody else', 'failed');
  });
});
