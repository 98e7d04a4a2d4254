/** A sender that can be reached, and a receiver that cannot: one shares, the other fetches. */
import { test } from 'node:test';
import { file, makeTree } from '../support/trees.ts';
import {
  accept,
  ANNA,
  assertArrived,
  BORIS,
  clearNotifications,
  machineSettings,
  PASTE_INVITE,
  showViews,
  transferSays,
} from './support/courierWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';

async function share({ window }: Person, name: string): Promise<void> {
  await window.openContainer('Explorer');
  await window.chooseInExplorer(name, 'Share…');
  await window.pickQuickPick('Share');
  await window.notification(`An invite to “${name}” is on the clipboard`).waitFor();
}

test('sharing', async (t) => {
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: {
      machineSettings: await machineSettings(ANNA),
      prepare: async ({ workspace }) => {
        makeTree(workspace, {
          'photos/beach.txt': file('sand\n'),
          'photos/hill.txt': file('grass\n'),
          'drafts/one.txt': file('not yet\n'),
        });
      },
    },
    // What somebody would dial is nowhere.
    b: { machineSettings: await machineSettings(BORIS) },
  });
  const people = { a, b, picture, step };

  await step('one makes an invite to a folder, which waits for whoever uses it', async () => {
    await share(a, 'photos');
    await showViews(a.window);
    await transferSays(a, 'photos', /shared until .* to whoever uses the invite/);
    await picture('share-invite');
  });

  await step('the other uses it, is asked, and fetches what is shared', async () => {
    await showViews(b.window);
    await b.window.runCommand('Peer Courier: Use Invite…');
    await b.window.pasteInput(PASTE_INVITE);
    await b.window.notification('wants to send you “photos”.').waitFor();
    await transferSays(a, 'photos', 'waiting for the peer to accept');
    await picture('share-offer');
    await accept(b, 'photos');
    await transferSays(a, 'photos', 'done');
    await transferSays(b, 'photos', 'done');
    assertArrived(people, 'photos');
    await a.window.treeRow('Peers', BORIS).waitFor();
    await b.window.treeRow('Peers', ANNA).waitFor();
    await picture('share-done');
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('one that is not shared any more cannot be fetched', async () => {
    await share(a, 'drafts');
    await a.window.pressInNotification('An invite to “drafts”', 'Cancel Sharing');
    await showViews(a.window);
    await transferSays(a, 'drafts', 'cancelled');
    await b.window.runCommand('Peer Courier: Use Invite…');
    await b.window.pasteInput(PASTE_INVITE);
    await b.window.notification('The invite was used before, has expired or is not theirs').waitFor();
    await picture('share-cancelled');
  });
});
