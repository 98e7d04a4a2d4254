/** Two people send each other folders, say yes and no, and change their minds. */
import assert from 'node:assert/strict';
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
  digestIn,
  long,
  machineSettings,
  noise,
  offerOf,
  PASTE_INVITE,
  receiveFolderOf,
  send,
  SHORT_FINGERPRINT,
  showViews,
  SLOW,
  transferSays,
  untilMoving,
  untilNothingIsLeft,
} from './support/courierWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';
import { until } from './support/until.ts';

const PHOTOS = {
  'holiday photos/beach.jpg': file(noise(1_500_000, 1)),
  'holiday photos/day 2/Straße nach Ávila.jpg': file(noise(700_000, 2)),
  'holiday photos/day 2/空.txt': file('sky\n', { mtimeMs: 1_000_000_000_123 }),
  'holiday photos/empty.txt': file(),
  'holiday photos/nothing in it': folder(1_100_000_000_000),
  'holiday photos/rotate.sh': file('#!/bin/sh\nexit 0\n', { isExecutable: true }),
};

test('send', async (t) => {
  const annas = await machineSettings(ANNA);
  const people = await openTwoWindows(t, {
    a: {
      machineSettings: annas,
      prepare: async ({ workspace }) => {
        makeTree(workspace, {
          ...PHOTOS,
          'unwanted/a.txt': file('nobody wants this\n'),
          'left open/a.txt': file('for later\n'),
        });
        for (const name of ['stopped by Anna', 'stopped in the list', 'stopped by Boris']) {
          makeTree(`${workspace}/${name}`, long(3));
        }
      },
    },
    b: { machineSettings: await machineSettings(BORIS) },
  });
  const { a, b, picture, step } = people;
  await step('from an invite to a folder that is there', async () => {
    await showViews(b.window);
    await picture('at-first');
    await b.window.runCommand('Peer Courier: Start Receiver');
    await b.window.treeRow('Peers', 'This device').filter({ hasText: 'listening on 127.0.0.1:' }).waitFor();
    await picture('receiver-on');
    await b.window.runCommand('Peer Courier: Create Invite');
    await b.window.notification('An invite is on the clipboard').waitFor();
    assert.match(await b.window.readClipboard(), /^peer-courier:[\w-]+$/);
    await picture('invite');
    await clearNotifications(b.window);

    await a.window.chooseInExplorer('holiday photos', 'Send to Peer…');
    await a.window.quickPickRow('Use an invite…').waitFor();
    await picture('pick-peer');
    await a.window.pickQuickPick('Use an invite…');
    await a.window.quickInput.getByText(PASTE_INVITE).waitFor();
    await picture('paste-invite');
    await a.window.pasteInput(PASTE_INVITE);
    const summary = a.window.quickPickRow('Send');
    await summary.filter({ hasText: 'Files: 5, folders: 3, size: 2.2 MB' }).waitFor();
    await picture('summary');
    await summary.click();

    const offer = await offerOf(b, 'holiday photos');
    const question = await offer.innerText();
    assert.match(question, new RegExp(`^${ANNA} \\(${SHORT_FINGERPRINT.source}\\) wants`, 'm'));
    for (const part of ['Files: 5, size: 2.2 MB.', `Goes to ${receiveFolderOf(b)}.`]) {
      assert.ok(question.includes(part), question);
    }
    await a.window.notification(`Sending “holiday photos” to ${BORIS}`).waitFor();
    await showViews(a.window);
    await transferSays(a, 'holiday photos', `waiting for the peer to accept · to ${BORIS}`);
    await transferSays(b, 'holiday photos', `wants to send 2.2 MB · from ${ANNA}`);
    await picture('offer');
    await b.window.pressInNotification('wants to send you “holiday photos”.', 'Accept');

    await a.window.holdNotification(`${BORIS} has received “holiday photos” (2.2 MB), verified.`);
    await transferSays(a, 'holiday photos', `done · 2.2 MB · to ${BORIS}`);
    await transferSays(b, 'holiday photos', `done · 2.2 MB · from ${ANNA}`);
    await b.window
      .treeRow('Received', 'holiday photos')
      .filter({ hasText: `from ${ANNA} · 2.2 MB` })
      .waitFor();
    await picture('done');
    assertArrived(people, 'holiday photos');
    assert.equal(await digestIn(a, 'holiday photos'), await digestIn(b, 'holiday photos'));

    await b.window.reload();
    await showViews(b.window);
    await b.window
      .treeRow('Received', 'holiday photos')
      .filter({ hasText: `from ${ANNA} · 2.2 MB` })
      .waitFor();
    await picture('after-a-reload');
    await clearNotifications(a.window);
    // On a machine under load a reload takes longer than an engine waits for a window to come back.
    await b.window.runCommand('Peer Courier: Start Receiver');
    await b.window.treeRow('Peers', 'This device').filter({ hasText: 'listening on' }).waitFor();
  });

  await step('a declined offer sends nothing', async () => {
    const before = contentsOf(b);
    await send(a, 'unwanted');
    await b.window.pressInNotification('wants to send you “unwanted”.', 'Decline');
    await a.window.holdNotification(`${BORIS} declined “unwanted”. Nothing was sent.`);
    await transferSays(a, 'unwanted', 'declined');
    await transferSays(b, 'unwanted', 'declined');
    await picture('declined');
    await untilNothingIsLeft(b, before);
    await clearNotifications(a.window);
  });

  await step('a prompt that is closed has answered nothing', async () => {
    await send(a, 'left open');
    await offerOf(b, 'left open');
    await b.window.closeNotification('wants to send you “left open”.');
    await transferSays(b, 'left open', 'wants to send 10 bytes');
    await transferSays(a, 'left open', 'waiting for the peer to accept');
    await until('a badge', async () => (await b.window.badge('Peer Courier')) === '1');
    await b.window.page.locator('.statusbar-item [aria-label*="offers to answer: 1"]').waitFor();
    await picture('offer-in-the-list');
    await b.window.pressInlineAction('Transfers', 'left open', 'Accept Offer');
    await transferSays(a, 'left open', 'done');
    assertArrived(people, 'left open');
    await until('no badge', async () => (await b.window.badge('Peer Courier')) === '');
    await clearNotifications(a.window);
  });

  await step('either side cancels in the middle', async () => {
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': SLOW });
    const before = contentsOf(b);
    const begin = async (name: string): Promise<void> => {
      await send(a, name);
      await accept(b, name);
      await untilMoving(b, name);
      assert.notDeepEqual(contentsOf(b), before);
    };
    const end = async (name: string): Promise<void> => {
      await transferSays(a, name, 'cancelled');
      await transferSays(b, name, 'cancelled');
      await a.window.notification(`Sending “${name}”`).waitFor({ state: 'hidden' });
      await untilNothingIsLeft(b, before);
    };
    await begin('stopped by Anna');
    await picture('moving');
    await a.window.pressInNotification('Sending “stopped by Anna”', 'Cancel');
    await end('stopped by Anna');
    await picture('cancelled-by-a');

    await begin('stopped in the list');
    await a.window.pressInlineAction('Transfers', 'stopped in the list', 'Cancel Transfer');
    await end('stopped in the list');

    await begin('stopped by Boris');
    await b.window.pressInlineAction('Transfers', 'stopped by Boris', 'Cancel Transfer');
    await a.window.notification(`${BORIS} cancelled “stopped by Boris”.`).waitFor();
    await end('stopped by Boris');
    await picture('cancelled-by-b');
    await a.configure({ ...annas, 'peerCourier.bandwidthLimit': AT_FULL_SPEED });
    await clearNotifications(a.window);
  });
});
