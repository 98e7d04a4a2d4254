/** Two windows whose devices are in one network: they find each other. */
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { ANNA, BORIS, machineSettings, showViews } from './support/courierWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';

/** An address of this machine by which others reach it. */
const ADDRESS = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const needsNetwork = {
  skip: ADDRESS === undefined ? 'NOT RUN: this machine has no network but itself' : false,
};

test('a device of this network is seen, paired with, and seen as known', needsNetwork, async (t) => {
  const annas = await machineSettings(ANNA);
  const boris = await machineSettings(BORIS, { 'peerCourier.host': ADDRESS });
  const { a, b, picture, step } = await openTwoWindows(t, {
    a: { machineSettings: annas },
    b: { machineSettings: boris },
  });

  await step('who receives is listed under the name that it gives itself, and as a stranger', async () => {
    await b.window.runCommand('Peer Courier: Start Receiver');
    await Promise.all([showViews(a.window), showViews(b.window)]);
    await a.window.treeRow('Peers', `“${BORIS}”`).filter({ hasText: 'not paired' }).waitFor();
    await picture('nearby-stranger');
  });

  await step('its row leads to pairing by a code', async () => {
    await b.window.runCommand('Peer Courier: Pair by Code…');
    await b.window.pickQuickPick('Wait for the other device');
    await b.window.notification('Waiting for the other device').waitFor();
    await a.window.pressInlineAction('Peers', `“${BORIS}”`, 'Pair by Code…');
    for (const { window } of [a, b]) {
      await window.dialog('Does the other device show').waitFor();
      await window.pressInDialog('Does the other device show', 'They Are the Same');
    }
    await a.window.notification(`${BORIS} (`).waitFor();
  });

  await step('a known peer is seen to be there, and to be gone', async () => {
    const row = a.window.treeRow('Peers', BORIS);
    await row.filter({ hasText: `here now, ${ADDRESS}` }).waitFor();
    await picture('nearby-known');
    await b.window.runCommand('Peer Courier: Stop Receiver');
    await row.filter({ hasNotText: 'here now' }).waitFor();
    await picture('nearby-gone');
  });
});
