/**
 * Each call that receiving makes fails once, with each errno, or does less than it was asked to: what was promised is
 * there after a power loss, what was not is clean, and the next session completes it.
 */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { suite, test } from 'node:test';
import type { SimDisk } from '../support/simDisk.ts';
import type { SimCall, SimFault, SimMount } from '../support/simMount.ts';
import { Scene } from './support/scene.ts';
import { manySingles, SCENES, VARIANTS } from './support/scenes.ts';
import { discardLeft, runSession } from './support/session.ts';
import type { SessionReport } from './support/session.ts';

const ERRNOS = ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'EBUSY', 'EROFS', 'EDQUOT', 'EPERM', 'EINTR'] as const;

type Call = SimCall & { readonly isOfFolder: boolean };

/** Calls that `EPERM` comes from. */
const PERMITTED = new Set([
  'chmod',
  'link',
  'mkdir',
  'open',
  'removeTree',
  'rename',
  'rmdir',
  'setTime',
  'unlink',
]);

/** What a call fails with: the errnos, and for reads and writes that they come short. */
function faultsOf({ name, length = 0, isOfFolder }: Call): readonly SimFault[] {
  const errnos = ERRNOS.filter((errno) => {
    if (errno !== 'EPERM' && errno !== 'EACCES') return true;
    // With these, a folder that may not be read says so; it is received into without being synced.
    if (isOfFolder || /sync/u.test(name)) return false;
    return errno !== 'EPERM' || PERMITTED.has(name);
  });
  const isData = /^(?:read|write)/u.test(name) && name !== 'readdir';
  return isData && length > 1 ? [...errnos, Math.floor(length / 2)] : errnos;
}

/** The calls of a session in which nothing fails. */
async function callsOf(scene: Scene): Promise<readonly Call[]> {
  const calls: Call[] = [];
  const disk = scene.disk();
  const mount = disk.mount({
    before: (call) => {
      // Only what is opened is of interest, and looking takes time.
      const isOfFolder =
        call.name === 'open' && disk.picture('/').get(call.location.slice(1))?.kind === 'folder';
      calls.push({ ...call, isOfFolder });
      return undefined;
    },
  });
  scene.checkEnd(await runSession(mount, scene));
  return calls;
}

/** What a session has promised: what it says has arrived, on a disk that has lost what was not synced. */
function checkPromise(scene: Scene, disk: SimDisk, { receiptAt, failed, incoming }: SessionReport): void {
  if (incoming.receipt === undefined) return;
  assert.ok(receiptAt !== undefined);
  const found = disk.imageAfter(receiptAt, { keeps: () => false });
  const promised = [...scene.tree.keys()].filter((path) => !failed.has(path));
  const standing = scene.standing(found);
  assert.deepEqual(
    promised.filter((path) => !standing.has(path)),
    [],
    'it was promised, and is not there after a power loss',
  );
}

/** The next session, in which nothing fails. */
async function goOn(scene: Scene, mount: SimMount): Promise<void> {
  const report = await runSession(mount, scene);
  scene.checkEnd(report);
  scene.checkDone(mount.disk);
  checkPromise(scene, mount.disk, report);
}

interface Fault {
  readonly fault: SimFault;
  /** From that call on all fail, until the process ends. */
  readonly lasts?: boolean;
}

async function checkFault(
  scene: Scene,
  failing: number,
  { fault, lasts = false }: Fault,
): Promise<SessionReport> {
  const disk = scene.disk();
  const before = (_: SimCall, index: number): SimFault | undefined =>
    index === failing || (lasts && index > failing) ? fault : undefined;
  const mount = disk.mount({ before });
  const report = await runSession(mount, scene);
  scene.checkAlways(disk, { isPromised: false, failed: report.failed });
  checkPromise(scene, disk, report);
  const isDone = report.outgoing.end.close.code === 'done';
  assert.equal(isDone, report.incoming.receipt !== undefined);
  if (!isDone) {
    // The same process tries again, or another one; and a disk that was gone has to be mounted again, and what the
    // system held of it is lost.
    const { length } = disk.operations;
    const remounted = (): SimDisk => disk.imageAfter(length, { keeps: () => false });
    if (!lasts) await goOn(scene, mount);
    else await goOn(scene, (fault === 'EIO' ? remounted() : disk.killedAfter(length)).mount());
  } else if (report.failed.size === 0) {
    // What could not be removed is removed when somebody asks for it.
    discardLeft(disk);
    scene.checkDone(disk);
  }
  return report;
}

async function checkFaults(
  scene: Scene,
  choose: (call: Call) => readonly Fault[],
): Promise<Readonly<Record<string, number>>> {
  const counts = { calls: 0, faults: 0, 'with no harm': 0, 'that failed entries': 0, interrupting: 0 };
  const calls = await callsOf(scene);
  counts.calls = calls.length;
  for (const [index, call] of calls.entries()) {
    for (const each of choose(call)) {
      counts.faults += 1;
      try {
        const { outgoing, failed } = await checkFault(scene, index, each);
        if (outgoing.end.close.code !== 'done') counts.interrupting += 1;
        else if (failed.size > 0) counts['that failed entries'] += 1;
        else counts['with no harm'] += 1;
      } catch (error) {
        throw new Error(`call ${index}, ${call.name} ${call.location}: ${each.fault}`, { cause: error });
      }
    }
  }
  return counts;
}

function wordsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

suite('a call fails, any of them, and the transfer completes', () => {
  for (const [name, init] of Object.entries(VARIANTS)) {
    test(name, async (t) => {
      // What a file system lacks shows in few calls; there two errnos will do.
      const isWhole = init.disk === undefined;
      const counts = await checkFaults(new Scene(init), (call) =>
        (isWhole ? faultsOf(call) : ['EIO', 'ENOSPC']).map((fault) => ({ fault })),
      );
      assert.ok((counts['interrupting'] ?? 0) > 0 && (counts['with no harm'] ?? 0) > 0);
      t.diagnostic(wordsOf(counts));
    });
  }

  for (const [name, init] of Object.entries(SCENES)) {
    test(`${name}, and all calls after it fail, too`, async (t) => {
      const counts = await checkFaults(new Scene(init), () =>
        ['EIO', 'ENOSPC', 'EROFS'].map((fault) => ({ fault, lasts: true })),
      );
      t.diagnostic(wordsOf(counts));
    });
  }

  test('a group of small files is not lost with the one that completes it', async (t) => {
    // All syncs of one kind are alike but for the first and the last.
    const kinds = new Map<string, number>();
    const isChosen = ({ name, location }: Call): boolean => {
      if (!/sync/u.test(name) && !(name === 'writeNow' && location.endsWith('published'))) return false;
      const kind = `${name} in ${dirname(location)}`;
      const time = (kinds.get(kind) ?? 0) + 1;
      kinds.set(kind, time);
      return time === 1 || time === 256;
    };
    const counts = await checkFaults(new Scene(manySingles), (call) =>
      isChosen(call) ? [{ fault: 'EIO' }] : [],
    );
    assert.ok((counts['faults'] ?? 0) > 4);
    t.diagnostic(wordsOf(counts));
  });
});
