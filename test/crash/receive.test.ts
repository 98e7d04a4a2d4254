/**
 * A transfer is received by the product's own code on a simulated disk, and crashes after every operation, in every
 * way of `everyCrash`. Each time what is found is looked at, and the transfer goes on from there to its end.
 *
 * Held are D1 to D5: what stands under a name of the offer is right and complete; a crash costs only what was not
 * synced; what the sender was told is there after any power loss; nothing else is touched.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { MemoryNode, MemoryTree } from '../support/memoryTree.ts';
import type { SimDisk } from '../support/simDisk.ts';
import { CrashCounts, everyCrash } from './support/everyCrash.ts';
import type { Crash, EveryCrashOptions } from './support/everyCrash.ts';
import { Scene } from './support/scene.ts';
import { SCENES, VARIANTS } from './support/scenes.ts';
import { runSession } from './support/session.ts';
import type { Former, SessionReport } from './support/session.ts';

/** Goes on from a crash to the end, and looks at it as a power loss would find it right after the receipt. */
async function finish(scene: Scene, { image }: Crash, former: Former): Promise<void> {
  const missing = scene.missingBytes(image);
  const report = await runSession(image.mount(), scene, former);
  scene.checkEnd(report, missing);
  scene.checkDone(image);
  assert.ok(report.receiptAt !== undefined);
  scene.checkAlways(image.imageAfter(report.receiptAt, { keeps: () => false }), { isPromised: true });
}

/** What is promised after so many operations of a session. */
function phaseOf({ receiptAt = Infinity, doneAt = Infinity }: SessionReport): (prefix: number) => string {
  return (prefix) => {
    if (prefix < receiptAt) return 'receiving';
    return prefix <= doneAt ? 'promised' : 'done';
  };
}

/** Crashes everywhere in what a disk has done, and lets `goOn` go on where the sender would. */
async function crashEverywhere(
  scene: Scene,
  disk: SimDisk,
  report: SessionReport,
  {
    goOn,
    ...options
  }: EveryCrashOptions & { readonly goOn: (crash: Crash, former: Former) => Promise<void> },
): Promise<CrashCounts> {
  const counts = new CrashCounts();
  const phase = phaseOf(report);
  for (const crash of everyCrash(disk, counts, { ...options, phaseOf: phase })) {
    const now = phase(crash.prefix);
    const before = describeCrash(disk, crash);
    try {
      scene.checkAlways(crash.image, { isPromised: now !== 'receiving' });
      // A sender that has the receipt does not offer again.
      if (now !== 'done') await goOn(crash, formerOf(report, crash));
    } catch (error) {
      throw new Error(before, { cause: error });
    }
  }
  return counts;
}

/** A transfer is remembered with its folder as soon as that is open. */
function formerOf({ opened }: SessionReport, { prefix }: Crash): Former {
  return opened !== undefined && prefix >= opened.at ? { identity: opened.identity } : {};
}

function describeCrash(disk: SimDisk, { prefix, what }: Crash): string {
  const last = disk.operations[prefix - 1];
  return `after ${prefix} operations, the last ${last?.kind ?? 'none'}: ${what}`;
}

suite('a crash at any point, and the transfer completes', () => {
  for (const [name, init] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const scene = new Scene(init);
      const disk = scene.disk();
      const report = await runSession(disk.mount(), scene);
      scene.checkEnd(report);
      scene.checkDone(disk);
      const counts = await crashEverywhere(scene, disk, report, {
        goOn: (crash, former) => finish(scene, crash, former),
      });
      assert.ok(counts.images > 100);
      t.diagnostic(String(counts));
    });
  }
});

suite('the session that goes on crashes too', () => {
  for (const [name, init] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      const scene = new Scene(init);
      const disk = scene.disk();
      const first = await runSession(disk.mount(), scene);
      const second = new CrashCounts();
      const seen = new Set<string>();
      await crashEverywhere(scene, disk, first, {
        isSparse: true,
        goOn: async (crash, former) => {
          const from = crash.image.operations.length;
          const report = await runSession(crash.image.mount(), scene, former);
          second.add(
            await crashEverywhere(scene, crash.image, report, {
              isSparse: true,
              from,
              seen,
              goOn: (again, itsFormer) => finish(scene, again, { ...former, ...itsFormer }),
            }),
          );
        },
      });
      t.diagnostic(String(second));
    });
  }
});

suite('the source changes before the transfer goes on: nothing is spliced, and what stands stays', () => {
  for (const name of ['a tree, into nothing', 'single files, both kept'] as const) {
    for (const [change, addedBytes] of Object.entries({ 'as long as before': 0, longer: 1000 })) {
      test(`${name}, files ${change}`, async (t) => {
        const scene = new Scene(SCENES[name]);
        const disk = scene.disk();
        const first = await runSession(disk.mount(), scene);
        const tree = changed(scene.tree, addedBytes);
        const counts = await crashEverywhere(scene, disk, first, {
          isSparse: true,
          goOn: async ({ image }, former) => {
            const standing = scene.standing(image);
            const { outgoing } = await runSession(image.mount(), { ...scene, tree }, former);
            assert.equal(outgoing.end.close.code, 'done');
            assert.deepEqual(scene.spliced(image, [scene.tree, tree]), []);
            const after = scene.standing(image);
            const lost = [...standing].filter((path) => !after.has(path));
            assert.deepEqual(lost, []);
          },
        });
        t.diagnostic(String(counts));
      });
    }
  }
});

/** Another version of each file. */
function changed(tree: MemoryTree, addedBytes: number): MemoryTree {
  return new Map(
    [...tree].map(([path, node]): [string, MemoryNode] => {
      if (node.kind !== 'file') return [path, node];
      const bytes = new Uint8Array(node.bytes.length + addedBytes);
      bytes.set(node.bytes);
      bytes.fill(1, 0, 10);
      return [path, { ...node, bytes }];
    }),
  );
}
