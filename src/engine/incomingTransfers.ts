import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Deferred } from '../base/deferred.ts';
import type { EntryFailure, SessionFailure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Failure, OfferDetails, ReceivedSummary, TransferPhase, TransferSummary } from '../rpc/model.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import { Gone } from './gone.ts';
import type { HistoryFile } from './historyFile.ts';
import type { AcceptedRecord, RecordFiles } from './jobFiles.ts';
import type { Acceptance, IncomingPeer, ReceiverObserver, Receiving } from './receiver.ts';
import { FailedEntries, failureOfEnd, NO_PROGRESS, progressOf, standingStill } from './transferView.ts';

/** How long an offer waits for its user. */
const OFFER_LIFE_MS = 10 * 60 * 1000;
/** How long what helps a peer that lost our receipt is kept. */
const UNHEARD_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

export interface IncomingHost {
  readonly clock: Clock;
  readonly records: RecordFiles<AcceptedRecord>;
  readonly history: HistoryFile;
  readonly logger: Logger;
  /** Absolute: where offers are received unless the user says otherwise. */
  receiveFolder(): string;
  /** The largest offer that is accepted without asking, in bytes; `undefined` if each is asked about. */
  acceptLimit(): number | undefined;
  /** Absolute paths of the folders that are open in some window. */
  workspaceFolders(): readonly string[];
  /** Somebody has to ask the user. */
  ask(id: string): void;
  changed(): void;
  received(): void;
}

type Decision =
  | { readonly folder: ReceiveFolder; readonly onConflict: ConflictPolicy }
  | 'declined'
  | 'expired';

/** One incoming transfer over all its sessions. */
interface Incoming {
  readonly id: string;
  readonly peer: IncomingPeer;
  readonly startedAtMs: number;
  label: string;
  /** When no session says more. */
  phase: TransferPhase;
  progress: TransferSummary['progress'];
  session: Receiving | undefined;
  /** A session that a newer one takes the place of; settles when it has let go of the staging folder. */
  leaving: Deferred<void> | undefined;
  offer: OfferDetails | undefined;
  decision: Deferred<Decision> | undefined;
  accepted: AcceptedRecord | undefined;
  files: number;
  folders: number;
  failure: Failure | undefined;
  failed: FailedEntries;
  skipped: number;
  digest: string | undefined;
}

/**
 * The incoming transfers of this device: asks for consent once, remembers it over interruptions, and
 * takes up what a peer offers again under the same id.
 */
export class IncomingTransfers implements ReceiverObserver {
  readonly #host: IncomingHost;
  readonly #all = new Map<string, Incoming>();
  /** All of these is there and in the history, but the peer may not have heard so, and offer it again. */
  readonly #unheard = new Map<string, AcceptedRecord>();

  constructor(host: IncomingHost) {
    this.#host = host;
    const received = new Set(host.history.list().map(({ id }) => id));
    for (const record of host.records.list()) {
      const { id, peerName, label, startedAtMs } = record;
      const fingerprint = parseFingerprint(record.peer);
      if (fingerprint === undefined) continue;
      if (received.has(id)) {
        this.#keepUnheard(record);
        continue;
      }
      const incoming = newIncoming(id, { fingerprint, name: peerName }, startedAtMs);
      this.#all.set(id, { ...incoming, label, phase: 'interrupted', accepted: record });
    }
  }

  /** Whether something changes from moment to moment. */
  get isMoving(): boolean {
    return this.#live.length > 0;
  }

  get pendingOffers(): readonly string[] {
    return [...this.#all.values()].filter(({ decision }) => decision !== undefined).map(({ id }) => id);
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  summaries(): readonly TransferSummary[] {
    return [...this.#all.values()].map(summaryOf);
  }

  // What the receiver tells.

  started(receiving: Receiving): void {
    const { id, peer, label } = receiving;
    const existing = this.#all.get(id);
    if (existing !== undefined && existing.peer.fingerprint !== peer.fingerprint) {
      // An id is drawn at random: this is no accident.
      this.#host.logger.warn(`${peer.name} offered a transfer under the id of another peer's`);
      receiving.cancel();
      return;
    }
    const incoming = existing ?? this.#newIncoming(id, peer);
    if (incoming.session !== undefined) {
      // The peer has come back before we noticed that it was gone.
      incoming.leaving = deferred();
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
    this.#host.changed();
  }

  entryFailed(receiving: Receiving, path: string, reason: EntryFailure): void {
    this.#of(receiving)?.failed.add(path, reason);
  }

  refused(remoteAddress: string, reason: SessionFailure): void {
    this.#host.logger.warn(`turned away ${printable(remoteAddress)}: ${reason}`);
  }

  ended(receiving: Receiving, report: IncomingReport): void {
    const incoming = this.#all.get(receiving.id);
    if (incoming?.session !== receiving) {
      incoming?.leaving?.resolve();
      return;
    }
    incoming.progress = standingStill(latest(incoming, receiving));
    incoming.session = undefined;
    incoming.offer = undefined;
    incoming.decision = undefined;
    if (report.receipt === undefined) this.#endWithout(incoming, report);
    else this.#finish(incoming, report.receipt);
    // Unless the peer has heard of the receipt, it will offer the transfer again.
    if (report.end.close.code === 'done') this.#forget(incoming);
    this.#host.changed();
  }

  async consent(
    peer: IncomingPeer,
    summary: OfferSummary,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Acceptance | undefined> {
    const incoming = this.#all.get(summary.transfer);
    if (incoming === undefined || incoming.peer.fingerprint !== peer.fingerprint) return undefined;
    await incoming.leaving?.promise;
    incoming.leaving = undefined;
    incoming.files = summary.totals.files;
    incoming.folders = summary.totals.entries - summary.totals.files;
    const { accepted } = incoming;
    if (accepted !== undefined && isWithin(summary, accepted.agreed)) {
      incoming.phase = 'moving';
      this.#host.changed();
      return { folder: ReceiveFolder.open(accepted.folder), onConflict: accepted.onConflict, resume: true };
    }
    const decision =
      this.#decidesByItself(summary, this.#details(summary)) ?? (await this.#ask(incoming, summary, signal));
    // What was agreed to before was another offer.
    this.#discard(incoming);
    if (typeof decision === 'string') {
      if (decision === 'expired') incoming.failure = { code: 'timed-out', detail: '', origin: 'local' };
      return undefined;
    }
    this.#accept(incoming, decision, summary);
    return decision;
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

  /** Whether it was there and had ended. */
  remove(id: string): boolean {
    const incoming = this.#all.get(id);
    if (incoming === undefined) return false;
    if (incoming.session !== undefined || incoming.phase === 'interrupted') return false;
    this.#all.delete(id);
    this.#host.changed();
    return true;
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

  #details({ totals, roots, rootCount, largest }: OfferSummary): OfferDetails {
    const folder = this.#host.receiveFolder();
    return {
      files: totals.files,
      folders: totals.entries - totals.files,
      bytes: totals.bytes,
      roots: roots.map((name) => printable(name)),
      rootCount,
      largest: largest.map(({ path, sizeBytes }) => ({ path: printable(path), sizeBytes })),
      folder,
      conflicts: roots.filter((name) => isTaken(join(folder, name))).length,
      isInWorkspace: this.#host.workspaceFolders().some((workspace) => isInside(folder, workspace)),
      deadlineMs: Date.now() + OFFER_LIFE_MS,
    };
  }

  /** A known peer's offer may be accepted by the user's settings; never into an open workspace. */
  #decidesByItself({ totals }: OfferSummary, details: OfferDetails): Decision | undefined {
    const limit = this.#host.acceptLimit();
    if (limit === undefined || totals.bytes > limit || details.isInWorkspace) return undefined;
    return { folder: ReceiveFolder.open(details.folder), onConflict: 'keep-both' };
  }

  async #ask(incoming: Incoming, summary: OfferSummary, signal: AbortSignal): Promise<Decision> {
    const decision = deferred<Decision>();
    incoming.offer = this.#details(summary);
    incoming.decision = decision;
    incoming.phase = 'asking';
    const disarm = this.#host.clock.schedule(OFFER_LIFE_MS, () => decision.resolve('expired'));
    const leave = (): void => decision.resolve('declined');
    signal.addEventListener('abort', leave);
    this.#host.changed();
    this.#host.ask(incoming.id);
    try {
      return await decision.promise;
    } finally {
      disarm();
      signal.removeEventListener('abort', leave);
      incoming.decision = undefined;
      incoming.offer = undefined;
      this.#host.changed();
    }
  }

  #accept(
    incoming: Incoming,
    { folder, onConflict }: Exclude<Decision, string>,
    { roots, rootCount, totals }: OfferSummary,
  ): void {
    const { id, peer, label, startedAtMs } = incoming;
    incoming.phase = 'moving';
    const accepted: AcceptedRecord = {
      id,
      peer: peer.fingerprint,
      peerName: peer.name,
      label,
      folder: folder.location,
      onConflict,
      agreed: { roots: [...roots], rootCount, files: totals.files, bytes: totals.bytes },
      startedAtMs,
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

  #endWithout(incoming: Incoming, { end }: IncomingReport): void {
    const failure = failureOfEnd(end);
    const code = failure?.code;
    if (code === 'declined' || code === 'cancelled') {
      incoming.phase = code;
      this.#discard(incoming);
      return;
    }
    incoming.failure = failure;
    // What was agreed to stays agreed to: the peer may come back.
    if (incoming.accepted === undefined) incoming.phase = 'failed';
    else incoming.phase = 'interrupted';
  }

  #newIncoming(id: string, peer: IncomingPeer): Incoming {
    const incoming = newIncoming(id, peer, Date.now());
    const unheard = this.#unheard.get(id);
    if (unheard?.peer === peer.fingerprint) incoming.accepted = unheard;
    return incoming;
  }

  #keepUnheard(record: AcceptedRecord): void {
    if (Date.now() - record.startedAtMs < UNHEARD_LIFE_MS) this.#unheard.set(record.id, record);
    else this.#discardRecord(record);
  }

  #discard(incoming: Incoming): void {
    if (incoming.accepted === undefined) return;
    this.#discardRecord(incoming.accepted);
    incoming.accepted = undefined;
  }

  #discardRecord({ id, folder }: AcceptedRecord): void {
    try {
      ReceiveFolder.open(folder).discardTransfer(id);
    } catch (error) {
      this.#host.logger.warn(`what was received of ${id} could not be removed: ${String(error)}`);
    }
    this.#host.records.remove(id);
  }

  #forget(incoming: Incoming): void {
    incoming.accepted = undefined;
    this.#host.records.remove(incoming.id);
  }
}

/** Whether an offer is no more than what was agreed to: the same names, no more files, no more bytes. */
function isWithin({ roots, rootCount, totals }: OfferSummary, agreed: AcceptedRecord['agreed']): boolean {
  return (
    rootCount === agreed.rootCount &&
    roots.length === agreed.roots.length &&
    roots.every((name, at) => name === agreed.roots[at]) &&
    totals.files <= agreed.files &&
    totals.bytes <= agreed.bytes
  );
}

function newIncoming(id: string, peer: IncomingPeer, startedAtMs: number): Incoming {
  return {
    id,
    peer,
    startedAtMs,
    label: '',
    phase: 'offering',
    progress: NO_PROGRESS,
    session: undefined,
    leaving: undefined,
    offer: undefined,
    decision: undefined,
    accepted: undefined,
    files: 0,
    folders: 0,
    failure: undefined,
    failed: new FailedEntries(),
    skipped: 0,
    digest: undefined,
  };
}

function summaryOf(incoming: Incoming): TransferSummary {
  const { id, peer, label, startedAtMs, session, offer, failure, failed, skipped, digest } = incoming;
  return {
    id,
    direction: 'incoming',
    peer: { name: peer.name, fingerprint: peer.fingerprint },
    label,
    phase: phaseNow(incoming),
    progress: session === undefined ? incoming.progress : latest(incoming, session),
    startedAtMs,
    window: undefined,
    offer,
    failure,
    retryAtMs: undefined,
    failedCount: failed.count,
    failedEntries: failed.first,
    skippedCount: skipped,
    digest,
  };
}

function phaseNow({ phase, session }: Incoming): TransferPhase {
  if (session === undefined || phase !== 'moving') return phase;
  const { state } = session.snapshot();
  return state === 'paused' || state === 'publishing' ? state : phase;
}

/** A resumed transfer runs up to where it was; until then the user sees where it was. */
function latest({ progress }: Incoming, session: Receiving): TransferSummary['progress'] {
  const current = progressOf(session.snapshot());
  if (current.bytesDone >= progress.bytesDone) return current;
  const { bytesDone, bytesTotal, entriesDone, entriesTotal } = progress;
  return { ...current, bytesDone, bytesTotal, entriesDone, entriesTotal, remainingMs: undefined };
}

function isTaken(location: string): boolean {
  return lstatSync(location, { throwIfNoEntry: false }) !== undefined;
}

function isInside(location: string, folder: string): boolean {
  const [inner, outer] = [realLocation(location), realLocation(folder)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

/** Where a path leads, links resolved as far as it exists. */
function realLocation(location: string): string {
  try {
    return realpathSync(location);
  } catch {
    const parent = dirname(location);
    return parent === location ? location : join(realLocation(parent), location.slice(parent.length));
  }
}
