import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CourierError } from '../../../src/base/failure.ts';
import { FileSource } from '../../../src/node/disk/fileSource.ts';
import type { OpenFile, WholeFileSystem } from '../../../src/node/disk/fileSystem.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import { systemFiles } from '../../../src/node/disk/systemFiles.ts';
import { STAGING_FOLDER } from '../../../src/protocol/wirePath.ts';
import { ReceiverSession } from '../../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../../src/protocol/senderSession.ts';
import { IncomingTransfer } from '../../../src/transfer/incomingTransfer.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import { OutgoingTransfer } from '../../../src/transfer/outgoingTransfer.ts';
import type { OutgoingReport } from '../../../src/transfer/outgoingTransfer.ts';
import type { Source } from '../../../src/transfer/ports.ts';
import { MemoryLink } from '../../support/memoryChannel.ts';
import { readEach } from '../../support/readEach.ts';
import { MemoryClock } from '../../support/memoryClock.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from '../../support/memoryPorts.ts';
import { helloOf, TRANSFER_ID } from '../../support/memoryTransfer.ts';
import { portPictureOf } from '../../support/portPicture.ts';
import type { SimDisk } from '../../support/simDisk.ts';

/** Files of the real disk, sent by the product's two sides to a simulated one; and doors to step in at any moment. */

const FOLDER = '/home/somebody/received';

/** What happens at each moment; each is called every time it comes. */
export interface Moments {
  /** Everything is listed and offered, and nobody has said yes. */
  readonly onOffered?: () => void;
  /** A range is about to be read; `nth` counts the ranges of that file from 1. */
  readonly onRead?: (path: string, nth: number) => void;
  /** The first half of what was asked of the system has been read; `nth` counts calls from 1. */
  readonly onHalf?: (location: string, nth: number) => void;
  /** A chunk was read and hashed, and is about to be sent. */
  readonly onHashed?: () => void;
  /** The last chunk of a file was read and hashed. */
  readonly onReleased?: (path: string) => void;
  /** The receiver lets other work have its turn. */
  readonly onRest?: () => void;
  /** Everything has arrived, and is about to be published. */
  readonly onArrived?: () => void;
}

export interface Sent {
  readonly outgoing: OutgoingReport;
  readonly incoming: IncomingReport;
  /** What stands in the receive folder, bytes as characters. */
  readonly arrived: Readonly<Record<string, string>>;
  /** Path and reason, as the sender tells its user. */
  readonly failed: readonly string[];
}

export interface SendOptions {
  /** Where the connection breaks: after so many bytes, or when everything has arrived and nothing is published. */
  readonly breaks?: number | 'when all has arrived';
  readonly disk?: WholeFileSystem;
}

/** Sends what stands at `location` until the session ends. */
export async function send(
  location: string,
  receiver: SimDisk,
  moments: Moments = {},
  { breaks, disk = systemFiles }: SendOptions = {},
): Promise<Sent> {
  const clock = new MemoryClock();
  const link = new MemoryLink(clock, typeof breaks === 'number' ? { cutAfterBytes: breaks } : {});
  const shared = { clock, hashing: memoryHashing };
  const failed: string[] = [];
  const outgoing = new OutgoingTransfer({
    ...shared,
    session: new SenderSession({ isDialler: true, hello: helloOf('sender'), now: 0 }),
    channel: link.sender,
    compression: compressionWith(moments),
    source: sourceWith(location, reading(disk, moments), moments),
    pages: new MemoryPageStore(),
    transfer: TRANSFER_ID,
    label: 'things',
    observer: { entryFailed: (path, reason) => failed.push(`${path}: ${reason}`) },
  });
  const incoming = new IncomingTransfer({
    ...shared,
    session: new ReceiverSession({ isDialler: false, hello: helloOf('receiver'), now: 0 }),
    channel: link.receiver,
    compression: new MemoryCompression(),
    judge: () => undefined,
    openPages: () => new MemoryPageStore(),
    async rest() {
      moments.onRest?.();
      await setImmediate();
    },
    consent: () => {
      moments.onOffered?.();
      const destination = ReceiveFolder.open(FOLDER, receiver.mount()).openTransfer(TRANSFER_ID, 'replace', {
        resume: true,
        keepsInterrupted: true,
        now: () => 0,
      });
      const publish = destination.publish.bind(destination);
      destination.publish = (taken) => {
        moments.onArrived?.();
        if (breaks !== 'when all has arrived') return publish(taken);
        outgoing.interrupt();
        return Promise.reject(new CourierError('connection-lost', 'broken off'));
      };
      return Promise.resolve(destination);
    },
    keepsInterrupted: true,
  });
  const ends = Promise.all([outgoing.run(), incoming.run()]);
  // Ranges are read by the thread pool; the clock serves only to let a broken session end.
  const turn = async (): Promise<undefined> => {
    await setImmediate();
    await clock.advance(100);
    return undefined;
  };
  let ended: Awaited<typeof ends> | undefined;
  do ended = await Promise.race([ends, turn()]);
  while (ended === undefined);
  const [sending, receiving] = ended;
  const arrived = portPictureOf(receiver.mount(), FOLDER, STAGING_FOLDER);
  return { outgoing: sending, incoming: receiving, arrived, failed };
}

function sourceWith(location: string, disk: WholeFileSystem, moments: Moments): Source {
  const source = new FileSource([{ location, name: basename(location) }], undefined, undefined, disk);
  const reads = new Map<string, number>();
  const read: Source['read'] = (entry, ...range) => {
    const nth = (reads.get(entry.path) ?? 0) + 1;
    reads.set(entry.path, nth);
    moments.onRead?.(entry.path, nth);
    return source.read(entry, ...range);
  };
  return {
    list: () => source.list(),
    read,
    readSmall: (files) => readEach(files, (file) => read(file.entry, file.version, 0, file.entry.size)),
    async release(entry) {
      moments.onReleased?.(entry.path);
      await source.release(entry);
    },
    close: () => source.close(),
  };
}

function compressionWith({ onHashed }: Moments): MemoryCompression {
  const compression = new MemoryCompression();
  const compress = compression.compress.bind(compression);
  compression.compress = (...chunk) => {
    onHashed?.();
    return compress(...chunk);
  };
  return compression;
}

/** The same files, of which each read gives a half first if somebody wants to step in between. */
function reading(disk: WholeFileSystem, { onHalf }: Moments): WholeFileSystem {
  if (onHalf === undefined) return disk;
  let calls = 0;
  const halved = (opened: OpenFile, location: string): OpenFile => {
    const [read, readNow] = [opened.read.bind(opened), opened.readNow.bind(opened)];
    const half = (into: Uint8Array): Uint8Array => into.subarray(0, Math.ceil(into.length / 2));
    const passed = (count: number): number => {
      onHalf(location, (calls += 1));
      return count;
    };
    opened.read = async (into, position) => passed(await read(half(into), position));
    opened.readNow = (into, position) => passed(readNow(half(into), position));
    return opened;
  };
  return withOpened(disk, halved);
}

/** The same files, each of which is made another one when it is opened. */
export function withOpened(
  disk: WholeFileSystem,
  change: (opened: OpenFile, location: string) => OpenFile,
): WholeFileSystem {
  return {
    ...disk,
    below(root, identity) {
      const files = disk.below(root, identity);
      const open = files.open.bind(files);
      files.open = (location, how, mode) => change(open(location, how, mode), location);
      return files;
    },
  };
}

/** That a session came to a good end, and both sides agree on it. */
export function assertReceipt({ outgoing, incoming }: Sent): void {
  assert.equal(outgoing.end.close.code, 'done');
  assert.equal(incoming.receipt?.root, outgoing.receipt?.root);
  assert.ok(outgoing.receipt !== undefined);
}
