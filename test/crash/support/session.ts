import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import type { FolderIdentity } from '../../../src/node/disk/fileSystem.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import { ReceiverSession } from '../../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../../src/protocol/senderSession.ts';
import { IncomingTransfer } from '../../../src/transfer/incomingTransfer.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import { OutgoingTransfer } from '../../../src/transfer/outgoingTransfer.ts';
import type { OutgoingReport } from '../../../src/transfer/outgoingTransfer.ts';
import { MemoryClock, quiet } from '../../support/memoryClock.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from '../../support/memoryPorts.ts';
import { MemorySource } from '../../support/memorySource.ts';
import { helloOf, TRANSFER_ID } from '../../support/memoryTransfer.ts';
import type { MemoryTree } from '../../support/memoryTree.ts';
import type { SimDisk } from '../../support/simDisk.ts';
import type { SimMount } from '../../support/simMount.ts';
import { PlainLink } from './link.ts';

/** Where all of these tests receive. */
export const FOLDER = '/home/somebody/received';

export interface Offer {
  readonly tree: MemoryTree;
  readonly policy: ConflictPolicy;
}

/** What is remembered of a session before the one that goes on with it. */
export interface Former {
  /** The receive folder that the transfer was accepted into; absent if it never came so far. */
  readonly identity?: FolderIdentity;
}

export interface SessionReport {
  /** The receive folder, and how many operations the disk had done when it was known. */
  readonly opened: { readonly identity: FolderIdentity; readonly at: number } | undefined;
  readonly outgoing: OutgoingReport;
  readonly incoming: IncomingReport;
  /** Bytes of files that the sender sent. */
  readonly sentBytes: number;
  /** How many operations the disk had done when the receipt could be sent; `undefined` if it never was. */
  readonly receiptAt: number | undefined;
  /** How many when the sender was known to have it. */
  readonly doneAt: number | undefined;
  /** What failed, as the receiver says: paths. */
  readonly failed: ReadonlySet<string>;
}

/** One session from offer to end: the product's two sides, joined in memory; it goes on with what is left. */
export async function runSession(
  mount: SimMount,
  { tree, policy }: Offer,
  { identity }: Former = {},
): Promise<SessionReport> {
  const clock = new MemoryClock();
  const link = new PlainLink(clock);
  const shared = { clock, hashing: memoryHashing };
  const failed = new Set<string>();
  const marks: { opened?: SessionReport['opened']; receiptAt?: number; doneAt?: number } = {};
  const operationsDone = (): number => mount.disk.operations.length;
  const outgoing = new OutgoingTransfer({
    ...shared,
    session: new SenderSession({ isDialler: true, hello: helloOf('sender', []), now: 0 }),
    channel: link.sender,
    compression: new MemoryCompression(),
    source: new MemorySource(tree),
    pages: new MemoryPageStore(),
    transfer: TRANSFER_ID,
    label: 'things',
  });
  const incoming = new IncomingTransfer({
    ...shared,
    session: new ReceiverSession({ isDialler: false, hello: helloOf('receiver', []), now: 0 }),
    channel: link.receiver,
    compression: new MemoryCompression(),
    judge: () => undefined,
    openPages: () => new MemoryPageStore(),
    consent: async () => {
      const folder =
        identity === undefined
          ? ReceiveFolder.open(FOLDER, mount)
          : ReceiveFolder.reopen(FOLDER, { id: TRANSFER_ID, identity }, mount);
      marks.opened = { identity: folder.identity, at: operationsDone() };
      const destination = folder.openTransfer(TRANSFER_ID, policy, {
        resume: true,
        keepsInterrupted: true,
        now: () => clock.now(),
      });
      const publish = destination.publish.bind(destination);
      destination.publish = async (taken) => {
        const publication = await publish(taken);
        marks.receiptAt = operationsDone();
        return publication;
      };
      const abandon = destination.abandon.bind(destination);
      destination.abandon = () => {
        marks.doneAt = operationsDone();
        return abandon();
      };
      return destination;
    },
    keepsInterrupted: true,
    observer: { entryFailed: (path) => failed.add(path) },
  });
  const reports: { outgoing?: OutgoingReport; incoming?: IncomingReport } = {};
  void outgoing.run().then((report) => (reports.outgoing = report));
  void incoming.run().then((report) => (reports.incoming = report));
  await quiet();
  // A closing end may be waiting a moment for one that has gone.
  await clock.advance(10_000);
  if (reports.outgoing === undefined || reports.incoming === undefined) throw new Error('a side hangs');
  return {
    outgoing: reports.outgoing,
    incoming: reports.incoming,
    sentBytes: link.sentBytes,
    opened: marks.opened,
    receiptAt: marks.receiptAt,
    doneAt: marks.doneAt,
    failed,
  };
}

/**
 * Removes by choice what is left of the transfer. A staging folder that a crash has left empty serves the next
 * transfer and goes with that; here, it goes at once.
 */
export function discardLeft(disk: SimDisk): void {
  const mount = disk.mount();
  ReceiveFolder.open(FOLDER, mount).discardTransfer(TRANSFER_ID);
  const staging = `${FOLDER}/${STAGING_FOLDER}`;
  if (mount.lstat(staging) !== undefined && mount.readdir(staging).length === 0) mount.rmdir(staging);
}
