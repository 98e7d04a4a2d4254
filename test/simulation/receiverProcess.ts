import type { Clock } from '../../src/base/clock.ts';
import { CourierError } from '../../src/base/failure.ts';
import type { EntryFailure } from '../../src/base/failure.ts';
import { deferred } from '../../src/base/deferred.ts';
import type { Deferred } from '../../src/base/deferred.ts';
import { isWithin } from '../../src/engine/agreement.ts';
import type { AcceptedRecord } from '../../src/engine/jobFiles.ts';
import { noCompression } from '../../src/node/codec/noCompression.ts';
import type { ConflictPolicy } from '../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../src/node/disk/receiveFolder.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { ReceiverSession } from '../../src/protocol/receiverSession.ts';
import { IncomingTransfer } from '../../src/transfer/incomingTransfer.ts';
import type { IncomingReport } from '../../src/transfer/incomingTransfer.ts';
import type { OfferSummary } from '../../src/transfer/offerSummary.ts';
import { ReceivingLane } from '../../src/transfer/receivingLane.ts';
import type { Channel, Destination } from '../../src/transfer/ports.ts';
import { MemoryPageStore } from '../support/memoryPorts.ts';
import { helloOf } from '../support/memoryTransfer.ts';
import type { SimPurpose } from '../support/simNet.ts';
import type { ProcessPlace } from './machine.ts';

/** What the receiver's machine keeps when the process ends. */
export interface ReceiverStore {
  accepted: Pick<AcceptedRecord, 'folder' | 'folderIdentity' | 'onConflict' | 'agreed'> | undefined;
  /** Whether the user was asked about more than was agreed to. */
  isReasked: boolean;
  /** How often the user was asked though the sender knew of a yes. */
  askedAgain: number;
}

/** One session of the receiver, for the checks. */
export interface ReceiverNotes {
  readonly transfer: IncomingTransfer;
  readonly failed: Map<string, EntryFailure>;
  readonly startedAt: number;
  report: IncomingReport | undefined;
}

export interface ReceiverInit {
  readonly place: ProcessPlace;
  readonly store: ReceiverStore;
  readonly transfer: string;
  readonly folder: string;
  readonly onConflict: ConflictPolicy;
  /** Whether the sender has heard a yes. */
  readonly knowsYes: () => boolean;
  /** How long the user thinks. */
  readonly thinkMs: () => number;
  readonly onSession: (notes: ReceiverNotes) => void;
  readonly note: (text: string) => void;
}

/**
 * The receiving program, composed as the engine composes it: asks once and remembers that, and a session takes
 * the place of an older one of the same transfer.
 */
export class ReceiverProcess {
  readonly #init: ReceiverInit;
  #current: IncomingTransfer | undefined;
  /** Agreed to by this process, and no session has told the sender. */
  #isUntold = false;
  readonly #leaving = new Map<IncomingTransfer, Deferred<void>>();
  /** By the name that both ends know. */
  readonly #sessions = new Map<string, IncomingTransfer>();

  constructor(init: ReceiverInit) {
    this.#init = init;
    init.note('receiver listens');
  }

  get clock(): Clock {
    return this.#init.place.clock;
  }

  get current(): IncomingTransfer | undefined {
    return this.#current;
  }

  accept(channel: Channel, { session, lane }: SimPurpose): void {
    if (lane > 0) this.#takeLane(channel);
    else this.#receive(channel, session);
  }

  #takeLane(channel: Channel): void {
    const { place } = this.#init;
    const lane = new ReceivingLane({
      channel,
      clock: place.clock,
      find: ({ session }) => this.#sessions.get(session),
      onJoined: () => undefined,
    });
    void lane.run();
  }

  #receive(channel: Channel, session: string): void {
    const { place, onSession, note } = this.#init;
    const failed = new Map<string, EntryFailure>();
    const transfer: IncomingTransfer = new IncomingTransfer({
      session: new ReceiverSession({
        isDialler: false,
        hello: helloOf('receiver', []),
        now: place.clock.now(),
      }),
      channel,
      clock: place.clock,
      hashing: nodeHashing,
      compression: noCompression,
      judge: () => undefined,
      openPages: () => new MemoryPageStore(),
      consent: (summary, { signal }) => this.#consent(summary, signal),
      keepsInterrupted: true,
      observer: {
        offered: () => this.#replace(transfer),
        entryFailed: (path, reason) => {
          failed.set(path, reason);
          note(`receiver failed ${path}: ${reason}`);
        },
      },
    });
    const notes: ReceiverNotes = { transfer, failed, startedAt: place.clock.now(), report: undefined };
    onSession(notes);
    this.#sessions.set(session, transfer);
    void this.#run(notes).then(() => this.#sessions.delete(session));
  }

  async #run(notes: ReceiverNotes): Promise<void> {
    const report = await notes.transfer.run();
    // What a process does that was killed while it did something is nobody's.
    if (!this.#init.place.isAlive) return;
    notes.report = report;
    const { code, message } = report.end.close;
    this.#init.note(`receiver's session ended: ${report.end.origin} ${code} ${message ?? ''}`);
    this.#ended(notes.transfer, report);
  }

  /** The offer has come: an older session of the transfer has no peer any more. */
  #replace(transfer: IncomingTransfer): void {
    const older = this.#current;
    this.#current = transfer;
    if (older === undefined) return;
    this.#leaving.set(older, deferred());
    older.interrupt();
  }

  #ended(transfer: IncomingTransfer, report: IncomingReport): void {
    const { store } = this.#init;
    this.#leaving.get(transfer)?.resolve();
    this.#leaving.delete(transfer);
    if (report.isAnswered) this.#isUntold = false;
    if (this.#current !== transfer) return;
    this.#current = undefined;
    const { code } = report.end.close;
    if (code === 'declined' || code === 'cancelled' || this.#isUntold) this.#discard();
    // The sender knows.
    if (code === 'done') store.accepted = undefined;
  }

  async #consent(summary: OfferSummary, signal: AbortSignal): Promise<Destination | undefined> {
    const { store, place, folder: path, onConflict, transfer, note } = this.#init;
    await Promise.all([...this.#leaving.values()].map(({ promise }) => promise));
    if (signal.aborted) return undefined;
    const { accepted } = store;
    if (accepted !== undefined && isWithin(summary, accepted.agreed)) {
      const folder = ReceiveFolder.reopen(
        accepted.folder,
        { id: transfer, identity: accepted.folderIdentity },
        place.mount,
      );
      return folder.openTransfer(transfer, accepted.onConflict, {
        resume: true,
        keepsInterrupted: true,
        now: () => place.clock.now(),
      });
    }
    // What goes beyond what was agreed to is another question.
    if (accepted !== undefined) store.isReasked = true;
    else if (this.#init.knowsYes() && !store.isReasked) store.askedAgain += 1;
    note('receiver asks its user');
    await this.#think(signal);
    if (signal.aborted) return undefined;
    const folder = ReceiveFolder.open(path, place.mount);
    // The same place, so that what is there is gone on with.
    const isSamePlace = accepted?.folder === folder.location;
    const { roots, rootCount, totals } = summary;
    store.accepted = {
      folder: folder.location,
      folderIdentity: folder.identity,
      onConflict,
      agreed: { roots: [...roots], rootCount, files: totals.files, bytes: totals.bytes },
    };
    this.#isUntold = !isSamePlace;
    if (!isSamePlace) folder.discardTransfer(transfer);
    return folder.openTransfer(transfer, onConflict, {
      resume: isSamePlace,
      keepsInterrupted: true,
      now: () => place.clock.now(),
    });
  }

  #think(signal: AbortSignal): Promise<void> {
    const { place, thinkMs } = this.#init;
    return new Promise((resolve) => {
      const disarm = place.clock.schedule(thinkMs(), resolve);
      signal.addEventListener('abort', () => {
        disarm();
        resolve();
      });
    });
  }

  #discard(): void {
    const { store, place, transfer, note } = this.#init;
    const { accepted } = store;
    if (accepted === undefined) return;
    try {
      ReceiveFolder.reopen(
        accepted.folder,
        { id: transfer, identity: accepted.folderIdentity },
        place.mount,
      ).discardTransfer(transfer);
    } catch (error) {
      note(`what was received could not be removed: ${CourierError.is(error) ? error.code : String(error)}`);
    }
    store.accepted = undefined;
  }
}
