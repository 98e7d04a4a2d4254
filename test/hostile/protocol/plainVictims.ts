/** Ours as victims on a {@link PlainChannel}, with a clock that is turned by hand and a disk in memory. */
import assert from 'node:assert/strict';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import { ReceiverSession } from '../../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../../src/protocol/senderSession.ts';
import { IncomingTransfer } from '../../../src/transfer/incomingTransfer.ts';
import type { IncomingReport, IncomingTransferInit } from '../../../src/transfer/incomingTransfer.ts';
import { OutgoingTransfer } from '../../../src/transfer/outgoingTransfer.ts';
import type { OutgoingReport, OutgoingTransferInit } from '../../../src/transfer/outgoingTransfer.ts';
import { MemoryClock, quiet } from '../../support/memoryClock.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from '../../support/memoryPorts.ts';
import { MemorySource } from '../../support/memorySource.ts';
import { helloOf, TRANSFER_ID } from '../../support/memoryTransfer.ts';
import type { MemoryTree } from '../../support/memoryTree.ts';
import { SimDisk } from '../../support/simDisk.ts';
import type { SimPicture } from '../../support/simDisk.ts';
import type { SimMount } from '../../support/simMount.ts';
import { PlainChannel } from './plainChannel.ts';

const HOME = '/home/somebody';
export const FOLDER = `${HOME}/received`;
/** Longer than any silence that a session bears. */
const LONG_MS = 45_000;

const strays: unknown[] = [];
process.on('unhandledRejection', (reason) => strays.push(reason));

interface Turned {
  readonly clock: MemoryClock;
  readonly channel: PlainChannel;
}

/** Lets the session come to its end, by its deadline if by nothing else; fails if it does not. */
async function toItsEnd<Report>({ clock }: Turned, report: () => Report | undefined): Promise<Report> {
  await quiet();
  if (report() === undefined) await clock.advance(LONG_MS);
  // The last frame has a moment to leave; on this channel it needs none.
  const ended = report();
  assert.ok(ended !== undefined, 'it hangs');
  assert.deepEqual(strays.splice(0), [], 'a rejection that nobody handles');
  assert.equal(clock.armed, 0, 'a timer stays armed');
  return ended;
}

/** Our receiver with a folder on a simulated disk, beside which lies a file that is none of its business. */
export class PlainReceiver {
  readonly clock = new MemoryClock();
  readonly channel = new PlainChannel();
  readonly disk: SimDisk;
  readonly transfer: IncomingTransfer;
  #report: IncomingReport | undefined;

  constructor(
    init: Partial<IncomingTransferInit> & {
      readonly onConflict?: ConflictPolicy;
      readonly disk?: SimDisk;
      readonly mount?: (disk: SimDisk, clock: MemoryClock) => SimMount;
    } = {},
  ) {
    const { onConflict = 'keep-both', disk = emptyDisk(), ...overrides } = init;
    const { keepsInterrupted = false, mount = () => disk.mount() } = init;
    this.disk = disk;
    this.transfer = new IncomingTransfer({
      session: new ReceiverSession({ isDialler: false, hello: helloOf('receiver'), now: 0 }),
      channel: this.channel,
      clock: this.clock,
      hashing: memoryHashing,
      compression: new MemoryCompression(),
      judge: () => undefined,
      openPages: () => new MemoryPageStore(),
      consent: ({ transfer }) => {
        const folder = ReceiveFolder.open(FOLDER, mount(disk, this.clock));
        const now = (): number => this.clock.now();
        return Promise.resolve().then(() =>
          folder.openTransfer(transfer, onConflict, { resume: true, keepsInterrupted, now }),
        );
      },
      keepsInterrupted,
      ...overrides,
    });
    void this.transfer.run().then((report) => (this.#report = report));
  }

  get isOver(): boolean {
    return this.#report !== undefined;
  }

  end(): Promise<IncomingReport> {
    return toItsEnd(this, () => this.#report);
  }

  /** What stands in the receive folder, what is staged left out. */
  get standing(): ReadonlyMap<string, SimPicture> {
    const all = [...this.disk.picture(FOLDER)];
    return new Map(all.filter(([path]) => path !== '.peer-courier' && !path.startsWith('.peer-courier/')));
  }

  /** Nothing is staged any more, and nothing around the receive folder was touched. */
  assertTidy(): void {
    const around = [...this.disk.picture('/')].map(([path]) => path);
    const elsewhere = around.filter((path) => !path.startsWith('home/somebody/received/'));
    assert.deepEqual(elsewhere.toSorted(), [
      'home',
      'home/somebody',
      'home/somebody/precious',
      'home/somebody/received',
    ]);
    const staged = [...this.disk.picture(FOLDER).keys()].filter((path) => path.startsWith('.peer-courier/'));
    assert.deepEqual(staged, [], 'something stays staged');
  }
}

/** Where nothing was received yet. */
export function emptyDisk(): SimDisk {
  const disk = new SimDisk();
  disk.plant(`${HOME}/precious`, Buffer.from('precious'));
  disk.plant(FOLDER, 'folder');
  return disk;
}

/** Our sender, with a tree in memory. */
export class PlainSender {
  readonly clock = new MemoryClock();
  readonly channel = new PlainChannel();
  readonly source: MemorySource;
  readonly transfer: OutgoingTransfer;
  #report: OutgoingReport | undefined;

  constructor(tree: MemoryTree, overrides: Partial<OutgoingTransferInit> = {}) {
    this.source = new MemorySource(tree);
    this.transfer = new OutgoingTransfer({
      session: new SenderSession({ isDialler: true, hello: helloOf('sender'), now: 0 }),
      channel: this.channel,
      clock: this.clock,
      hashing: memoryHashing,
      compression: new MemoryCompression(),
      source: this.source,
      pages: new MemoryPageStore(),
      transfer: TRANSFER_ID,
      label: 'things',
      ...overrides,
    });
    void this.transfer.run().then((report) => (this.#report = report));
  }

  get isOver(): boolean {
    return this.#report !== undefined;
  }

  end(): Promise<OutgoingReport> {
    return toItsEnd(this, () => this.#report);
  }
}
