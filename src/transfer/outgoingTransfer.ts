import { deferred } from '../base/deferred.ts';
import { equalBytes, fromHex, toHex } from '../base/bytes.ts';
import { assertNever } from '../base/assertNever.ts';
import type { Clock } from '../base/clock.ts';
import { CourierError, isEntryFailure, sessionFailureOf } from '../base/failure.ts';
import type { EntryFailure } from '../base/failure.ts';
import type { FairShare } from '../base/fairShare.ts';
import { Gate } from '../base/gate.ts';
import type { Hashing } from '../base/hashing.ts';
import { AsyncQueue } from '../base/queue.ts';
import { Semaphore } from '../base/semaphore.ts';
import type { ChunkReply } from '../protocol/chunkReply.ts';
import { ManifestPager } from '../protocol/manifest.ts';
import { limits } from '../protocol/limits.ts';
import { knownCodecs } from '../protocol/messages.ts';
import type { Receipt } from '../protocol/messages.ts';
import type { SenderEvent, SenderSession } from '../protocol/senderSession.ts';
import { ChunkReader } from './chunkReader.ts';
import type { Answer, Want } from './chunkReader.ts';
import { Ledger } from './ledger.ts';
import type { LedgerCounts, LedgerPage } from './ledger.ts';
import type { Channel, Compression, LeftOutReason, PageStore, Source } from './ports.ts';
import { Pace } from './pace.ts';
import type { ProgressSnapshot, TransferState } from './progress.ts';
import { CHUNKS_AHEAD, SendingLanes } from './sendingLanes.ts';
import type { LaneDialler } from './sendingLanes.ts';
import { SessionPump } from './sessionPump.ts';
import type { SessionEnd } from './sessionPump.ts';
import { sourcePageCodec } from './sourcePage.ts';
import type { SourcePageItem } from './sourcePage.ts';

export interface OutgoingTransferInit {
  readonly session: SenderSession;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly compression: Compression;
  readonly source: Source;
  readonly pages: PageStore;
  /** Shared with the other transfers of the process; absent, it is alone. */
  readonly memory?: FairShare;
  /** 32 hexadecimal digits drawn at random. */
  readonly transfer: string;
  /** What is sent, in words. */
  readonly label: string;
  readonly observer?: OutgoingObserver;
  /** Takes back the memory of a chunk that has been sent; the source gave it. */
  readonly recycle?: (chunk: Uint8Array) => void;
  /** Connects to the peer once more; absent, there is one connection. */
  readonly lanes?: LaneDialler;
}

/** Hears of what happens while it happens; the report has only the counts. Paths may hold anything. */
export interface OutgoingObserver {
  /** The peer let us in; `name` is what it calls itself. */
  opened?(name: string): void;
  /** The receiver has said yes to the offer. */
  accepted?(): void;
  /** The receiver has everything. It hears next that we know, and then forgets the transfer. */
  received?(): void;
  leftOut?(path: string, reason: LeftOutReason): void;
  entryFailed?(path: string, reason: EntryFailure): void;
  skipped?(path: string): void;
}

export interface OutgoingReport {
  readonly end: SessionEnd;
  /** Present when the receiver has everything and its root digest is ours. */
  readonly receipt: { readonly root: string; readonly counts: LedgerCounts } | undefined;
  /** How many things were left out or failed, by reason; links and special files do not count as failed. */
  readonly failures: ReadonlyMap<EntryFailure, number>;
  readonly skippedSpecials: number;
  /** What was left out because the options say so: ignored by git, or a secret by its name. */
  readonly omitted: number;
}

/** What all transfers of a process may have ahead together; each at least one. */
const CHUNKS_AHEAD_TOGETHER = 32;
/** Chunks that are ready or on their way at once: each lane says one. */
const CHUNKS_AT_ONCE = CHUNKS_AHEAD + limits.lanes;

/**
 * The sending side of one transfer: lists, offers, serves what is wanted, checks the receipt. Each file
 * is read once; what is in memory is bounded by the chunks being served.
 */
export class OutgoingTransfer {
  // Immutable.
  readonly #init: OutgoingTransferInit;
  readonly #session: SenderSession;
  readonly #pump: SessionPump<SenderEvent>;
  readonly #ledger: Ledger<SourcePageItem>;
  readonly #wants = new AsyncQueue<Want>();
  readonly #pace: Pace;
  readonly #failures = new Map<EntryFailure, number>();
  readonly #lanes: SendingLanes;
  readonly #ahead = new Semaphore(CHUNKS_AHEAD);
  readonly #reader: ChunkReader;
  /** Closed while a want is looked up: a receiver that has nothing to do is worse than a list that grows later. */
  readonly #mayList = new Gate();

  // Mutable.
  #state: TransferState = 'connecting';
  /** Gives back its part of what the transfers of the process share. */
  #leave: (() => void) | undefined;
  #opened = deferred<void>();
  /** Connections that the receiver takes for one session. */
  #mostLanes = 1;
  /** Wants that are looked up. */
  #answering = 0;
  #bytesDone = 0;
  /** What the receiver had, and did not have to be sent. */
  #bytesHeld = 0;
  #entriesDone = 0;
  #bytesListed = 0;
  #bytesNotTaken = 0;
  #entriesListed = 0;
  #leftOut = 0;
  #skippedSpecials = 0;
  #omitted = 0;
  #receipt: OutgoingReport['receipt'];

  constructor(init: OutgoingTransferInit) {
    this.#init = init;
    this.#pace = new Pace(init.clock);
    this.#session = init.session;
    this.#ledger = new Ledger(init.pages, sourcePageCodec, init.hashing);
    this.#reader = new ChunkReader({
      ...init,
      ledger: this.#ledger,
      path: {
        isIdle: () => this.#lanes.isIdle,
        stalledMs: () => this.#lanes.stalledMs,
      },
      onFailed: (page, position, reason) => this.#failHere(page, position, reason),
    });
    this.#pump = new SessionPump<SenderEvent>(init.session.conversation, init.channel, init.clock, (event) =>
      this.#handle(event),
    );
    const pump = this.#pump;
    this.#lanes = new SendingLanes({
      clock: init.clock,
      first: {
        outlet: init.session.conversation,
        flush: () => pump.flush(),
        get isGone() {
          return pump.isEnded;
        },
      },
      dialler: init.lanes,
      onIdle: () => this.#reader.relieve(),
      onLost: (lane, chunks) => this.#tellLost(lane, chunks),
    });
    this.#opened.promise.catch(() => undefined);
  }

  /** Runs to the end of the session. Never rejects. */
  async run(): Promise<OutgoingReport> {
    const { conversation } = this.#session;
    // Who has dialled us was heard and judged before anything was known of the transfer.
    if (conversation.state === 'admitting') this.#pump.dispatch(conversation.admit());
    const servers = Array.from({ length: CHUNKS_AT_ONCE }, () => this.#serve());
    // Each by itself: the source is closed only when the last one has let go of it.
    const work = [this.#offer(), ...servers].map((part) => part.catch((error: unknown) => this.#fail(error)));
    const end = await this.#pump.run();
    this.#wants.end();
    await Promise.all([...work, this.#lanes.close()]);
    this.#leave?.();
    // What was read is read; nothing of the transfer depends on how the files close.
    await this.#init.source.close().catch(() => undefined);
    this.#state = this.#receipt === undefined ? 'failed' : 'done';
    return {
      end,
      receipt: this.#receipt,
      failures: this.#failures,
      skippedSpecials: this.#skippedSpecials,
      omitted: this.#omitted,
    };
  }

  /** So many transfers run in this process now. */
  #share(members: number): void {
    const chunksAhead = Math.max(1, Math.min(CHUNKS_AHEAD, Math.floor(CHUNKS_AHEAD_TOGETHER / members)));
    this.#ahead.resize(chunksAhead);
    this.#lanes.share({ chunksAhead, mostLanes: Math.max(1, Math.floor(limits.lanes / members)) });
  }

  /** Ends the transfer for good; the peer is told. */
  cancel(): void {
    this.#pump.close({ code: 'cancelled' });
  }

  /** Ends the session because this side has to go; as far as the transfer is concerned, the connection broke. */
  interrupt(): void {
    this.#pump.close({ code: 'connection-lost' });
  }

  /** Serves nothing more until {@link resume}; the session lives on. A chunk that is being read still goes. */
  pause(): void {
    this.#pace.pause();
  }

  resume(): void {
    this.#lanes.interrupt();
    this.#pace.resume(this.#bytesDone - this.#bytesHeld);
  }

  snapshot(): ProgressSnapshot {
    return this.#pace.snapshot({
      state: this.#state,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesListed - this.#bytesNotTaken,
      entriesDone: this.#entriesDone,
      entriesTotal: this.#entriesListed,
    });
  }

  #handle(event: SenderEvent): void {
    switch (event.type) {
      case 'introduced':
        return;
      case 'opened':
        this.#state = 'offering';
        this.#reader.compressFor(knownCodecs(event.hello.codecs));
        this.#mostLanes = event.hello.limits.lanes ?? 1;
        this.#init.observer?.opened?.(event.hello.name);
        this.#opened.resolve();
        return;
      case 'closed':
        this.#opened.reject(new CourierError('connection-lost', `the session ended: ${event.close.code}`));
        this.#wants.end();
        this.#pace.end();
        void this.#lanes.close();
        return;
      case 'answered':
        this.#handleAnswer(event);
        return;
      case 'wanted':
        this.#wants.push(event);
        return;
      case 'confirmed':
        this.#bytesDone = event.bytes;
        this.#entriesDone = event.entries;
        this.#pace.reached(event.bytes - this.#bytesHeld);
        this.#lanes.arrived(event.bytes - this.#bytesHeld);
        return;
      case 'failures':
        for (const [page, position, reason] of event.failures) this.#failThere(page, position, reason);
        return;
      case 'receipt':
        this.#checkReceipt(event.receipt);
        return;
      default:
        assertNever(event);
    }
  }

  /** Lists everything and offers it page by page. */
  async #offer(): Promise<void> {
    await this.#opened.promise;
    this.#session.offer(this.#init.transfer, this.#init.label);
    const pager = new ManifestPager<SourcePageItem>();
    for await (const item of this.#init.source.list()) {
      if (this.#pump.isEnded) return;
      const page = item.type === 'entry' ? pager.add(item) : undefined;
      if (item.type === 'left-out') this.#leaveOut(item.path, item.reason);
      else if (page !== undefined) await this.#sendPage(page);
    }
    const last = pager.flush();
    if (last !== undefined) await this.#sendPage(last);
    if (this.#pump.isEnded) return;
    if (this.#entriesListed === 0) throw new CourierError('nothing-to-send', 'nothing could be offered');
    this.#session.endOffer(this.#leftOut);
    if (this.#state === 'offering') this.#state = 'waiting';
    await this.#pump.flush();
  }

  async #sendPage(items: readonly SourcePageItem[]): Promise<void> {
    if (this.#pump.isEnded) return;
    this.#ledger.append(items.map(({ entry, version }) => ({ entry, version })));
    this.#entriesListed += items.length;
    for (const { entry } of items) if (entry.kind === 'file') this.#bytesListed += entry.size;
    this.#session.sendPage(items.map(({ entry }) => entry));
    await this.#pump.flush();
    await this.#mayList.pass();
  }

  #leaveOut(path: string, reason: LeftOutReason): void {
    this.#init.observer?.leftOut?.(path, reason);
    if (reason === 'ignored' || reason === 'secret') {
      // As the user wants it: it is nothing that could not be sent, and nobody's but ours to know.
      this.#omitted += 1;
      return;
    }
    this.#leftOut += 1;
    if (reason === 'link' || reason === 'special') this.#skippedSpecials += 1;
    else this.#count(reason);
  }

  #handleAnswer({ page, decisions }: Extract<SenderEvent, { type: 'answered' }>): void {
    if (page === 0) this.#init.observer?.accepted?.();
    this.#state = 'moving';
    // One that still waits for a yes takes nothing from the others.
    this.#leave ??= this.#init.memory?.join((members) => this.#share(members));
    this.#lanes.begin({ most: this.#mostLanes, offeredBytes: this.#bytesListed });
    this.#session.serveUpTo(this.#ledger.decide(decisions).endChunk);
    this.#ledger.page(page).items.forEach(({ entry }, position) => {
      const decision = decisions[position];
      if (decision === 'take') return;
      if (entry.kind === 'file') this.#bytesNotTaken += entry.size;
      if (decision === 'skip') this.#init.observer?.skipped?.(entry.path);
      if (decision === 'refuse') this.#tell(entry.path, 'name-taken');
    });
  }

  /** Serves wants until there are no more. */
  async #serve(): Promise<void> {
    for await (const want of this.#wants) {
      await this.#ahead.acquire(1);
      const answer = await this.#answer(want).catch((error: unknown) => {
        this.#ahead.release(1);
        throw error;
      });
      if (answer?.type === 'data') await this.#send(want.index, answer.reply);
      else {
        this.#ahead.release(1);
        await this.#pump.flush();
      }
    }
  }

  /** What a want is answered; what needs no data has been said already. `undefined`: it is too late. */
  async #answer(want: Want): Promise<Answer | undefined> {
    await this.#pace.pass();
    if (this.#pump.isEnded) return undefined;
    const answer = await this.#read(want);
    if (this.#pump.isEnded) return undefined;
    if (answer.type === 'failed') this.#session.sendFailed(want.index, answer.reason);
    else this.#bytesHeld += answer.heldBytes;
    if (answer.type === 'same') this.#session.sendSame(want.index);
    return answer;
  }

  async #read(want: Want): Promise<Answer> {
    this.#answering += 1;
    this.#mayList.close();
    try {
      return await this.#reader.answer(want);
    } finally {
      this.#answering -= 1;
      if (this.#answering === 0) this.#mayList.open();
    }
  }

  /** Sends a reply over whichever lane has room; until one has, it counts as ahead. */
  async #send(index: number, reply: ChunkReply): Promise<void> {
    const hasLeft = await this.#lanes.send(index, (outlet) => {
      this.#ahead.release(1);
      if (!this.#pump.isEnded) this.#session.sendChunk(index, reply, outlet);
    });
    // Sent, so nobody looks at it any more; unless the lane broke, and then it does not matter.
    if (hasLeft) this.#reader.giveBack(reply);
  }

  #failHere(page: LedgerPage<SourcePageItem>, position: number, reason: EntryFailure): void {
    const current = this.#ledger.page(page.page);
    if (isEntryFailure(current.outcomeOf(position))) return;
    this.#ledger.settle(page.page, position, reason);
    this.#tell(page.itemAt(position).entry.path, reason);
  }

  #failThere(page: number, position: number, reason: EntryFailure): void {
    const item = this.#ledger.find(page, position);
    if (item === undefined) {
      throw new CourierError('protocol-error', 'a failure of an entry that was not offered');
    }
    if (isEntryFailure(this.#ledger.page(page).outcomeOf(position))) return;
    this.#ledger.settle(page, position, reason);
    this.#tell(item.entry.path, reason);
  }

  #tell(path: string, reason: EntryFailure): void {
    this.#count(reason);
    this.#init.observer?.entryFailed?.(path, reason);
  }

  #count(reason: EntryFailure): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** The receiver's word is believed only where it agrees with what we read. */
  #checkReceipt(receipt: Receipt): void {
    const { root, counts } = this.#ledger.close();
    const theirs = fromHex(receipt.root);
    if (theirs === undefined || !equalBytes(root, theirs) || counts.published !== receipt.published) {
      throw new CourierError('protocol-error', 'the receipt does not agree with what was sent');
    }
    this.#receipt = { root: toHex(root), counts };
    this.#bytesDone = counts.bytes;
    this.#entriesDone = this.#entriesListed;
    // First: who ends after that and offers the transfer again would find nobody who knows it.
    this.#init.observer?.received?.();
    this.#pump.close({ code: 'done' });
  }

  #tellLost(lane: number, chunks: readonly number[]): void {
    if (this.#pump.isEnded) return;
    this.#session.tellLost(lane, chunks);
    void this.#pump.flush();
  }

  #fail(error: unknown): void {
    this.#pump.close(sessionFailureOf(error));
  }
}
