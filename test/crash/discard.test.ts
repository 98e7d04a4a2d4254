/** What a transfer has left is removed, by choice: a crash at any point of that touches nothing else. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import { TRANSFER_ID } from '../support/memoryTransfer.ts';
import type { SimDisk } from '../support/simDisk.ts';
import { CrashCounts, everyCrash } from './support/everyCrash.ts';
import { Scene } from './support/scene.ts';
import { SCENES } from './support/scenes.ts';
import { discardLeft, FOLDER, runSession } from './support/session.ts';

/** What a session leaves that is killed before it has published anything, as late as can be. */
async function leftOver(scene: Scene): Promise<SimDisk> {
  const disk = scene.disk();
  await runSession(disk.mount(), scene);
  const before = namesOutside(disk.killedAfter(0));
  const firstName = disk.operations.findIndex(
    (_, index) => namesOutside(disk.killedAfter(index + 1)) > before,
  );
  const left = disk.killedAfter(firstName).settled();
  assert.ok(stagedFiles(left) > 2);
  return left;
}

function stagedFiles(disk: SimDisk): number {
  return [...disk.picture(`${FOLDER}/${STAGING_FOLDER}`).values()].filter(({ kind }) => kind === 'file')
    .length;
}

suite('a crash at any point of removing what a transfer has left', () => {
  for (const [name, init] of Object.entries(SCENES)) {
    test(name, async (t) => {
      const scene = new Scene(init);
      const disk = await leftOver(scene);
      discardLeft(disk);
      const counts = new CrashCounts();
      for (const { prefix, what, image } of everyCrash(disk, counts)) {
        scene.checkAlways(image, { isPromised: false });
        // It can be removed still, or taken up again: what is sent is right, whatever part of it was removed.
        const again = image.settled();
        discardLeft(again);
        assert.deepEqual(namesIn(again), namesIn(scene.disk()), `after ${prefix} operations: ${what}`);
        const missing = scene.missingBytes(image);
        scene.checkEnd(await runSession(image.mount(), scene), missing);
        scene.checkDone(image);
      }
      assert.equal(stagedFiles(disk), 0);
      t.diagnostic(String(counts));
    });
  }
});

/** How much lies in the receive folder that is not the transfer's alone; the copy of what it replaces is not. */
function namesOutside(disk: SimDisk): number {
  const own = `${STAGING_FOLDER}/${TRANSFER_ID}`;
  return namesIn(disk).filter(
    (name) => name !== STAGING_FOLDER && name !== own && !name.startsWith(`${own}/`),
  ).length;
}

/** What lies in the receive folder. */
function namesIn(disk: SimDisk): readonly string[] {
  return [...disk.picture(FOLDER).keys()].toSorted();
}
