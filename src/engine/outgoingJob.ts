import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { EntryFailure, SessionFailure } from '../base/failure.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import { INVITE_LIFE_MS } from '../peers/invite.ts';
import type { OpenShare } from '../peers/trust.ts';
import type { Failure, Progress, TransferPhase, TransferSummary } from '../rpc/model.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { LeftOutReason } from '../transfer/ports.ts';
import { isInterruption, retryDelayMs } from '../transfer/retryPolicy.ts';
import type { Patience } from '../transfer/retryPolicy.ts';
import type { JobRecord, LastSeen } from './jobFiles.ts';
import type { Arrival, SendHandle, SendObserver } from './sender.ts';
import {
  FailedEntries,
  failureOfEnd,
  failureOfError,
  furthest,
  NO_PROGRESS,
  progressOf,
  restedAt,
  standingStill,
} from './transferView.ts';

/** How often it is written down how far a transfer is, while it moves. */
export const NOTE_EVERY_MS = 2000;

/** Of many that dial one peer at once, it may put some out before it has let them in; these knock again. */
const MOST_KNOCKS = 3;
const KNOCK_AGAIN_MS = 500;
const PUT_OUT: ReadonlySet<string> = new Set(['connection-lost', 'not-peer-courier']);

/** What a job needs of the process it runs in. */
export interface JobHost {
  readonly clock: Clock;
  /** How long it waits for the world to mend before it leaves it to the user. */
  readonly patience: Patience;
  /** Whether one that only the user can go on with is waited for; if not, {@link OutgoingJob.run} resolves. */
  readonly waitsForUser: boolean;
  /** Runs one session for the job, to its end: over the connection of a peer that has dialled us, if there is one. */
  attempt(
    record: JobRecord,
    observer: SendObserver,
    options: { readonly signal: AbortSignal; readonly arrival?: Arrival },
  ): Promise<OutgoingReport>;
  /** The peer's name as it is known now. */
  nameOf(fingerprint: string): string;
  keep(record: JobRecord): void;
  /** How it stands; nothing depends on it. */
  note(record: JobRecord, seen: LastSeen): void;
  /** It has ended, or nobody has accepted it: nothing of it needs to outlive this process. */
  forget(record: JobRecord): void;
  changed(): void;
}

/**
 * One outgoing transfer over all its sessions, as the user sees it:
 *
 *     connecting ─▶ offering ─▶ waiting ─▶ moving ─▶ publishing ─▶ done
 *         ▲                                  │ ▲
 *         └── interrupted ◀── (broken) ──────┘ └──▶ paused        declined, cancelled, failed: from anywhere
 *
 * One that is shared begins as `shared` and waits for whoever redeems its invite. From then on that is its peer, which
 * may dial us at any time; a session of ours with it gives way if it is not the one that goes on when the two cross.
 *
 * Only a transfer that the peer has accepted is tried again by itself, and outlives its process until it has
 * ended; one that never came so far tells its user at once, or after a few knocks if the door was shut on it. One that
 * failed for a reason that does not pass is kept, too, for its user to retry or to discard.
 */
export class OutgoingJob {
  // Immutable.
  readonly #host: JobHost;

  // Mutable.
  #record: JobRecord;
  /** Whether the peer has answered in the latest session. */
  #wasLetIn = false;
  /** Of the time when no session says more. */
  #phase: TransferPhase = 'connecting';
  #progress: Progress = NO_PROGRESS;
  #session: SendHandle | undefined;
  #failure: Failure | undefined;
  #failed = new FailedEntries();
  #skipped = 0;
  #digest: string | undefined;
  #retryAtMs: number | undefined;
  #abort = new AbortController();
  /** Ends a wait: for the next attempt, or for the user. */
  #wake = deferred<void>();
  #run: Promise<void> | undefined;
  #isCancelled = false;
  #isLeaving = false;
  #disarmNotes: () => void = () => undefined;
  /** The peer has dialled us: the next attempt is over this connection. */
  #arrival: Arrival | undefined;
  /** The attempt that is under way: whether the peer has dialled, and what ends one that is not connected yet. */
  #attempting: { readonly isArrival: boolean; readonly giveWay: AbortController } | undefined;

  /** `seen` is how an earlier process left it. */
  constructor(record: JobRecord, host: JobHost, seen?: LastSeen) {
    this.#record = record;
    this.#host = host;
    if (seen !== undefined) this.#progress = restedAt(seen.progress);
    this.#failure = seen?.failure;
    if (seen?.failure !== undefined && !mayPass(seen.failure)) this.#phase = 'failed';
    else if (record.isPaused) this.#phase = 'paused';
    else if (record.wasAccepted) this.#phase = 'interrupted';
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): JobRecord {
    return this.#record;
  }

  get hasEnded(): boolean {
    return this.#run === undefined;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#run ?? Promise.resolve();
  }

  /** Its peer has agreed to it, or has come for it: it is tried again, and outlives this process until it has ended. */
  get isLasting(): boolean {
    return this.#record.wasAccepted || (this.#record.share !== undefined && !this.#isUnredeemed);
  }

  /** Whether it changes from moment to moment. */
  get isMoving(): boolean {
    return this.#session !== undefined;
  }

  /** Goes on until the transfer has ended, or only its user can go on. Never rejects. */
  async run(): Promise<void> {
    this.#run ??= this.#goOn();
    await this.#run;
  }

  async #goOn(): Promise<void> {
    this.#isCancelled = false;
    this.#isLeaving = false;
    this.#abort = new AbortController();
    let attempt = 0;
    let knocks = 0;
    let movedAt = this.#host.clock.now();
    while (!this.#isCancelled && !this.#isLeaving) {
      if (this.#record.isPaused && this.#arrival === undefined) {
        await this.#rest('paused');
        continue;
      }
      if (this.#isUnredeemed && this.#arrival === undefined) {
        if (await this.#waitForRedemption()) continue;
        break;
      }
      const before = this.#progress.bytesDone;
      const failure = await this.#attempt();
      if (failure === undefined || this.#isCancelled || this.#isLeaving) break;
      // The peer has come by itself meanwhile: what became of the other attempt does not matter.
      if (this.#arrival !== undefined) continue;
      knocks = this.#wasPutOut(failure) ? knocks + 1 : 0;
      if (knocks > 0 && knocks < MOST_KNOCKS) {
        await this.#wait(KNOCK_AGAIN_MS);
        continue;
      }
      this.#failure = failure;
      if (this.#isOver(failure)) break;
      if (this.#progress.bytesDone > before) {
        attempt = 0;
        movedAt = this.#host.clock.now();
      }
      attempt += 1;
      const { clock, patience, waitsForUser } = this.#host;
      const standstillMs = clock.now() - movedAt;
      const delayMs = retryDelayMs({ attempt, code: failure.code, standstillMs }, patience);
      if (delayMs === undefined && !waitsForUser) {
        this.#phase = 'interrupted';
        break;
      }
      if (await this.#rest('interrupted', delayMs)) {
        attempt = 0;
        movedAt = clock.now();
      }
    }
    this.#run = undefined;
    this.#arrival?.refuse(this.#isCancelled ? 'cancelled' : 'busy');
    this.#arrival = undefined;
    this.#settle();
    this.#host.changed();
  }

  /** Waits until somebody has come with the invite; `false`: nobody has, in time. */
  async #waitForRedemption(): Promise<boolean> {
    const leftMs = this.#record.startedAtMs + INVITE_LIFE_MS - Date.now();
    if (leftMs > 0 && (await this.#rest('shared', leftMs))) return true;
    this.#failure = { code: 'invite-expired', detail: '', origin: 'local' };
    this.#phase = 'failed';
    return false;
  }

  /** What becomes of it after the last attempt. */
  #settle(): void {
    this.#retryAtMs = undefined;
    if (this.#isCancelled && this.#phase !== 'done') {
      this.#phase = 'cancelled';
      this.#failure = undefined;
    } else if (this.#isLeaving && this.#phase !== 'done') this.#phase = 'interrupted';
    const isOpen = this.#phase === 'interrupted' || this.#phase === 'failed';
    if (isOpen && this.isLasting) this.#note();
    else this.#host.forget(this.#record);
  }

  pause(): void {
    if (this.hasEnded || this.#record.isPaused) return;
    this.#keep({ isPaused: true });
    this.#session?.pause();
    // A wait for the next attempt becomes a wait for the user.
    this.#wake.resolve();
    this.#host.changed();
  }

  resume(): void {
    if (this.#record.isPaused) this.#keep({ isPaused: false });
    this.#session?.resume();
    this.#wake.resolve();
    this.#host.changed();
  }

  cancel(): void {
    if (this.hasEnded) return;
    this.#isCancelled = true;
    this.#abort.abort();
    this.#wake.resolve();
  }

  /** This transfer as those find it who come for it; `undefined`: it is not shared. */
  get share(): (OpenShare & { readonly invite: string }) | undefined {
    const { id, peer, share } = this.#record;
    return share === undefined
      ? undefined
      : { transfer: id, invite: share.invite, peer: parseFingerprint(peer) };
  }

  /** The peer has dialled us, or somebody who has redeemed the invite just now; tells why it is turned away. */
  arrive(arrival: Arrival): SessionFailure | undefined {
    if (this.#isCancelled || this.#phase === 'cancelled') return 'cancelled';
    if (this.hasEnded && this.#phase !== 'failed' && this.#phase !== 'interrupted') return 'invite-refused';
    if (this.hasEnded || this.#isLeaving) return 'busy';
    const isOurs = this.#session !== undefined && this.#attempting?.isArrival === false;
    // Both have dialled. The peer decides in the same way: this one ends, and ours goes on.
    if (isOurs && !arrival.isPreferred) return 'busy';
    if (this.#isUnredeemed) this.#keep({ peer: arrival.fingerprint });
    this.#arrival?.refuse('busy');
    this.#arrival = arrival;
    // A dial that is not connected yet may never be: whoever has come is here.
    if (this.#session === undefined) this.#attempting?.giveWay.abort();
    else this.#session.interrupt();
    this.#wake.resolve();
    return undefined;
  }

  /** The world may have changed: does not wait any longer for the next attempt. */
  wake(): void {
    if (this.#retryAtMs !== undefined) this.#wake.resolve();
  }

  /** Ends it because this process must go; an accepted one can be taken up again. */
  leave(): void {
    if (this.hasEnded) return;
    this.#isLeaving = true;
    // Nobody keeps anything of what nobody has accepted.
    if (this.#session === undefined || !this.isLasting) this.#abort.abort();
    else this.#session.interrupt();
    this.#wake.resolve();
  }

  summary(): TransferSummary {
    const snapshot = this.#session?.snapshot();
    const { id, peer, label, startedAtMs, window } = this.#record;
    return {
      id,
      direction: 'outgoing',
      peer: { fingerprint: peer, name: this.#host.nameOf(peer) },
      label,
      phase: this.#phaseNow(snapshot?.state),
      progress: snapshot === undefined ? this.#progress : furthest(this.#progress, progressOf(snapshot)),
      startedAtMs,
      window,
      offer: undefined,
      failure: this.#session === undefined ? this.#failure : undefined,
      retryAtMs: this.#retryAtMs,
      heldBytes: undefined,
      failedCount: this.#failed.count,
      failedEntries: this.#failed.first,
      skippedCount: this.#skipped,
      digest: this.#digest,
    };
  }

  #phaseNow(state: string | undefined): TransferPhase {
    switch (state) {
      case 'offering':
      case 'waiting':
      case 'moving':
      case 'publishing':
      case 'paused':
        return state;
      default:
        return this.#phase;
    }
  }

  /** Why the session ended; `undefined` when everything has arrived. */
  async #attempt(): Promise<Failure | undefined> {
    // Whoever waits for a peer that is away sees one long interruption, not two changes a second.
    const arrival = this.#arrival;
    const giveWay = new AbortController();
    this.#arrival = undefined;
    this.#attempting = { isArrival: arrival !== undefined, giveWay };
    if (this.#retryAtMs === undefined) this.#phase = 'connecting';
    this.#failed = new FailedEntries();
    this.#skipped = 0;
    this.#wasLetIn = false;
    this.#host.changed();
    try {
      const report = await this.#host.attempt(this.#record, this.#observer(), {
        signal: AbortSignal.any([this.#abort.signal, giveWay.signal]),
        ...(arrival === undefined ? {} : { arrival }),
      });
      this.#close();
      if (report.receipt === undefined) return failureOfEnd(report.end) ?? unknownFailure;
      this.#failure = undefined;
      this.#digest = report.receipt.root;
      this.#phase = 'done';
      return undefined;
    } catch (error) {
      this.#close();
      return failureOfError(error);
    }
  }

  #observer(): SendObserver {
    return {
      connected: ({ fingerprint }) => {
        this.#wasLetIn = true;
        this.#record = { ...this.#record, peer: fingerprint };
        this.#host.changed();
      },
      started: (session) => {
        this.#session = session;
        this.#retryAtMs = undefined;
        this.#armNotes();
        if (this.#record.isPaused) session.pause();
        this.#host.changed();
      },
      accepted: () => {
        this.#failure = undefined;
        if (this.#record.wasAccepted) return;
        this.#keep({ wasAccepted: true });
        this.#note();
      },
      received: () => {
        this.#disarmNotes();
        this.#host.forget(this.#record);
      },
      leftOut: (path, reason) => {
        if (isFailure(reason)) this.#failed.add(path, reason);
      },
      entryFailed: (path, reason) => this.#failed.add(path, reason),
      skipped: () => {
        this.#skipped += 1;
      },
    };
  }

  /** The session is over; what it showed stays. */
  #close(): void {
    this.#disarmNotes();
    this.#attempting = undefined;
    const snapshot = this.#session?.snapshot();
    this.#session = undefined;
    if (snapshot === undefined) return;
    const progress = progressOf(snapshot);
    this.#progress = standingStill(snapshot.state === 'done' ? progress : furthest(this.#progress, progress));
  }

  #armNotes(): void {
    this.#disarmNotes = this.#host.clock.schedule(NOTE_EVERY_MS, () => {
      this.#note();
      this.#armNotes();
    });
  }

  #note(): void {
    if (!this.isLasting) return;
    const { progress, failure } = this.summary();
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = progress;
    this.#host.note(this.#record, {
      progress: { bytesDone, bytesTotal, entriesDone, entriesTotal },
      ...(failure === undefined ? {} : { failure }),
    });
  }

  /** Whether the peer hung up before it had answered; what was accepted once is tried again anyway. */
  #wasPutOut({ code }: Failure): boolean {
    return PUT_OUT.has(code) && !this.#wasLetIn && !this.isLasting && this.#host.patience.forMs > 0;
  }

  /** Whether there is nothing to try again. Sets how it ended. */
  #isOver(failure: Failure): boolean {
    const { code } = failure;
    if (code === 'declined' || code === 'cancelled') {
      this.#phase = code;
      return true;
    }
    if (mayPass(failure) && this.isLasting) return false;
    this.#phase = 'failed';
    return true;
  }

  /** Waits for the user, or for the next attempt; tells whether the user ended it. */
  async #rest(phase: 'paused' | 'interrupted' | 'shared', delayMs?: number): Promise<boolean> {
    if (this.#isCancelled || this.#isLeaving || this.#arrival !== undefined) return true;
    this.#phase = this.#record.isPaused ? 'paused' : phase;
    this.#retryAtMs = delayMs === undefined ? undefined : Date.now() + delayMs;
    const time = this.#wait(this.#record.isPaused ? undefined : delayMs);
    this.#note();
    this.#host.changed();
    const isTimeUp = await time;
    if (!isTimeUp) this.#retryAtMs = undefined;
    return !isTimeUp;
  }

  /** Waits to be woken; tells whether the time was up before. */
  async #wait(delayMs: number | undefined): Promise<boolean> {
    this.#wake = deferred();
    let isTimeUp = false;
    const disarm =
      delayMs === undefined
        ? undefined
        : this.#host.clock.schedule(delayMs, () => {
            isTimeUp = true;
            this.#wake.resolve();
          });
    await this.#wake.promise;
    disarm?.();
    return isTimeUp;
  }

  /** It is shared, and nobody has come for it yet. */
  get #isUnredeemed(): boolean {
    return this.#record.share !== undefined && this.#record.peer === '';
  }

  #keep(change: Partial<JobRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#host.keep(this.#record);
  }
}

/** Whether it is worth trying again without anybody's doing. */
function mayPass({ code }: Failure): boolean {
  return code !== 'gone' && isInterruption(code);
}

const unknownFailure: Failure = { code: 'internal', detail: '', origin: 'local' };

/** Whether something left out is missed at the other end; links and what was to be left out are not. */
function isFailure(reason: LeftOutReason): reason is Extract<LeftOutReason, EntryFailure> {
  return reason === 'name-refused' || reason === 'source-unreadable' || reason === 'source-vanished';
}
