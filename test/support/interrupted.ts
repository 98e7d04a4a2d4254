import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Scene } from './cli.ts';
import type { CliEvent, Program, SendOptions } from './cli.ts';
import { NarrowPath } from './narrowPath.ts';
import { noise } from './noise.ts';
import { asReceived, file, makeTree, takeSnapshot } from './trees.ts';
import type { Tree } from './trees.ts';

/** A transfer between two terminals that is held in its middle, so that a test can interrupt it there. */

const MIB = 1024 ** 2;

/** For a sender that waits for its receiver to come back. */
export const PATIENT = ['--retry-for', '2m'] as const;

/** Several big files, and small ones before and after them. */
const TREE: Tree = {
  ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`tree/a ${at}`, file(`small ${at}`)])),
  'tree/big 1': file(noise(14 * MIB, 1)),
  'tree/big 2': file(noise(14 * MIB, 2)),
  'tree/log': file(noise(3 * MIB, 3)),
  ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`tree/z/${at}`, file(`late ${at}`)])),
};
/** So much passes before it is held: more than one big file, and not all. */
const PASSED = 16 * MIB;

/** A scene with something to send in it. */
export class TreeScene extends Scene {
  /** Of what is sent, about. */
  readonly bytes = 31 * MIB;

  /** What stands in the receive folder is what is sent, as it is now, and nothing else. */
  assertArrived(): void {
    const sent = takeSnapshot(this.path('tree'));
    assert.deepEqual(takeSnapshot(join(this.received, 'tree')), asReceived(sent, this.umask));
    assert.deepEqual(
      Object.keys(this.look()).filter((path) => !path.startsWith('tree')),
      [],
    );
  }
}

export interface MidTransfer {
  readonly scene: TreeScene;
  /** Holds back what is left to be sent. */
  readonly path: NarrowPath;
  readonly receiver: Program;
  readonly sender: Program;
}

/** Both sides run, something has arrived and is confirmed, and nothing more comes through. */
export async function midTransfer(
  t: TestContext,
  {
    words = PATIENT,
    isText = false,
    isReceiverText = false,
    receive = {},
    answer,
    alsoAt = [],
  }: {
    words?: readonly string[];
    isText?: boolean;
    isReceiverText?: boolean;
    receive?: Omit<SendOptions, 'isText'>;
    /** What is typed when the receiver asks. */
    answer?: string;
    /** More addresses for the invite. */
    alsoAt?: readonly string[];
  } = {},
): Promise<MidTransfer> {
  const scene = new TreeScene(t);
  makeTree(scene.folder, TREE);
  const { receiver, port } = await listen(scene, { ...receive, isText: isReceiverText });
  const path = await NarrowPath.open(t, port, { holdAfter: PASSED });
  path.detour(scene.inviteFile, alsoAt);
  const sender = scene.startSend([scene.path('tree')], { words, isText });
  if (answer !== undefined) {
    await receiver.shows(/Accept\? \[y\/N\] /u);
    receiver.type(answer);
  }
  await path.held;
  if (!isText) await sender.event('progress', ({ bytesDone }) => Number(bytesDone) > 0);
  if (!isReceiverText) await receiver.event('progress', ({ bytesDone }) => Number(bytesDone) > 0);
  return { scene, path, receiver, sender };
}

async function listen(scene: Scene, options: SendOptions): Promise<{ receiver: Program; port: number }> {
  if (options.isText !== true) {
    const receiver = await scene.receive(options);
    return { receiver, port: receiver.port };
  }
  const receiver = scene.startReceive(options);
  const shown = await receiver.shows(/Listening on 127\.0\.0\.1:\d+/u);
  return { receiver, port: Number(/\d+$/u.exec(shown)?.[0]) };
}

/** The only transfer that is listed for one side. */
export async function leftOf(scene: Scene, role: 'sender' | 'receiver'): Promise<CliEvent> {
  const [left, ...more] = await scene.left(role);
  assert.ok(left, `nothing is left of the ${role}`);
  assert.deepEqual(more, []);
  return left;
}
