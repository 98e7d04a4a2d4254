import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Deferred } from '../base/deferred.ts';
import type { EntryFailure, SessionFailure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Failure, OfferDetails, ReceivedSummary, TransferSummary } from '../rpc/model.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import { discardReceived, heldBytesOf, reopenFolder } from './acceptedFolder.ts';
import { agreedOf, isWithin } from './agreement.ts';
import { Gone } from './gone.ts';
import type { HistoryFile } from './historyFile.ts';
import { hasEnded, leftIncoming, newIncoming, progressNow, summaryOf } from './incoming.ts';
import type { Choice, Decision, Incoming } from './incoming.ts';
import type { AcceptedRecord, RecordFiles } from './jobFiles.ts';
import { offerDetails } from './offerDetails.ts';
import { NOTE_EVERY_MS } from './outgoingJob.ts';
import { OFFER_LIFE_MS, OfferQuestions } from './offerQuestions.ts';
import type { Acceptance, IncomingPeer, ReceiverObserver, Receiving } from './receiver.ts';
import type { TransferLock } from './transferLock.ts';
import { FailedEntries, failureOfEnd, standingStill } from './transferView.ts';

/** How long what helps a peer that lost our receipt is kept. */
const UNHEARD_LIFE_MS = 7 * 24 * 60 * 60 * 1000;
/** How many that have ended are listed, the latest ones; a peer may offer and cancel as often as it likes. */
const MOST_ENDED = 100;

export interface IncomingHost {
  readonly clock: Clock;
  readonly records: RecordFiles<AcceptedRecord>;
  readonly history: HistoryFile;
  readonly logger: Logger;
  /** Absolute: where a peer's offers are received unless the user says otherwise. */
  receiveFolder(peer: IncomingPeer): string;
  /** Decides on an offer; `undefined`: the user has to, by `accept` or `decline`. The signal: too late. */
  decide(
    peer: IncomingPeer,
    summary: OfferSummary,
    options: { readonly details: OfferDetails; readonly signal: AbortSignal },
  ): Promise<Choice | 'declined' | undefined> | Choice | 'declined' | undefined;
  /** Absolute paths of the folders that are open in some window. */
  workspaceFolders(): readonly string[];
  /** Somebody has to ask the user. */
  ask(id: string): void;
  /** What this device fetches of its own accord, by the transfer's id; absent, nothing. */
  readonly fetches?: {
    /** Whether it is connected for this one, and no offer has come yet. */
    isConnected(id: string): boolean;
    /** Another connection brings it. */
    giveWay(id: string): void;
  };
  /** Whether an id is that of something else here, which a peer may know. */
  isTaken?(id: string): boolean;
  /** Whether every offer of a peer is taken, whatever will be listed in it. */
  takesEverything?(peer: IncomingPeer): boolean;
  /** Where several processes share the records: takes a transfer, or throws `busy`. */
  lock?(id: string): Promise<TransferLock>;
  changed(): void;
  received(): void;
}

/** What the end of a session is to its transfer. */
export type Ending =
  /** A newer session has taken its place. */
  | 'superseded'
  /** What was received is kept until the peer comes back. */
  | 'interrupted'
  /** Everything is there, but the peer may not know and come back. */
  | 'unheard'
  | 'ended';

/**
 * The incoming transfers of this device: asks for consent once, remembers it over interruptions, and
 * takes up what a peer offers again under the same id. What was agreed to is what the records say: another
 * process may have removed one. It is one file because all of it decides on one table: what runs, what waits and what
 * was agreed to must never disagree.
 */
export class IncomingTransfers implements ReceiverObserver {
  // Immutable.
  readonly #host: IncomingHost;
  readonly #questions: OfferQuestions;

  // Mutable.
  readonly #all = new Map<string, Incoming>();
  #isNoting = false;
  /** Whoever waits until no session of a transfer runs. */
  readonly #idle = new Map<string, Deferred<void>>();

  constructor(host: IncomingHost) {
    this.#host = host;
    this.#questions = new OfferQuestions(host);
    const unheard: AcceptedRecord[] = [];
    for (const record of host.records
      .list()
      .toSorted((left, right) => left.startedAtMs - right.startedAtMs)) {
      const fingerprint = parseFingerprint(record.peer);
      if (fingerprint === undefined) continue;
      if (this.hasReceived(record.id)) {
        // All of it is there, but the peer may not have heard so, and offer it again.
        unheard.push(record);
        continue;
      }
      const peer = { fingerprint, name: record.peerName };
      const seen = host.records.lastSeen(record.id);
      this.#all.set(record.id, leftIncoming(record, peer, { seen, heldBytes: heldBytesOf(record) }));
    }
    for (const [at, record] of unheard.toReversed().entries()) {
      const isOld = Date.now() - record.startedAtMs >= UNHEARD_LIFE_MS;
      if (isOld || at >= MOST_ENDED) this.#discardRecord(record);
    }
  }

  /** Whether something changes from moment to moment. */
  get isMoving(): boolean {
    return this.#live.length > 0;
  }

  /** Those that the user has been asked about, or should be now. */
  get pendingOffers(): readonly string[] {
    return [...this.#all.values()].filter((incoming) => this.#questions.isDue(incoming)).map(({ id }) => id);
  }

  /** How many of a peer's wait for it to come back. */
  countInterrupted(fingerprint: string): number {
    return [...this.#all.values()].filter(
      ({ peer, phase }) => peer.fingerprint === fingerprint && phase === 'interrupted',
    ).length;
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  /** Resolves when no session of a transfer runs. */
  async whenIdle(id: string): Promise<void> {
    while (this.#all.get(id)?.session !== undefined) {
      const idle = this.#idle.get(id) ?? deferred<void>();
      this.#idle.set(id, idle);
      await idle.promise;
    }
  }

  /** Whether there is a reason to fetch more of a transfer: it has not ended, or its peer may not know that it has. */
  isUnfinished(id: string): boolean {
    const incoming = this.#all.get(id);
    if (incoming === undefined) return false;
    const { phase, accepted } = incoming;
    return phase === 'interrupted' || phase === 'failed' || (phase === 'done' && accepted !== undefined);
  }

  /** Whether its user has agreed to it, so that it outlives this process. */
  isAccepted(id: string): boolean {
    return this.#all.get(id)?.accepted !== undefined;
  }

  /** Why one that was interrupted does not go on by itself. */
  failed(id: string, failure: Failure): void {
    const incoming = this.#all.get(id);
    if (incoming?.phase !== 'interrupted' || incoming.session !== undefined) return;
    incoming.failure = failure;
    this.#note(incoming);
    this.#host.changed();
  }

  /** Those that were interrupted and that this device dials for. */
  get fetchable(): readonly { readonly id: string; readonly peer: IncomingPeer }[] {
    return [...this.#all.values()].filter(
      ({ isFetched, phase, session }) => isFetched && phase === 'interrupted' && session === undefined,
    );
  }

  /** Whether all of a transfer is there, whatever the peer knows of that. */
  hasReceived(id: string): boolean {
    return this.#host.history.list().some((item) => item.id === id);
  }

  summary(id: string): TransferSummary | undefined {
    const incoming = this.#all.get(id);
    return incoming === undefined ? undefined : summaryOf(incoming);
  }

  summaries(): readonly TransferSummary[] {
    return [...this.#all.values()].map(summaryOf);
  }

  // What the receiver tells.

  started(receiving: Receiving): void {
    const { id, peer, label } = receiving;
    const record = this.#host.records.find(id);
    const existing = this.#all.get(id);
    const owner = existing?.peer.fingerprint ?? record?.peer ?? peer.fingerprint;
    if (owner !== peer.fingerprint || this.#host.isTaken?.(id) === true) {
      // An id is drawn at random: this is no accident.
      this.#host.logger.warn(`offered under the id of another transfer: by ${printable(peer.name)}`);
      receiving.cancel();
      return;
    }
    if (this.#isCrossed(receiving, existing)) {
      receiving.giveWay();
      return;
    }
    const incoming = existing ?? newIncoming(id, peer, record?.startedAtMs ?? Date.now());
    incoming.isFetched ||= receiving.isFetched;
    if (incoming.session === undefined) incoming.accepted = record;
    else {
      // The peer has come back before we noticed that it was gone.
      incoming.leaving.set(incoming.session, deferred());
      incoming.session.interrupt();
    }
    incoming.session = receiving;
    incoming.label = label;
    incoming.phase = 'offering';
    incoming.failure = undefined;
    incoming.failed = new FailedEntries();
    // Latest last; what comes again moves up.
    this.#all.delete(id);
    this.#all.set(id, incoming);
    this.#startNoting();
    this.#host.changed();
  }

  listed(receiving: Receiving, summary: OfferSummary): void {
    const incoming = this.#of(receiving);
    if (incoming === undefined) return;
    incoming.files = summary.totals.files;
    incoming.folders = summary.totals.entries - summary.totals.files;
    const { accepted } = incoming;
    if (accepted === undefined || accepted.agreed.rootCount > 0) return;
    // It was agreed to before anything was known of it.
    incoming.accepted = { ...accepted, agreed: agreedOf(summary) };
    this.#host.records.write(incoming.accepted);
  }

  entryFailed(receiving: Receiving, path: string, reason: EntryFailure): void {
    this.#of(receiving)?.failed.add(path, reason);
  }

  refused(remoteAddress: string, reason: SessionFailure): void {
    this.#host.logger.warn(`turned away: ${printable(remoteAddress)}, ${reason}`);
  }

  ended(receiving: Receiving, report: IncomingReport): Ending {
    const incoming = this.#all.get(receiving.id);
    if (incoming?.session !== receiving) {
      if (incoming !== undefined && report.isAnswered) incoming.isUntold = false;
      incoming?.leaving.get(receiving)?.resolve();
      incoming?.leaving.delete(receiving);
      return 'superseded';
    }
    incoming.progress = standingStill(progressNow(incoming));
    incoming.session = undefined;
    incoming.offer = undefined;
    incoming.decision = undefined;
    this.#idle.get(receiving.id)?.resolve();
    this.#idle.delete(receiving.id);
    if (report.receipt === undefined) this.#endWithout(incoming, report);
    else this.#finish(incoming, report.receipt);
    // Unless the peer has heard of the receipt, it will offer the transfer again.
    if (report.end.close.code === 'done') this.#forget(incoming);
    incoming.lock?.release();
    incoming.lock = undefined;
    this.#drop(incoming);
    // What ended last is listed longest.
    if (!incoming.isDiscarded) this.#all.set(incoming.id, incoming);
    this.#dropOldest();
    this.#host.changed();
    if (incoming.phase === 'interrupted') return 'interrupted';
    return incoming.phase === 'done' && incoming.accepted !== undefined ? 'unheard' : 'ended';
  }

  async consent(
    peer: IncomingPeer,
    summary: OfferSummary,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Acceptance | undefined> {
    const incoming = this.#all.get(summary.transfer);
    if (incoming === undefined || incoming.peer.fingerprint !== peer.fingerprint) return undefined;
    // A session that is over would wait for itself.
    if (signal.aborted) return undefined;
    await Promise.all([...incoming.leaving.values()].map(({ promise }) => promise));
    await this.#lock(incoming, signal);
    if (signal.aborted) return undefined;
    const { accepted } = incoming;
    const isAgreed = this.#host.takesEverything?.(peer) === true || isWithin(summary, accepted?.agreed);
    if (accepted !== undefined && isAgreed) {
      const folder = reopenFolder(accepted);
      incoming.phase = 'moving';
      this.#host.changed();
      return { folder, onConflict: accepted.onConflict, resume: true };
    }
    const decision = await this.#decide(incoming, summary, signal);
    // Who comes back is asked about again; until then nothing is decided.
    if (decision === 'gone') return undefined;
    const isSamePlace =
      typeof decision !== 'string' &&
      decision.folder.location === accepted?.folder &&
      decision.onConflict === accepted.onConflict;
    // What was agreed to before was another offer, and goes elsewhere.
    if (!isSamePlace) this.#discard(incoming);
    if (typeof decision === 'string') {
      if (decision === 'expired') incoming.failure = { code: 'timed-out', detail: '', origin: 'local' };
      return undefined;
    }
    // Nobody has a record of what may lie there: it was given up while the folder was away.
    if (!isSamePlace) decision.folder.discardTransfer(incoming.id);
    this.#accept(incoming, decision, summary);
    incoming.isUntold = !isSamePlace;
    return { ...decision, resume: isSamePlace };
  }

  // What the user decides.

  accept(
    id: string,
    choice: { readonly folder?: string | undefined; readonly onConflict: ConflictPolicy },
  ): void {
    const { decision, offer } = this.#pending(id);
    // If the folder cannot be used, the offer stays open for another choice.
    const folder = ReceiveFolder.open(choice.folder ?? offer.folder);
    decision.resolve({ folder, onConflict: choice.onConflict });
  }

  decline(id: string): void {
    this.#pending(id).decision.resolve('declined');
  }

  pause(id: string): void {
    this.#find(id)?.session?.pause();
    this.#host.changed();
  }

  resume(id: string): void {
    this.#find(id)?.session?.resume();
    this.#host.changed();
  }

  /** Ends it; what has arrived and is not published is removed. */
  cancel(id: string): void {
    const incoming = this.#find(id);
    if (incoming?.decision !== undefined) incoming.decision.resolve('declined');
    else if (incoming?.session !== undefined) incoming.session.cancel();
    else if (incoming?.phase === 'interrupted') {
      this.#discard(incoming);
      incoming.phase = 'cancelled';
      incoming.failure = undefined;
      this.#host.changed();
    }
  }

  /** Ends it, if it has not ended, and takes it off the list; nothing that is not published stays. */
  discard(id: string): void {
    const incoming = this.#all.get(id);
    if (incoming === undefined) throw new Gone(id);
    incoming.isDiscarded = true;
    this.cancel(id);
    if (incoming.session === undefined) this.#drop(incoming);
    this.#host.changed();
  }

  /** Whether it was there and had ended. */
  remove(id: string): boolean {
    const incoming = this.#all.get(id);
    if (incoming === undefined) return false;
    if (incoming.session !== undefined || incoming.phase === 'interrupted') return false;
    this.#drop(incoming);
    this.#host.changed();
    return true;
  }

  /**
   * Its user has forgotten a peer: what runs with it or waits for it ends and is taken off the list, and nothing that
   * was agreed to holds any more. What has arrived whole stays.
   */
  forgetPeer(fingerprint: string): void {
    for (const { id, peer, session, phase } of this.#all.values()) {
      const isOpen = session !== undefined || phase === 'interrupted';
      if (isOpen && peer.fingerprint === fingerprint) this.discard(id);
    }
    // Also what another process has left, and what is kept in case the peer has not heard that all has arrived.
    for (const record of this.#host.records.list()) {
      const incoming = this.#all.get(record.id);
      if (record.peer !== fingerprint || incoming?.session !== undefined) continue;
      this.#discardRecord(record);
      if (incoming !== undefined) incoming.accepted = undefined;
    }
  }

  /**
   * Whether a session that begins has to give way: the two devices have dialled each other, and the other connection is
   * the one that goes on. If it is this one, the other gives way.
   */
  #isCrossed(receiving: Receiving, existing: Incoming | undefined): boolean {
    const { id, isFetched, isPreferred } = receiving;
    const running = existing?.session;
    // Who has dialled twice has given the first one up.
    if (running !== undefined && running.isFetched !== isFetched && !isPreferred) return true;
    const { fetches } = this.#host;
    if (isFetched || fetches === undefined) return false;
    if (fetches.isConnected(id) && !isPreferred) return true;
    fetches.giveWay(id);
    return false;
  }

  get #live(): readonly Incoming[] {
    return [...this.#all.values()].filter(({ session }) => session !== undefined);
  }

  #of(receiving: Receiving): Incoming | undefined {
    const incoming = this.#all.get(receiving.id);
    return incoming?.session === receiving ? incoming : undefined;
  }

  #find(id: string): Incoming | undefined {
    return this.#all.get(id);
  }

  #pending(id: string): { readonly decision: Deferred<Decision>; readonly offer: OfferDetails } {
    const incoming = this.#all.get(id);
    if (incoming?.decision === undefined || incoming.offer === undefined) throw new Gone(id);
    return { decision: incoming.decision, offer: incoming.offer };
  }

  async #decide(incoming: Incoming, summary: OfferSummary, signal: AbortSignal): Promise<Decision> {
    const details = offerDetails(summary, {
      folder: this.#host.receiveFolder(incoming.peer),
      workspaceFolders: this.#host.workspaceFolders(),
      deadlineMs: Date.now() + OFFER_LIFE_MS,
    });
    const decision = await this.#host.decide(incoming.peer, summary, { details, signal });
    if (signal.aborted) return 'gone';
    return decision ?? this.#questions.ask(incoming, details, signal);
  }

  #accept(incoming: Incoming, { folder, onConflict }: Choice, summary: OfferSummary): void {
    const { id, peer, label, startedAtMs } = incoming;
    incoming.phase = 'moving';
    const accepted: AcceptedRecord = {
      id,
      peer: peer.fingerprint,
      peerName: peer.name,
      label,
      folder: folder.location,
      folderIdentity: folder.identity,
      onConflict,
      agreed: agreedOf(summary),
      startedAtMs,
      ...(incoming.isFetched ? { isFetched: true } : {}),
    };
    incoming.accepted = accepted;
    this.#host.records.write(accepted);
  }

  #finish(incoming: Incoming, { root, counts, names }: NonNullable<IncomingReport['receipt']>): void {
    const { id, peer, label, accepted, files } = incoming;
    incoming.phase = 'done';
    incoming.digest = root;
    incoming.skipped = counts.skipped + counts.same;
    if (accepted === undefined) return;
    const item: ReceivedSummary = {
      id,
      label,
      peer: { name: peer.name, fingerprint: peer.fingerprint },
      folder: accepted.folder,
      names,
      files,
      folders: incoming.folders,
      bytes: counts.bytes,
      digest: root,
      receivedAtMs: Date.now(),
    };
    this.#host.history.add(item);
    this.#host.received();
  }

  #endWithout(incoming: Incoming, { end, isAnswered }: IncomingReport): void {
    const failure = failureOfEnd(end);
    const code = failure?.code;
    if (code === 'declined' || code === 'cancelled') {
      incoming.phase = code;
      this.#discard(incoming);
      return;
    }
    incoming.failure = failure;
    if (isAnswered) incoming.isUntold = false;
    if (incoming.isUntold) this.#discard(incoming);
    if (incoming.accepted === undefined) {
      incoming.phase = 'failed';
      return;
    }
    // What was agreed to stays agreed to: the peer may come back.
    incoming.phase = 'interrupted';
    incoming.heldBytes = heldBytesOf(incoming.accepted);
    this.#note(incoming);
  }

  /** Makes it this process's until its session ends. */
  async #lock(incoming: Incoming, signal: AbortSignal): Promise<void> {
    incoming.lock ??= await this.#host.lock?.(incoming.id);
    if (!signal.aborted) return;
    incoming.lock?.release();
    incoming.lock = undefined;
  }

  /** Writes down now and then how far what moves is, while something does. */
  #startNoting(): void {
    if (this.#isNoting) return;
    this.#isNoting = true;
    this.#host.clock.schedule(NOTE_EVERY_MS, () => {
      this.#isNoting = false;
      for (const incoming of this.#live) this.#note(incoming);
      if (this.#live.length > 0) this.#startNoting();
    });
  }

  #note(incoming: Incoming): void {
    // What another process runs is not ours to tell of.
    const isOurs = this.#host.lock === undefined || incoming.lock !== undefined;
    if (incoming.accepted === undefined || !isOurs) return;
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = progressNow(incoming);
    this.#host.records.noteLastSeen(incoming.id, {
      progress: { bytesDone, bytesTotal, entriesDone, entriesTotal },
      ...(incoming.failure === undefined ? {} : { failure: incoming.failure }),
    });
  }

  #discard(incoming: Incoming): void {
    if (incoming.accepted === undefined) return;
    this.#discardRecord(incoming.accepted);
    incoming.accepted = undefined;
  }

  #discardRecord(record: AcceptedRecord): void {
    try {
      discardReceived(record);
    } catch (error) {
      this.#host.logger.warn(`what was received could not be removed: of ${record.id}, ${String(error)}`);
    }
    this.#host.records.remove(record.id);
  }

  #forget(incoming: Incoming): void {
    incoming.accepted = undefined;
    this.#host.records.remove(incoming.id);
  }

  /** What comes after this many others is not listed any more; of what its peer has not heard, nothing is kept. */
  #dropOldest(): void {
    const ended = [...this.#all.values()].filter(hasEnded);
    for (const incoming of ended.slice(0, -MOST_ENDED)) {
      this.#discard(incoming);
      this.#drop(incoming);
    }
  }

  #drop(incoming: Incoming): void {
    this.#all.delete(incoming.id);
  }
}
