import type { EntryFailure } from '../../src/base/failure.ts';
import { CourierError } from '../../src/base/failure.ts';
import type { JobRecord, LastSeen } from '../../src/engine/jobFiles.ts';
import { OutgoingJob } from '../../src/engine/outgoingJob.ts';
import type { SendObserver } from '../../src/engine/sender.ts';
import { noCompression } from '../../src/node/codec/noCompression.ts';
import { FileSource } from '../../src/node/disk/fileSource.ts';
import { OMIT_NOTHING } from '../../src/node/disk/omissions.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import type { Fingerprint } from '../../src/peers/fingerprint.ts';
import type { ChunkReply } from '../../src/protocol/chunkReply.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import type { ChunkOutlet } from '../../src/protocol/senderSession.ts';
import { OutgoingTransfer } from '../../src/transfer/outgoingTransfer.ts';
import type { OutgoingReport } from '../../src/transfer/outgoingTransfer.ts';
import type { Channel, LeftOutReason, SourceItem } from '../../src/transfer/ports.ts';
import { QUIET_RETRY_MS, RETRY_FOR_MS } from '../../src/transfer/retryPolicy.ts';
import { MemoryPageStore } from '../support/memoryPorts.ts';
import { helloOf } from '../support/memoryTransfer.ts';
import type { SimPurpose } from '../support/simNet.ts';
import type { ProcessPlace } from './machine.ts';
import type { SourceFile, SourceTree } from './sourceTree.ts';

/** What one session of the sender did, for the checks. */
export interface SessionNotes {
  readonly startedAt: number;
  /** What was offered, and each file as it was when it was listed. */
  readonly offered: { readonly entry: Entry; readonly file: SourceFile | undefined }[];
  readonly leftOut: Map<string, LeftOutReason>;
  readonly failed: Map<string, EntryFailure>;
  readonly skipped: Set<string>;
  /** Bytes of files that travelled. */
  dataBytes: number;
  /** Whether its receipt has come, and is right. */
  isReceived: boolean;
}

/** What the sender's machine keeps when the process ends. */
export interface SenderStore {
  record: JobRecord;
  seen: LastSeen | undefined;
  /** Whether the job asked to be forgotten. */
  isForgotten: boolean;
}

export interface SenderInit {
  readonly place: ProcessPlace;
  readonly store: SenderStore;
  readonly tree: SourceTree;
  readonly dial: (purpose: SimPurpose, options: { readonly signal: AbortSignal }) => Promise<Channel>;
  /** The name of a session that both its ends know. */
  readonly newSession: () => string;
  readonly mostLanes: number;
  readonly roundTripMs: number;
  readonly onSession: (notes: SessionNotes) => void;
  readonly note: (text: string) => void;
}

/** The sending program: the job with its retries, and under it one transfer after another. */
export class SenderProcess {
  readonly #init: SenderInit;
  readonly job: OutgoingJob;

  constructor(init: SenderInit) {
    this.#init = init;
    const { store, place, note } = init;
    this.job = new OutgoingJob(
      store.record,
      {
        clock: place.clock,
        patience: { forMs: RETRY_FOR_MS, thenEveryMs: QUIET_RETRY_MS },
        waitsForUser: true,
        attempt: (_record, observer, { signal }) => this.#attempt(observer, signal),
        nameOf: () => 'the receiver',
        keep: (record) => {
          if (place.isAlive) store.record = record;
        },
        note: (_record, seen) => {
          if (place.isAlive) store.seen = seen;
        },
        forget: () => {
          if (place.isAlive) store.isForgotten = true;
        },
        changed: () => undefined,
      },
      store.seen,
    );
    note(`sender starts, ${this.job.summary().phase}`);
  }

  async #attempt(observer: SendObserver, signal: AbortSignal): Promise<OutgoingReport> {
    const { place, tree, dial, onSession, note, store, newSession, mostLanes, roundTripMs } = this.#init;
    for (const root of tree.roots) {
      if (place.mount.lstat(`${tree.folder}/${root}`) === undefined) {
        throw new CourierError('source-missing', root);
      }
    }
    const name = newSession();
    let channel: Channel;
    try {
      channel = await dial({ session: name, lane: 0 }, { signal });
    } catch (error) {
      note(`dialling failed: ${CourierError.is(error) ? error.code : String(error)}`);
      throw error;
    }
    const notes = newNotes(place.clock.now());
    onSession(notes);
    const session = new CountingSession(
      { isDialler: true, hello: helloOf('sender', []), now: place.clock.now() },
      notes,
    );
    const transfer = new OutgoingTransfer({
      session,
      channel,
      clock: place.clock,
      hashing: nodeHashing,
      compression: noCompression,
      source: new WatchedSource(tree, place, notes),
      pages: new MemoryPageStore(),
      lanes: {
        most: mostLanes,
        roundTripMs,
        leastBytes: 0,
        dial: async (lane, options) => ({
          channel: await dial({ session: name, lane }, options),
          join: { session: name, lane, mac: '0'.repeat(64) },
        }),
      },
      transfer: store.record.id,
      label: 'simulated',
      observer: {
        opened: () => observer.connected(RECEIVER),
        accepted: () => observer.accepted?.(),
        received: () => {
          notes.isReceived = true;
          observer.received?.();
        },
        leftOut: (path, reason) => {
          notes.leftOut.set(path, reason);
          observer.leftOut?.(path, reason);
        },
        entryFailed: (path, reason) => {
          notes.failed.set(path, reason);
          observer.entryFailed?.(path, reason);
        },
        skipped: (path) => {
          notes.skipped.add(path);
          observer.skipped?.(path);
        },
      },
    });
    signal.addEventListener('abort', () => transfer.cancel());
    observer.started({
      id: store.record.id,
      snapshot: () => transfer.snapshot(),
      pause: () => transfer.pause(),
      resume: () => transfer.resume(),
      cancel: () => transfer.cancel(),
      interrupt: () => transfer.interrupt(),
    });
    const report = await transfer.run();
    const { code, message } = report.end.close;
    note(`sender's session ended: ${report.end.origin} ${code} ${message ?? ''}`);
    return report;
  }
}

const RECEIVER = {
  name: 'the receiver',
  fingerprint: '1'.repeat(64) as Fingerprint,
  address: 'receiver:1',
};

function newNotes(startedAt: number): SessionNotes {
  return {
    startedAt,
    offered: [],
    leftOut: new Map(),
    failed: new Map(),
    skipped: new Set(),
    dataBytes: 0,
    isReceived: false,
  };
}

/** Counts the bytes of files that leave, but for what a lane has lost and has to go again. */
class CountingSession extends SenderSession {
  readonly #notes: SessionNotes;
  readonly #lost = new Set<number>();

  constructor(init: ConstructorParameters<typeof SenderSession>[0], notes: SessionNotes) {
    super(init);
    this.#notes = notes;
  }

  override sendChunk(index: number, reply: ChunkReply, outlet?: ChunkOutlet): void {
    if (!this.#lost.delete(index)) this.#notes.dataBytes += reply.rawLength;
    super.sendChunk(index, reply, outlet);
  }

  override tellLost(lane: number, chunks: readonly number[]): void {
    for (const index of chunks) this.#lost.add(index);
    super.tellLost(lane, chunks);
  }
}

/** Writes down which version of each file was listed. */
class WatchedSource extends FileSource {
  readonly #tree: SourceTree;
  readonly #notes: SessionNotes;

  constructor(tree: SourceTree, { mount, clock }: ProcessPlace, notes: SessionNotes) {
    const roots = tree.roots.map((name) => ({ name, location: `${tree.folder}/${name}` }));
    const rest = (): Promise<void> =>
      new Promise((resolve) => {
        clock.schedule(0, resolve);
      });
    super(roots, (length) => Buffer.allocUnsafeSlow(length), OMIT_NOTHING, mount, rest);
    this.#tree = tree;
    this.#notes = notes;
  }

  override async *list(): AsyncGenerator<SourceItem> {
    for await (const item of super.list()) {
      if (item.type === 'entry') {
        this.#notes.offered.push({ entry: item.entry, file: this.#tree.find(item.entry.path) });
      }
      yield item;
    }
  }
}
