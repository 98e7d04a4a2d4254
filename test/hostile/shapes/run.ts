import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { eventOf } from '../../support/cli.ts';
import { canMount, smallDisk } from '../../support/wrappings.ts';
import { lastWords, MEMORY_BUDGET, ShapeRig } from './rig.ts';
import type { Running, Taken } from './rig.ts';
import { deepFolders, longNames, manyFiles, siblings, sparseFile } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** What `npm run shapes` does. */

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;
/** How much of the terabyte moves, before it is killed and again before it is broken off. */
const MOVED = 2 * GIB;

interface Row extends Taken {
  readonly name: string;
  readonly outcome: string;
}

type Run = (parent: string) => Promise<readonly Row[]>;

/** By the word that chooses it. */
const runs: Readonly<Record<string, Run>> = {
  many: whole(manyFiles(1000, 1000)),
  'given-up': givenUp(manyFiles(200, 1000)),
  siblings: whole(siblings(1_000_000)),
  deep: whole(deepFolders(1000)),
  ascii: whole(longNames('one byte')),
  wide: whole(longNames('three bytes')),
  refused: refused(sparseFile(TIB)),
  sparse: terabyte,
};

export const SHAPES = Object.keys(runs);

/** Sends these shapes, one after another, and prints what each took; returns whether all stayed in the budget. */
export async function runShapes(
  names: readonly string[],
  say: (line: string) => void,
  parent: string = tmpdir(),
): Promise<boolean> {
  const rows: Row[] = [];
  for (const name of names) {
    const run = runs[name];
    if (run === undefined) throw new RangeError(`no shape "${name}"; there are: ${SHAPES.join(' ')}`);
    const found = await run(parent);
    rows.push(...found);
    for (const row of found) say(`${row.name}: ${row.outcome}`);
  }
  const head = ['', 'seconds', 'sender, MiB', 'receiver, MiB', 'outcome'];
  for (const cells of [head, head.map(() => '---'), ...rows.map(cellsOf)]) say(`| ${cells.join(' | ')} |`);
  return rows.every(({ senderBytes, receiverBytes }) => Math.max(senderBytes, receiverBytes) < MEMORY_BUDGET);
}

function cellsOf({ name, seconds, senderBytes, receiverBytes, outcome }: Row): readonly string[] {
  return [
    name,
    seconds.toFixed(1),
    ...[senderBytes, receiverBytes].map((bytes) => (bytes / MIB).toFixed(0)),
    outcome,
  ];
}

/** Runs work in a rig that holds the shape. */
function inRig(shape: Shape, work: (rig: ShapeRig) => Promise<readonly Row[]>): Run {
  return async (parent) => {
    const rig = new ShapeRig(parent);
    try {
      shape.make(rig.folder);
      return await work(rig);
    } finally {
      await rig.close();
    }
  };
}

function whole(shape: Shape): Run {
  return inRig(shape, async (rig) => {
    const taken = await rig.transfer(shape);
    const { arriving, leftOut, name } = shape;
    const outcome = `${arriving.toLocaleString('en')} arrive${leftOut === 0 ? '' : `, ${leftOut} left out and named`}`;
    return [{ name, ...taken, outcome }];
  });
}

/** Broken off by its sender while files arrive, and given up by its receiver. */
function givenUp(shape: Shape): Run {
  return inRig(shape, async (rig) => {
    const receiver = rig.startReceiver();
    await receiver.program.event('listening');
    const sender = rig.startSender();
    await sender.program.event('progress', ({ bytesDone }) => Number(bytesDone) > 0);
    const row = await breakOff(sender, receiver);
    const startedAt = performance.now();
    const ended = await rig.discard(rig.interrupted).program.ended;
    assert.equal(ended.status, 0, lastWords(ended));
    assert.deepEqual(readdirSync(rig.received), []);
    const outcome = `${row.outcome}; what was staged is gone ${secondsSince(startedAt)} s after that is asked for`;
    return [{ ...row, name: `${shape.name}, given up`, outcome }];
  });
}

/** Ends both as Ctrl-C does. */
async function breakOff(sender: Running, receiver: Running): Promise<Omit<Row, 'name'>> {
  const startedAt = performance.now();
  sender.program.signal('SIGINT');
  const ended = await sender.program.ended;
  assert.equal(ended.status, 130, lastWords(ended));
  const seconds = secondsSince(startedAt);
  await receiver.program.event('interrupted');
  receiver.program.signal('SIGINT');
  await receiver.program.ended;
  return {
    seconds: Number(seconds),
    senderBytes: sender.peakBytes(),
    receiverBytes: receiver.peakBytes(),
    outcome: `broken off, the sender has ended after ${seconds} s`,
  };
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}

/** More than fits: refused before any of it is sent. */
function refused(shape: Shape): Run {
  return inRig(shape, async (rig) => {
    const receiver = rig.startReceiver();
    await receiver.program.event('listening');
    const startedAt = performance.now();
    const sender = rig.startSender();
    const sent = await sender.program.ended;
    const seconds = (performance.now() - startedAt) / 1000;
    assert.equal(eventOf(sent, 'failed')['code'], 'disk-full', lastWords(sent));
    receiver.program.signal('SIGINT');
    await receiver.program.ended;
    assert.ok(sent.events.every(({ event, bytesDone }) => event !== 'progress' || bytesDone === 0));
    const [senderBytes, receiverBytes] = [sender.peakBytes(), receiver.peakBytes()];
    const name = `${shape.name}, to a disk with less room`;
    return [
      { name, seconds, senderBytes, receiverBytes, outcome: 'refused as disk-full before a byte is sent' },
    ];
  });
}

/** A terabyte of holes, to a disk that says it has room: killed, resumed, broken off. */
function terabyte(parent: string): Promise<readonly Row[]> {
  const shape = sparseFile(TIB);
  return inRig(shape, async (rig) => {
    if (!canMount) return [];
    mkdirSync(rig.received);
    const receiver = rig.startReceiver(smallDisk(rig.received, 'size=2t'));
    await receiver.program.event('listening');
    const first = rig.startSender();
    const startedAt = performance.now();
    await first.program.event('progress', ({ bytesDone }) => Number(bytesDone) > MOVED);
    const seconds = (performance.now() - startedAt) / 1000;
    first.program.signal('SIGKILL');
    await first.program.ended;
    const second = rig.resume(rig.interrupted);
    await second.program.event('progress', ({ bytesDone }) => Number(bytesDone) > 2 * MOVED);
    const row = await breakOff(second, receiver);
    const hours = ((TIB / MOVED) * seconds) / 3600;
    const outcome = `${MOVED / GIB} GiB in ${seconds.toFixed(1)} s, so all in ${hours.toFixed(1)} h; killed, resumed, ${row.outcome}`;
    return [{ ...row, name: shape.name, outcome }];
  })(parent);
}
