import { deferred } from '../base/deferred.ts';
import { toHex } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { assertNever } from '../base/assertNever.ts';
import { CourierError, sessionFailureOf } from '../base/failure.ts';
import type { FairShare } from '../base/fairShare.ts';
import type { DestinationFailure, EntryFailure, SessionFailure } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import { AsyncQueue } from '../base/queue.ts';
import type { Chunk, PageLayout } from '../protocol/chunkLayout.ts';
import type { Dialogue } from '../protocol/frameTalk.ts';
import { limits } from '../protocol/limits.ts';
import { decodeMessage, encodeMessage, entryFromWire, entryToWire } from '../protocol/messages.ts';
import type { Hello, Message } from '../protocol/messages.ts';
import type { ReceiverEvent, ReceiverSession } from '../protocol/receiverSession.ts';
import { ChunkStore } from './chunkStore.ts';
import type { EntryItem, HeldDigests } from './chunkStore.ts';
import { Ledger } from './ledger.ts';
import type { LedgerCounts, PageCodec } from './ledger.ts';
import { OfferNotes } from './offerSummary.ts';
import type { OfferSummary } from './offerSummary.ts';
import { OpenWants } from './openWants.ts';
import type { Channel, Compression, Destination, PageStore } from './ports.ts';
import type { LaneHost } from './receivingLane.ts';
import { Pace } from './pace.ts';
import type { ProgressSnapshot, TransferState } from './progress.ts';
import { SessionPump } from './sessionPump.ts';
import type { SessionEnd } from './sessionPump.ts';

export interface IncomingTransferInit {
  readonly session: ReceiverSession;
  /** Shared with the other transfers of the process; absent, it is alone. */
  readonly memory?: FairShare;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly compression: Compression;
  /** Whether a peer that dialled us may come in; the failure is what it is told if not. */
  readonly judge: (hello: Hello) => SessionFailure | undefined;
  /** Called once the offer is open, with the transfer's id. */
  readonly openPages: (transfer: string) => PageStore;
  /**
   * Whether consent is asked for as soon as there is an offer, for whatever will be listed: then data flows while the
   * sender still lists. The summary knows only the label by then.
   */
  readonly consentsAtOnce?: boolean;
  /**
   * Asked once everything is listed: where it is received, or `undefined` to decline. The signal: too late.
   * From then on the destination is the transfer's, which abandons or suspends it unless all was published.
   */
  readonly consent: (
    summary: OfferSummary,
    options: { readonly signal: AbortSignal },
  ) => Promise<Destination | undefined>;
  /** Whether a transfer that is interrupted, not given up, keeps what it has received so far. */
  readonly keepsInterrupted: boolean;
  readonly observer?: IncomingObserver;
  /** Resolves when other work has had its turn; see `ChunkStoreInit`. */
  readonly rest?: () => Promise<void>;
  /** Takes back the memory of a chunk that is written; the counterpart of the session's `allocate`. */
  readonly recycle?: (payload: Uint8Array) => void;
}

/** Hears of what happens while it happens; the report has only the counts. */
export interface IncomingObserver {
  /** Both sides have greeted each other; `name` is what the peer calls itself. */
  opened?(name: string): void;
  /** `label` is the peer's text. */
  offered?(transfer: string, label: string): void;
  /** All of it is known. */
  listed?(summary: OfferSummary): void;
  entryFailed?(path: string, reason: EntryFailure): void;
}

export interface IncomingReport {
  readonly end: SessionEnd;
  /** Present once the receipt was sent: from then on the transfer stands, whatever the connection does. */
  readonly receipt:
    | { readonly root: string; readonly counts: LedgerCounts; readonly names: readonly string[] }
    | undefined;
  readonly transfer: string | undefined;
  readonly label: string;
  readonly leftOut: number;
  /** Whether the peer may know that its offer was accepted. */
  readonly isAnswered: boolean;
}

/** How often the sender hears of progress. */
const CONFIRM_EVERY_MS = 100;
/** A chunk that arrives damaged is asked for once more. */
const MOST_ATTEMPTS = 2;

interface Place {
  readonly destination: Destination;
  readonly store: ChunkStore;
}

/**
 * The receiving side of one transfer: decides, asks, verifies, writes, publishes. What is in memory is
 * bounded by the window of open wants: data comes only for wants, and a want opens only when the chunk
 * before it has reached the disk. One file, because all of it moves the state of one session.
 */
export class IncomingTransfer implements LaneHost {
  // Immutable.
  readonly #init: IncomingTransferInit;
  readonly #session: ReceiverSession;
  readonly #pump: SessionPump<ReceiverEvent>;
  readonly #wants: OpenWants;
  readonly #undecided = new AsyncQueue<number>();
  readonly #layouts = new AsyncQueue<{ readonly page: number; readonly layout: PageLayout }>();
  readonly #notes = new OfferNotes();
  readonly #pace: Pace;

  // Mutable.
  /** Gives back its part of what the transfers of the process share. */
  #leave: (() => void) | undefined;
  #state: TransferState = 'connecting';
  #transfer: string | undefined;
  #label = '';
  #leftOut = 0;
  #isAnswered = false;
  #offered = deferred<void>();
  #listed = deferred<void>();
  readonly #over = new AbortController();
  /** There from the offer on. */
  #ledger: Ledger<EntryItem> | undefined;
  /** Where it is received; there once somebody has said yes. */
  #place: Place | undefined;
  readonly #storing = new Set<Promise<void>>();
  /** The further connections of this session, by number. */
  readonly #lanes = new Map<number, { drop(): void }>();
  /** Numbers of lanes that are or were there: none comes twice. */
  readonly #laneNumbers = new Set<number>();
  readonly #failures: Message<'outcome'>['failures'] = [];
  #bytesDone = 0;
  /** Of these, what an earlier session or an older version had left. */
  #bytesHeld = 0;
  #entriesDone = 0;
  #bytesTaken = 0;
  #entriesTotal = 0;
  #confirmedAt = 0;
  #receipt: IncomingReport['receipt'];

  constructor(init: IncomingTransferInit) {
    this.#init = init;
    this.#pace = new Pace(init.clock);
    this.#session = init.session;
    this.#wants = new OpenWants(init.session, init.clock);
    this.#pump = new SessionPump<ReceiverEvent>(
      init.session.conversation,
      init.channel,
      init.clock,
      (event) => this.handle(event),
    );
    // They may go unheard when the session ends early.
    this.#offered.promise.catch(() => undefined);
    this.#listed.promise.catch(() => undefined);
  }

  /** Runs to the end of the session. Never rejects. */
  async run(): Promise<IncomingReport> {
    const work = this.#work().catch((error: unknown) => this.#fail(error));
    const end = await this.#pump.run();
    await work;
    await Promise.allSettled(this.#storing);
    this.#leave?.();
    if (this.#receipt === undefined) this.#state = 'failed';
    await this.#letGo(end.close.code);
    const { transfer, label, leftOut } = {
      transfer: this.#transfer,
      label: this.#label,
      leftOut: this.#leftOut,
    };
    return { end, receipt: this.#receipt, transfer, label, leftOut, isAnswered: this.#isAnswered };
  }

  /** Ends the transfer for good; the peer is told. */
  cancel(): void {
    this.#pump.close({ code: 'cancelled' });
  }

  /** Ends the session because this side has to go; as far as the transfer is concerned, the connection broke. */
  interrupt(): void {
    this.#pump.close({ code: 'connection-lost' });
  }

  /** Ends the session because another one of the same transfer goes on. */
  giveWay(): void {
    this.#pump.close({ code: 'busy' });
  }

  /** Asks for nothing more until {@link resume}; the session lives on. What was asked for still comes. */
  pause(): void {
    this.#pace.pause();
  }

  resume(): void {
    this.#pace.resume(this.#bytesDone - this.#bytesHeld);
  }

  takeIn(lane: number, connection: { drop(): void }): Dialogue<ReceiverEvent> | undefined {
    // Before its offer a peer is nobody, and has nothing that lanes would be for.
    if (this.#ledger === undefined) return undefined;
    const isRoom = this.#lanes.size + 1 < limits.lanes && !this.#laneNumbers.has(lane);
    if (!isRoom || this.#pump.isEnded) return undefined;
    this.#laneNumbers.add(lane);
    this.#lanes.set(lane, connection);
    this.#wants.spread(this.#lanes.size + 1);
    return this.#session.joinLane();
  }

  letGo(lane: number): void {
    this.#lanes.delete(lane);
    this.#wants.spread(this.#lanes.size + 1);
  }

  snapshot(): ProgressSnapshot {
    return this.#pace.snapshot({
      state: this.#state,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTaken,
      entriesDone: this.#entriesDone,
      entriesTotal: this.#entriesTotal,
    });
  }

  /**
   * The peer has the receipt only when it closes with `done`. Until then it may offer the transfer again, and
   * must find what stands published, or it would be published twice.
   */
  async #letGo(code: string): Promise<void> {
    const destination = this.#place?.destination;
    const isDecided = code === 'cancelled' || code === 'declined' || code === 'done';
    // What cannot be removed now is found and removed later, as after a crash.
    if (this.#init.keepsInterrupted && !isDecided) await destination?.suspend().catch(() => undefined);
    else if (this.#receipt === undefined || this.#init.keepsInterrupted) {
      await destination?.abandon().catch(() => undefined);
    }
  }

  handle(event: ReceiverEvent): void {
    switch (event.type) {
      case 'introduced':
        this.#judge(event.hello);
        return;
      case 'opened':
        this.#wants.limit(event.hello.limits.openWants);
        this.#init.observer?.opened?.(event.hello.name);
        return;
      case 'closed':
        this.#stop(event.close.code);
        return;
      case 'offered':
        this.#transfer = event.transfer;
        this.#label = event.label;
        this.#state = 'offering';
        this.#init.observer?.offered?.(event.transfer, event.label);
        // Synchronous, so that the pages behind the offer find the ledger open.
        this.#ledger = new Ledger(this.#init.openPages(event.transfer), pageCodec, this.#init.hashing);
        this.#offered.resolve();
        return;
      case 'page':
        this.#entriesTotal += event.entries.length;
        this.#notes.add(event.entries);
        this.#undecided.push(this.#book().append(event.entries.map((entry) => ({ entry }))).page);
        return;
      case 'offer-ended':
        this.#leftOut = event.leftOut;
        this.#undecided.end();
        this.#init.observer?.listed?.(this.#summarize());
        this.#listed.resolve();
        return;
      case 'chunk':
        this.#track(event.chunk, async (store, have) => {
          const result = await store.storeReply(event.chunk, event.reply, have);
          this.#init.recycle?.(event.payload);
          return result;
        });
        return;
      case 'chunk-same':
        this.#track(event.chunk, (store, have) => store.keepHeld(event.chunk, have));
        return;
      case 'chunk-failed':
        this.#track(event.chunk, (store) => store.failRange(event.chunk, event.reason));
        return;
      case 'lane-lost':
        this.#askLost(event.lane, event.chunks);
        return;
      default:
        assertNever(event);
    }
  }

  #judge(hello: Hello): void {
    const refusal = this.#init.judge(hello);
    if (refusal === undefined) this.#pump.dispatch(this.#session.conversation.admit());
    else this.#pump.close({ code: refusal });
  }

  #open(destination: Destination): void {
    const { hashing, compression, rest } = this.#init;
    const store = new ChunkStore({
      destination,
      ledger: this.#book(),
      hashing,
      compression,
      ...(rest === undefined ? {} : { rest }),
      onWritten: (bytes, came) => {
        this.#bytesDone += bytes;
        if (came === 'held') this.#bytesHeld += bytes;
      },
      onSettled: () => {
        this.#entriesDone += 1;
      },
      onFailed: (file, reason) => this.#init.observer?.entryFailed?.(file.entry.path, reason),
      onFailedHere: (file, reason) => this.#report(file, reason),
    });
    this.#place = { destination, store };
  }

  async #work(): Promise<void> {
    await (this.#init.consentsAtOnce === true ? this.#offered : this.#listed).promise;
    await this.#askConsent();
    // Each by itself: nothing is abandoned while one of them is still at work.
    const parts = [this.#decide(), this.#pull()];
    await Promise.all(parts.map((part) => part.catch((error: unknown) => this.#fail(error))));
    if (this.#pump.isEnded) return;
    // Every want has been answered then, and its chunk stored.
    await this.#wants.settled();
    await this.#pace.pass();
    if (this.#pump.isEnded) return;
    await this.#publish();
  }

  async #askConsent(): Promise<void> {
    this.#state = 'waiting';
    const destination = await this.#init.consent(this.#summarize(), { signal: this.#over.signal });
    if (destination === undefined) throw new CourierError('declined', 'the offer was declined');
    this.#open(destination);
  }

  #summarize(): OfferSummary {
    return this.#notes.summarize({
      transfer: this.#transfer ?? '',
      label: this.#label,
      leftOut: this.#leftOut,
    });
  }

  /** Answers page after page. */
  async #decide(): Promise<void> {
    const { destination } = this.#needs();
    const ledger = this.#book();
    for await (const page of this.#undecided) {
      if (this.#pump.isEnded) break;
      const entries = ledger.page(page).items.map((item) => item.entry);
      const decisions = await destination.plan(page, entries);
      if (this.#pump.isEnded) break;
      entries.forEach((entry, position) => {
        const decision = decisions[position];
        if (decision === 'take' && entry.kind === 'file') this.#bytesTaken += entry.size;
        else this.#entriesDone += 1;
        if (decision === 'refuse') this.#init.observer?.entryFailed?.(entry.path, 'name-taken');
      });
      const freeBytes = await destination.freeBytes();
      if (this.#pump.isEnded) break;
      if (this.#bytesTaken > freeBytes) {
        throw new CourierError('disk-full', `${this.#bytesTaken} bytes offered, ${freeBytes} free`);
      }
      const layout = ledger.decide(decisions);
      this.#session.answer(page, decisions);
      this.#isAnswered = true;
      this.#state = 'moving';
      this.#layouts.push({ page, layout });
      await this.#pump.flush();
    }
    this.#layouts.end();
  }

  /** Asks for chunk after chunk, as many at once as the window holds. */
  async #pull(): Promise<void> {
    const ledger = this.#book();
    for await (const { page, layout } of this.#layouts) {
      // One that still waits for a yes takes nothing from the others.
      this.#leave ??= this.#init.memory?.join((members) => this.#wants.share(members));
      for (let index = layout.firstChunk; index < layout.endChunk; index += 1) {
        const chunk = layout.chunkAt(index);
        await this.#wants.acquire(chunk);
        if (this.#pump.isEnded) return;
        if (chunk.kind === 'range' && ledger.page(page).outcomeOf(chunk.entry) !== 'pending') {
          this.#wants.release(chunk);
        } else await this.#ask(chunk, 1);
      }
    }
  }

  async #ask(chunk: Chunk, attempt: number): Promise<void> {
    const have = attempt === 1 ? await this.#needs().store.digestHeld(chunk) : [];
    await this.#pace.pass();
    if (this.#pump.isEnded) return;
    this.#wants.ask(chunk, have, attempt);
    void this.#pump.flush();
  }

  /** Work on a reply; the window stays taken until it is done. */
  #track(chunk: Chunk, work: (store: ChunkStore, have: HeldDigests) => Promise<'done' | 'again'>): void {
    const storing = work(this.#needs().store, this.#wants.replied(chunk))
      .then(async (result) => {
        if (result === 'again') await this.#askAgain(chunk);
        else if (this.#wants.done(chunk)) this.#confirm();
      })
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
  }

  async #askAgain(chunk: Chunk): Promise<void> {
    const attempt = this.#wants.attemptsAt(chunk) + 1;
    if (attempt > MOST_ATTEMPTS) throw new CourierError('protocol-error', 'a chunk came damaged twice');
    await this.#ask(chunk, attempt);
    // The chunk keeps its place in the window; its next reply gives that back.
  }

  /** The sender has lost a lane: what had not come over it by now is asked for again. */
  #askLost(lane: number, chunks: readonly number[]): void {
    // Nothing more may come over it, or it would come twice.
    this.#lanes.get(lane)?.drop();
    this.#wants.askAgain(chunks);
    void this.#pump.flush();
  }

  /** Tells the sender of a failure that it cannot know. */
  #report(file: { readonly page: number; readonly position: number }, reason: DestinationFailure): void {
    this.#failures.push([file.page, file.position, reason]);
    if (this.#failures.length >= limits.outcomeFailures) this.#sendFailures();
  }

  #sendFailures(): void {
    if (this.#failures.length > 0) this.#session.reportFailures(this.#failures.splice(0));
  }

  async #publish(): Promise<void> {
    const { destination } = this.#needs();
    const ledger = this.#book();
    this.#state = 'publishing';
    this.#confirm({ isForced: true });
    const { failures, names } = await destination.publish(() => ledger.taken());
    for (const { page, position, reason } of failures) {
      this.#report({ page, position }, reason);
      ledger.settle(page, position, reason);
      const path = ledger.find(page, position)?.entry.path;
      if (path !== undefined) this.#init.observer?.entryFailed?.(path, reason);
    }
    if (this.#pump.isEnded) return;
    this.#sendFailures();
    const { root, counts } = ledger.close();
    this.#session.sendReceipt({ root: toHex(root), ...counts });
    this.#receipt = { root: toHex(root), counts, names };
    this.#state = 'done';
    await this.#pump.flush();
  }

  #confirm({ isForced = false }: { readonly isForced?: boolean } = {}): void {
    const now = this.#init.clock.now();
    this.#pace.reached(this.#bytesDone - this.#bytesHeld);
    this.#wants.flows(this.#pace.bytesPerSecond);
    if (this.#pump.isEnded || (!isForced && now - this.#confirmedAt < CONFIRM_EVERY_MS)) return;
    this.#confirmedAt = now;
    this.#session.confirm(this.#bytesDone, this.#entriesDone);
    void this.#pump.flush();
  }

  #needs(): Place {
    if (this.#place === undefined) throw new CourierError('internal', 'the destination is not open');
    return this.#place;
  }

  #book(): Ledger<EntryItem> {
    if (this.#ledger === undefined) throw new CourierError('internal', 'there is no offer');
    return this.#ledger;
  }

  #fail(error: unknown): void {
    this.#pump.close(sessionFailureOf(error));
  }

  /** The session is over: wakes everything that waits for it. */
  #stop(code: string): void {
    for (const lane of this.#lanes.values()) lane.drop();
    const reason = new CourierError('connection-lost', `the session ended: ${code}`);
    this.#offered.reject(reason);
    this.#listed.reject(reason);
    this.#over.abort(reason);
    this.#pace.end();
    this.#undecided.end();
    this.#layouts.end();
    this.#wants.clear();
  }
}

const pageCodec: PageCodec<EntryItem> = {
  encode: (items) => encodeMessage('page', { entries: items.map((item) => entryToWire(item.entry)) }),
  decode: (bytes) => decodeMessage('page', bytes).entries.map((wire) => ({ entry: entryFromWire(wire) })),
};
