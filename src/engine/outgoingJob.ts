import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { EntryFailure } from '../base/failure.ts';
import type { Failure, Progress, TransferPhase, TransferSummary } from '../rpc/model.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { LeftOutReason } from '../transfer/ports.ts';
import { isInterruption, retryDelayMs } from '../transfer/retryPolicy.ts';
import type { Patience } from '../transfer/retryPolicy.ts';
import type { JobRecord, LastSeen } from './jobFiles.ts';
import type { SendHandle, SendObserver } from './sender.ts';
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

/** What a job needs of the process it runs in. */
export interface JobHost {
  readonly clock: Clock;
  /** How long it waits for the world to mend before it leaves it to the user. */
  readonly patience: Patience;
  /** Whether one that only the user can go on with is waited for; if not, {@link OutgoingJob.run} resolves. */
  readonly waitsForUser: boolean;
  /** Runs one session for the job, to its end. */
  attempt(
    record: JobRecord,
    observer: SendObserver,
    options: { readonly signal: AbortSignal },
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
 * Only a transfer that the peer has accepted is tried again by itself, and outlives its process until it has
 * ended; one that never came so far tells its user at once. One that failed for a reason that does not pass is
 * kept, too, for its user to retry or to discard.
 */
export class OutgoingJob {
  // Immutable.
  readonly #host: JobHost;

  // Mutable.
  #record: JobRecord;
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
    let movedAt = this.#host.clock.now();
    while (!this.#isCancelled && !this.#isLeaving) {
      if (this.#record.isPaused) {
        await this.#rest('paused');
        continue;
      }
      const before = this.#progress.bytesDone;
      const failure = await this.#attempt();
      if (failure === undefined || this.#isCancelled || this.#isLeaving) break;
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
    this.#settle();
    this.#host.changed();
  }

  /** What becomes of it after the last attempt. */
  #settle(): void {
    this.#retryAtMs = undefined;
    if (this.#isCancelled && this.#phase !== 'done') {
      this.#phase = 'cancelled';
      this.#failure = undefined;
    } else if (this.#isLeaving && this.#phase !== 'done') this.#phase = 'interrupted';
    const isOpen = this.#phase === 'interrupted' || this.#phase === 'failed';
    if (isOpen && this.#record.wasAccepted) this.#note();
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

  /** The world may have changed: does not wait any longer for the next attempt. */
  wake(): void {
    if (this.#retryAtMs !== undefined) this.#wake.resolve();
  }

  /** Ends it because this process must go; an accepted one can be taken up again. */
  leave(): void {
    if (this.hasEnded) return;
    this.#isLeaving = true;
    // Nobody keeps anything of what nobody has accepted.
    if (this.#session === undefined || !this.#record.wasAccepted) this.#abort.abort();
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
    if (this.#retryAtMs === undefined) this.#phase = 'connecting';
    this.#failed = new FailedEntries();
    this.#skipped = 0;
    this.#host.changed();
    try {
      const report = await this.#host.attempt(this.#record, this.#observer(), {
        signal: this.#abort.signal,
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
    if (!this.#record.wasAccepted) return;
    const { progress, failure } = this.summary();
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = progress;
    this.#host.note(this.#record, {
      progress: { bytesDone, bytesTotal, entriesDone, entriesTotal },
      ...(failure === undefined ? {} : { failure }),
    });
  }

  /** Whether there is nothing to try again. Sets how it ended. */
  #isOver(failure: Failure): boolean {
    const { code } = failure;
    if (code === 'declined' || code === 'cancelled') {
      this.#phase = code;
      return true;
    }
    if (mayPass(failure) && this.#record.wasAccepted) return false;
    this.#phase = 'failed';
    return true;
  }

  /** Waits for the user, or for the next attempt; tells whether the user ended it. */
  async #rest(phase: 'paused' | 'interrupted', delayMs?: number): Promise<boolean> {
    if (this.#isCancelled || this.#isLeaving) return true;
    this.#phase = this.#record.isPaused ? 'paused' : phase;
    this.#retryAtMs = delayMs === undefined ? undefined : Date.now() + delayMs;
    this.#wake = deferred();
    let isTimeUp = false;
    const disarm =
      delayMs === undefined || this.#record.isPaused
        ? () => undefined
        : this.#host.clock.schedule(delayMs, () => {
            isTimeUp = true;
            this.#wake.resolve();
          });
    this.#note();
    this.#host.changed();
    await this.#wake.promise;
    disarm();
    if (!isTimeUp) this.#retryAtMs = undefined;
    return !isTimeUp;
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
