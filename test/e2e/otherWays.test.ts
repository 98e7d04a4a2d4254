/** What is not the main road: peers by address, a pause, another folder, a name that is taken, a comparison. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { file, folder, makeTree } from '../support/trees.ts';
import {
  accept,
  ANNA,
  assertArrived,
  AT_FULL_SPEED,
  BORIS,
  clearNotifications,
  contentsOf,
  long,
  machineSettings,
  offerOf,
  receiveFolderOf,
  send,
  showViews,
  SLOW,
  transferSays,
  untilMoving,
} from './support/courierWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';

/** All 64 digits, in groups of four. */
const FINGERPRINT = /(?:[\dA-F]{4}[\s-]?){16}/;

async function addByAddress({ window }: Person, address: string, name: string): Promise<void> {
  await window.runCommand('Peer Courier: Add Peer by Address…');
  await window.typeInput('The address that the Peers view', address);
  const dialog = window.dialog(`Is this the device at ${address}?`);
  await dialog.waitFor();
  assert.match(await dialog.innerText(), FINGERPRINT);
  await window.pressInDialog('Is this the device at', 'It Matches');
  await window.typeInput('A name for this peer', name);
  await window.notification(`${name} (`).waitFor();
  await clearNotifications(window);
}

test('other ways', async (t) => {
  const [annas, boris] = [await machineSettings(ANNA), await machineSettings(BORIS)];
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: {
      machineSettings: annas,
      prepare: async ({ workspace }) => {
        makeTree(`${workspace}/with a pause`, long(3));
        makeTree(workspace, {
          'for elsewhere/a.txt': file('elsewhere\n'),
          'notes.txt': file('as Anna has it\n'),
        });
      },
    },
    b: {
      machineSettings: boris,
      prepare: async ({ workspace, home }) => {
        makeTree(workspace, { 'notes.txt': file('as Boris has it\n') });
        makeTree(home, { 'cupboard/drawer': folder() });
      },
    },
  });
  const people = { a, b, picture, step };

  await step('by address, after the fingerprints were compared', async () => {
    for (const { window } of [a, b]) {
      await window.runCommand('Peer Courier: Start Receiver');
      await window.notification('ready to receive').waitFor();
      await clearNotifications(window);
    }
    await addByAddress(a, `127.0.0.1:${boris['peerCourier.port']}`, BORIS);
    await addByAddress(b, `127.0.0.1:${annas['peerCourier.port']}`, ANNA);
    await Promise.all([showViews(a.window), showViews(b.window)]);
    await a.window.treeRow('Peers', BORIS).waitFor();
    await picture('added-by-address');
  });

  await step('a pause from the list', async () => {
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': SLOW });
    await send(a, 'with a pause');
    await accept(b, 'with a pause');
    await untilMoving(a, 'with a pause');
    await a.window.pressInlineAction('Transfers', 'with a pause', 'Pause');
    await transferSays(a, 'with a pause', 'paused at');
    await picture('paused');
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': AT_FULL_SPEED });
    await a.window.pressInlineAction('Transfers', 'with a pause', 'Resume');
    await transferSays(a, 'with a pause', 'done');
    await transferSays(b, 'with a pause', 'done');
    assertArrived(people, 'with a pause');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('into a folder that is chosen at the offer', async () => {
    await send(a, 'for elsewhere');
    await b.window.pressInNotification('wants to send you “for elsewhere”.', 'Save to…');
    await b.window.quickInput.waitFor();
    await picture('save-to');
    const cupboard = join(b.home, 'cupboard');
    await b.window.chooseFolder(cupboard, { inside: 'drawer', button: 'Save Here' });
    await transferSays(a, 'for elsewhere', 'done');
    assert.equal(readFileSync(join(cupboard, 'for elsewhere', 'a.txt'), 'utf8'), 'elsewhere\n');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('a file, which is compared with that of the workspace', async () => {
    await send(a, 'notes.txt');
    await accept(b, 'notes.txt');
    await b.window.treeRow('Received', 'notes.txt').waitFor();
    assert.equal(readFileSync(join(receiveFolderOf(b), 'notes.txt'), 'utf8'), 'as Anna has it\n');
    await b.window.chooseInContextMenu(
      b.window.treeRow('Received', 'notes.txt'),
      'Compare with Workspace File',
    );
    await b.window.pickQuickPick(/^notes\.txt/);
    await b.window.page.getByRole('tab', { name: /workspace ↔ received/ }).waitFor();
    await picture('compared');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('under a name that is taken: both are kept', async () => {
    const before = contentsOf(b);
    await send(a, 'notes.txt');
    const offer = await offerOf(b, 'notes.txt');
    await offer.filter({ hasText: 'Names already taken there: 1.' }).waitFor();
    await b.window.pressInNotification('wants to send you “notes.txt”.', 'Accept');
    await picture('taken');
    await b.window.pickQuickPick('Keep both');
    await b.window.notification('Received “notes.txt”').waitFor();
    assert.equal(contentsOf(b).length, before.length + 1);
    assert.equal(readFileSync(join(receiveFolderOf(b), 'notes.txt'), 'utf8'), 'as Anna has it\n');
  });
});
