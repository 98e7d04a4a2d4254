import assert from 'node:assert/strict';
import { toHex } from '../../src/base/bytes.ts';
import { limits } from '../../src/protocol/limits.ts';
import { fileDigest, RootDigest } from '../../src/protocol/digest.ts';
import { chunkBytesFor, chunkCountFor, isPacked } from '../../src/protocol/chunkLayout.ts';
import { HEADER_BYTES, decodeHeader, frameName } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import type { Hello } from '../../src/protocol/messages.ts';
import { ReceiverSession } from '../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import { IncomingTransfer } from '../../src/transfer/incomingTransfer.ts';
import type { IncomingReport, IncomingTransferInit } from '../../src/transfer/incomingTransfer.ts';
import { OutgoingTransfer } from '../../src/transfer/outgoingTransfer.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import { MemoryLink } from './memoryChannel.ts';
import type { MemoryPipe, MemoryPipeOptions } from './memoryChannel.ts';
import { MemoryClock, quiet } from './memoryClock.ts';
import { MemoryDestination } from './memoryDestination.ts';
import type { MemoryDestinationOptions } from './memoryDestination.ts';
import { MemoryLanes } from './memoryLanes.ts';
import type { MemoryLanesOptions } from './memoryLanes.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from './memoryPorts.ts';
import { MemorySource } from './memorySource.ts';
import type { MemorySourceOptions } from './memorySource.ts';
import { safePath, sortedPaths } from './memoryTree.ts';
import type { MemoryTree } from './memoryTree.ts';

const strays: unknown[] = [];
process.on('unhandledRejection', (reason) => strays.push(reason));

export interface JoinOptions {
  readonly source?: MemorySourceOptions;
  readonly destination?: Omit<MemoryDestinationOptions, 'expected'>;
  readonly toReceiver?: MemoryPipeOptions;
  readonly toSender?: MemoryPipeOptions;
  readonly judge?: IncomingTransferInit['judge'];
  /** What somebody says to the offer; absent, yes. */
  readonly consent?: (...asked: Parameters<IncomingTransferInit['consent']>) => Promise<boolean>;
  readonly keepsInterrupted?: boolean;
  /** Whether the yes comes before anything is listed. */
  readonly consentsAtOnce?: boolean;
  /** Wants that the sender says it takes at once. */
  readonly openWants?: number;
  /** Codecs that the receiver says it has. */
  readonly codecs?: readonly string[];
  /** Further connections; absent, the sender cannot have any. */
  readonly lanes?: MemoryLanesOptions;
}

export interface Reports {
  readonly outgoing: OutgoingReport;
  readonly incoming: IncomingReport;
}

export function helloOf(
  role: Hello['role'],
  codecs: readonly string[] = ['gzip'],
  openWants: number = limits.openWants,
): Hello {
  return {
    versions: [1, 1],
    role,
    name: `the ${role}`,
    codecs: [...codecs],
    limits: { openWants, lanes: limits.lanes },
  };
}

export const TRANSFER_ID = '00112233445566778899aabbccddeeff';

/** An {@link OutgoingTransfer} and an {@link IncomingTransfer} of `tree`, joined in memory. */
export function joinTransfers(tree: MemoryTree, options: JoinOptions = {}) {
  const clock = new MemoryClock();
  const link = new MemoryLink(clock, options.toReceiver, options.toSender);
  const source = new MemorySource(tree, options.source);
  const destination = new MemoryDestination({ ...options.destination, expected: tree });
  const compression = { sender: new MemoryCompression(), receiver: new MemoryCompression() };
  const stores = { sender: new MemoryPageStore(), receiver: new MemoryPageStore() };
  const events: string[] = [];
  const recycled: number[] = [];
  // Whoever still looks at memory that was given back will notice.
  const recycle = (bytes: Uint8Array): void => {
    recycled.push(bytes.length);
    bytes.fill(0xee);
  };
  const shared = { clock, hashing: memoryHashing };
  const lanes =
    options.lanes === undefined ? undefined : new MemoryLanes(clock, options.lanes, () => incoming);
  const outgoing = new OutgoingTransfer({
    ...shared,
    session: new SenderSession({
      isDialler: true,
      hello: helloOf('sender', ['gzip'], options.openWants),
      now: 0,
    }),
    channel: link.sender,
    compression: compression.sender,
    source,
    recycle,
    pages: stores.sender,
    ...(lanes === undefined ? {} : { lanes }),
    transfer: TRANSFER_ID,
    label: 'things',
    observer: {
      opened: (name) => events.push(`sender opened ${name}`),
      accepted: () => events.push('sender was accepted'),
      leftOut: (path, reason) => events.push(`sender left out ${path}: ${reason}`),
      entryFailed: (path, reason) => events.push(`sender failed ${path}: ${reason}`),
      skipped: (path) => events.push(`sender skipped ${path}`),
    },
  });
  const incoming: IncomingTransfer = new IncomingTransfer({
    ...shared,
    session: new ReceiverSession({ isDialler: false, hello: helloOf('receiver', options.codecs), now: 0 }),
    channel: link.receiver,
    compression: compression.receiver,
    judge: options.judge ?? (() => undefined),
    openPages: () => stores.receiver,
    consent: async (summary, { signal }) => {
      if (options.consent !== undefined && !(await options.consent(summary, { signal }))) return undefined;
      events.push(`receiver opened ${summary.transfer}`);
      return destination;
    },
    recycle,
    keepsInterrupted: options.keepsInterrupted ?? false,
    consentsAtOnce: options.consentsAtOnce ?? false,
    observer: {
      listed: ({ totals }) => events.push(`receiver knows of ${totals.entries} entries`),
      offered: (_transfer, label) => events.push(`receiver was offered ${label}`),
      entryFailed: (path, reason) => events.push(`receiver failed ${path}: ${reason}`),
    },
  });

  const reports: { outgoing?: OutgoingReport; incoming?: IncomingReport } = {};

  /** Starts both sides; comes back when neither can go on by itself. */
  const start = async (): Promise<void> => {
    void outgoing.run().then((report) => (reports.outgoing = report));
    void incoming.run().then((report) => (reports.incoming = report));
    await quiet();
  };

  /** What both report. Fails if one hangs, or did what no transfer may. */
  const finish = async (): Promise<Reports> => {
    await quiet();
    // A closing end may be waiting a moment for one that has gone: let that moment pass.
    await clock.advance(10_000);
    assert.ok(reports.outgoing, `the sender hangs (${outgoing.snapshot().state})`);
    assert.ok(reports.incoming, `the receiver hangs (${incoming.snapshot().state})`);
    assert.deepEqual([...source.misuse, ...destination.misuse], []);
    assert.deepEqual(strays.splice(0), [], 'a rejection that nobody handles');
    assert.equal(lanes?.running ?? 0, 0, 'a lane stays open');
    assert.equal(clock.armed, 0, 'a timer stays armed');
    assert.equal(source.isClosed, true);
    assert.equal(source.readsUnderWay + destination.underWay, 0);
    const hasReceipt = reports.incoming.receipt !== undefined;
    const wasOpened = events.includes(`receiver opened ${TRANSFER_ID}`);
    const { keepsInterrupted = false } = options;
    const isDecided = ['cancelled', 'declined', 'done'].includes(reports.incoming.end.close.code);
    assert.deepEqual(
      { isAbandoned: destination.isAbandoned, isSuspended: destination.isSuspended },
      {
        isAbandoned: wasOpened && (keepsInterrupted ? isDecided : !hasReceipt),
        isSuspended: wasOpened && keepsInterrupted && !isDecided,
      },
      'let go of as it has to be',
    );
    return { outgoing: reports.outgoing, incoming: reports.incoming };
  };

  const run = async (): Promise<Reports> => {
    await start();
    return finish();
  };
  return {
    clock,
    link,
    lanes,
    source,
    destination,
    compression,
    stores,
    events,
    recycled,
    outgoing,
    incoming,
    reports,
    start,
    finish,
    run,
  };
}

export type Joined = ReturnType<typeof joinTransfers>;

export interface SentFrame {
  readonly name: FrameName;
  readonly index: number;
  /** Where its payload lies in the stream. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

/** The frames that went into a pipe; one that was cut short is not among them. */
export function framesIn(pipe: MemoryPipe): SentFrame[] {
  const bytes = Buffer.concat(pipe.sent);
  const frames: SentFrame[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const { type, length, index } = decodeHeader(bytes.subarray(at, at + HEADER_BYTES));
    const offset = at + HEADER_BYTES;
    if (offset + length > bytes.length) break;
    frames.push({ name: frameName(type), index, offset, payload: bytes.subarray(offset, offset + length) });
    at = offset + length;
  }
  return frames;
}

export function countFrames(pipe: MemoryPipe, name: FrameName): number {
  return framesIn(pipe).filter((frame) => frame.name === name).length;
}

/** The root digest of those entries of a tree that `isPublished` names, computed the naive way. */
export function rootOf(tree: MemoryTree, isPublished: (path: string) => boolean = () => true): string {
  const root = new RootDigest(memoryHashing);
  for (const path of sortedPaths(tree)) {
    const node = tree.get(path);
    if (node === undefined || node.kind === 'left-out' || !isPublished(path)) continue;
    if (node.kind === 'folder') root.add({ kind: 'folder', path: safePath(path), mtimeMs: 0 }, undefined);
    else {
      const { bytes, isExecutable = false } = node;
      const entry = {
        kind: 'file',
        path: safePath(path),
        size: bytes.length,
        mtimeMs: 0,
        isExecutable,
      } as const;
      root.add(entry, naiveFileDigest(bytes));
    }
  }
  return toHex(root.finish());
}

function naiveFileDigest(bytes: Uint8Array): Uint8Array {
  if (isPacked(bytes.length)) return fileDigest(memoryHashing, memoryHashing.sha256(bytes));
  const chunkBytes = chunkBytesFor(bytes.length);
  const digests = Array.from({ length: chunkCountFor(bytes.length) }, (_, at) =>
    memoryHashing.sha256(bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes)),
  );
  return fileDigest(memoryHashing, Buffer.concat(digests));
}

export interface Outcome {
  /** Paths that must not arrive, with the reason that both sides give. */
  readonly failed?: Readonly<Record<string, string>>;
  /** Paths that were decided against. */
  readonly same?: readonly string[];
  readonly skipped?: readonly string[];
  readonly refused?: readonly string[];
}

/** The transfer worked: all that is not named in `outcome` arrived, and both sides say the same of it. */
export function assertArrived(
  tree: MemoryTree,
  joined: Joined,
  reports: Reports,
  outcome: Outcome = {},
): void {
  const { failed = {}, same = [], skipped = [], refused = [] } = outcome;
  const absent = new Set([...Object.keys(failed), ...same, ...skipped, ...refused]);
  const offered = [...tree].filter(([, node]) => node.kind !== 'left-out');
  const expected = new Map(
    offered
      .filter(([path]) => !absent.has(path))
      .map(([path, node]): [string, Uint8Array | undefined] => [
        path,
        node.kind === 'file' ? node.bytes : undefined,
      ]),
  );
  const { outgoing, incoming } = reports;
  assert.deepEqual([outgoing.end.close.code, incoming.end.close.code], ['done', 'done']);
  assertSameFiles(joined.destination.published, expected);

  const counts = {
    published: expected.size,
    same: same.length,
    skipped: skipped.length,
    failed: Object.keys(failed).length + refused.length,
    bytes: [...expected.values()].reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0),
  };
  assert.deepEqual(incoming.receipt?.counts, counts);
  assert.deepEqual(outgoing.receipt?.counts, counts);
  assert.equal(
    incoming.receipt.root,
    rootOf(tree, (path) => expected.has(path)),
  );
  assert.equal(outgoing.receipt.root, incoming.receipt.root);

  const reasons = { ...failed, ...Object.fromEntries(refused.map((path) => [path, 'name-taken'])) };
  const told = (side: string): string[] =>
    joined.events.filter((event) => event.startsWith(`${side} failed`)).toSorted();
  for (const side of ['sender', 'receiver']) {
    const lines = Object.entries(reasons).map(([path, reason]) => `${side} failed ${path}: ${reason}`);
    assert.deepEqual(told(side), lines.toSorted());
  }
  assert.equal(joined.outgoing.snapshot().state, 'done');
  assert.equal(joined.incoming.snapshot().state, 'done');
  assert.equal(joined.outgoing.snapshot().entriesDone, offered.length);
  assert.equal(joined.incoming.snapshot().entriesDone, offered.length);
}

/** The transfer failed, on both sides for the same reason, and nothing stands in the receive folder. */
export function assertFailed(joined: Joined, reports: Reports, code: string): void {
  assert.deepEqual([reports.outgoing.end.close.code, reports.incoming.end.close.code], [code, code]);
  assert.equal(reports.outgoing.receipt, undefined);
  assert.equal(reports.incoming.receipt, undefined);
  assert.deepEqual(
    [joined.outgoing.snapshot().state, joined.incoming.snapshot().state],
    ['failed', 'failed'],
  );
  assert.equal(joined.destination.published.size, 0);
}

function assertSameFiles(actual: ReadonlyMap<string, Uint8Array | undefined>, expected: typeof actual): void {
  assert.deepEqual([...actual.keys()].toSorted(), [...expected.keys()].toSorted());
  for (const [path, bytes] of expected) {
    const arrived = actual.get(path);
    assert.equal(arrived === undefined, bytes === undefined, path);
    if (arrived !== undefined && bytes !== undefined) {
      assert.ok(Buffer.from(arrived).equals(bytes), `${path} differs`);
    }
  }
}
