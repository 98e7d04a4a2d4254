/** Windows and engines come and go in the middle of a transfer; several windows have one engine. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { file, makeTree } from '../support/trees.ts';
import {
  accept,
  ANNA,
  assertArrived,
  AT_FULL_SPEED,
  BORIS,
  clearNotifications,
  contentsOf,
  engineOf,
  long,
  machineSettings,
  offerOf,
  pair,
  PART_BYTES,
  receiveFolderOf,
  send,
  showViews,
  SLOW,
  transferSays,
  untilMoving,
} from './support/courierWindows.ts';
import { openTwoWindows } from './support/twoWindows.ts';
import type { Person } from './support/twoWindows.ts';
import { until } from './support/until.ts';

const RESTARTED = 'The Peer Courier engine stopped and was started again';

test('interruptions', async (t) => {
  const annas = await machineSettings(ANNA);
  const people = await openTwoWindows(t, {
    a: {
      machineSettings: annas,
      prepare: async ({ workspace }) => {
        makeTree(workspace, { 'for two windows/a.txt': file('one engine, two windows\n') });
        for (const name of ['over a reload', 'over the end of A', 'over the end of B', 'discarded']) {
          makeTree(`${workspace}/${name}`, long(3));
        }
      },
    },
    b: { machineSettings: await machineSettings(BORIS) },
  });
  const { a, b, picture, step } = people;
  const limit = (megabits: number): Promise<void> =>
    a.configure({ ...annas, 'peerCourier.bandwidthLimit': megabits });
  /** Sends it so slowly that there is time to interrupt it. */
  const begin = async (name: string, leastPercent?: number): Promise<void> => {
    await limit(SLOW);
    await send(a, name);
    await accept(b, name);
    await untilMoving(b, name, leastPercent);
  };
  /** Lets go, and sees it arrive whole. */
  const end = async (name: string): Promise<void> => {
    await limit(AT_FULL_SPEED);
    await transferSays(a, name, 'done');
    await transferSays(b, name, 'done');
    assertArrived(people, name);
  };

  /** The only question was answered before. */
  const nobodyIsAsked = async (): Promise<void> => {
    const texts = await b.window.notificationTexts();
    assert.ok(!texts.some((text) => text.includes('wants to send')), texts.join('\n'));
  };

  await step('a second window shows the same, and is not asked', async () => {
    await pair(people);
    const second = { ...b, window: await b.openAnother() };
    const engine = await engineOf(b);
    await showViews(second.window);
    await second.window.treeRow('Peers', 'This device').filter({ hasText: 'listening on' }).waitFor();
    await second.window.treeRow('Peers', ANNA).waitFor();
    // Who works in the first window is asked there.
    await b.window.takeFocusFrom(second.window);
    await send(a, 'for two windows');
    await offerOf(b, 'for two windows');
    for (const person of [b, second]) {
      await transferSays(person, 'for two windows', 'wants to send');
      await until('a badge', async () => (await person.window.badge('Peer Courier')) === '1');
    }
    assert.deepEqual(await second.window.notificationTexts(), []);
    await Promise.all([picture('two-windows'), second.window.screenshot('two-windows')]);
    // What one of them answers is answered for both.
    await second.window.pressInlineAction('Transfers', 'for two windows', 'Accept Offer');
    for (const person of [b, second]) {
      await transferSays(person, 'for two windows', 'done');
      await person.window.treeRow('Received', 'for two windows').waitFor();
    }
    await picture('two-windows-answered');
    assertArrived(people, 'for two windows');
    assert.equal(await engineOf(b), engine);
    await second.window.page.close();
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
  });

  await step('a transfer goes on over a reload of either window', async () => {
    await begin('over a reload');
    await reload(a);
    await transferSays(a, 'over a reload', /% · |done/);
    await picture('over-a-reload-of-a');
    if (!(await reload(b))) await b.window.runCommand('Peer Courier: Start Receiver');
    await picture('over-a-reload-of-b');
    await end('over a reload');
    await nobodyIsAsked();
    await clearNotifications(a.window);
  });

  for (const [killed, name] of [
    [a, 'over the end of A'],
    [b, 'over the end of B'],
  ] as const) {
    await step(`the engine of ${killed.window.name} is killed and goes on`, async () => {
      const earlier = wholeFilesOf(b);
      // Two files of it are whole then.
      await begin(name, 4);
      const arrived = wholeFilesOf(b).filter((inode) => !earlier.includes(inode));
      const before = await engineOf(killed);
      process.kill(before, 'SIGKILL');
      await killed.window.holdNotification(RESTARTED);
      await picture(`engine-of-${killed.window.name}-killed`);
      await end(name);
      // It did not begin anew: what had arrived is what was published.
      const published = wholeFilesOf(b);
      assert.ok(arrived.length > 0 && arrived.every((inode) => published.includes(inode)));
      assert.notEqual(await engineOf(killed), before);
      await nobodyIsAsked();
      await picture(`engine-of-${killed.window.name}-resumed`);
      await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
    });
  }

  await step('what is interrupted is listed, also by a new engine, until it is discarded', async () => {
    const before = contentsOf(b);
    await begin('discarded', 4);
    // What runs goes on, but the engine that takes over lets nobody in.
    await b.window.runCommand('Peer Courier: Stop Receiver');
    await b.window.treeRow('Peers', 'This device').filter({ hasText: 'the receiver is off' }).waitFor();
    process.kill(await engineOf(b), 'SIGKILL');
    await b.window.holdNotification(RESTARTED);
    await transferSays(b, 'discarded', /interrupted at [1-9]\d*%, waits for the sender/);
    await transferSays(a, 'discarded', /interrupted at [1-9]\d*%, tries again/);
    await Promise.all([clearNotifications(a.window), clearNotifications(b.window)]);
    await picture('interrupted');
    for (const [person, loss] of [
      [b, /What was received of it, .+, is removed from this disk/],
      [a, 'What Boris’s desktop has received of it stays there'],
    ] as const) {
      await person.window.pressInlineAction('Transfers', 'discarded', 'Discard Transfer');
      await person.window.dialog(loss).waitFor();
      await picture(`discarded-by-${person.window.name}`);
      await person.window.pressInDialog('Discard “discarded”?', 'Discard');
      await person.window.treeRow('Transfers', 'discarded').waitFor({ state: 'detached' });
    }
    await until('nothing is left of it', () => isDeepStrictEqual(contentsOf(b), before));
  });
});

/** An engine outlives its last window by this. */
const IDLE_MS = 10_000;

/** Reloads a window; false if that took so long that the engine is not the one that it was. */
async function reload(person: Person): Promise<boolean> {
  const before = await engineOf(person);
  const beganMs = performance.now();
  await person.window.reload();
  await showViews(person.window);
  await person.window.treeRow('Peers', 'This device').waitFor();
  const isSame = (await engineOf(person)) === before;
  const tookMs = performance.now() - beganMs;
  assert.ok(isSame || tookMs > IDLE_MS, `another engine after ${tookMs} ms`);
  return isSame;
}

/** The files of a long folder that lie whole below the receive folder, published or not, by inode. */
function wholeFilesOf(person: Person): readonly number[] {
  return contentsOf(person)
    .map((path) => statSync(join(receiveFolderOf(person), path)))
    .filter((stats) => stats.isFile() && stats.size === PART_BYTES)
    .map(({ ino }) => ino);
}
