import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { EntryFailure } from '../base/failure.ts';
import type { Failure, Progress, TransferPhase, TransferSummary } from '../rpc/model.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { LeftOutReason } from '../transfer/ports.ts';
import { isInterruption, RETRY_FOR_MS, retryDelayMs } from '../transfer/retryPolicy.ts';
import type { JobRecord } from './jobFiles.ts';
import type { SendHandle, SendObserver } from './sender.ts';
import {
  FailedEntries,
  failureOfEnd,
  failureOfError,
  NO_PROGRESS,
  progressOf,
  standingStill,
} from './transferView.ts';

/** What a job needs of the engine. */
export interface JobHost {
  readonly clock: Clock;
  /** Runs one session for the job, to its end. */
  attempt(
    record: JobRecord,
    observer: SendObserver,
    options: { readonly signal: AbortSignal },
  ): Promise<OutgoingReport>;
  /** The peer's name as it is known now. */
  nameOf(fingerprint: string): string;
  keep(record: JobRecord): void;
  /** It has ended for good, or may only be retried by hand: nothing of it needs to outlive the engine. */
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
 * Only a transfer that the peer has accepted is tried again by itself; one that never came so far tells
 * its user at once.
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
  #isRunning = false;
  #isCancelled = false;

  constructor(record: JobRecord, host: JobHost) {
    this.#record = record;
    this.#host = host;
    if (record.isPaused) this.#phase = 'paused';
    else if (record.wasAccepted) this.#phase = 'interrupted';
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): JobRecord {
    return this.#record;
  }

  get hasEnded(): boolean {
    return !this.#isRunning;
  }

  /** Whether it changes from moment to moment. */
  get isMoving(): boolean {
    return this.#session !== undefined;
  }

  /** Goes on until the transfer has ended. Never rejects. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#isCancelled = false;
    this.#abort = new AbortController();
    let attempt = 0;
    let deadline = this.#host.clock.now() + RETRY_FOR_MS;
    while (!this.#isCancelled) {
      if (this.#record.isPaused) {
        await this.#rest('paused');
        continue;
      }
      const before = this.#progress.bytesDone;
      const failure = await this.#attempt();
      if (failure === undefined) break;
      this.#failure = failure;
      if (this.#isOver(failure)) break;
      if (this.#progress.bytesDone > before) {
        attempt = 0;
        deadline = this.#host.clock.now() + RETRY_FOR_MS;
      }
      attempt += 1;
      const delayMs = this.#host.clock.now() < deadline ? retryDelayMs(attempt) : undefined;
      if (await this.#rest('interrupted', delayMs)) {
        attempt = 0;
        deadline = this.#host.clock.now() + RETRY_FOR_MS;
      }
    }
    this.#isRunning = false;
    if (this.#isCancelled) {
      this.#phase = 'cancelled';
      this.#failure = undefined;
    }
    this.#host.forget(this.#record);
    this.#host.changed();
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

  summary(): TransferSummary {
    const snapshot = this.#session?.snapshot();
    const { id, peer, label, startedAtMs, window } = this.#record;
    return {
      id,
      direction: 'outgoing',
      peer: { fingerprint: peer, name: this.#host.nameOf(peer) },
      label,
      phase: this.#phaseNow(snapshot?.state),
      progress: snapshot === undefined ? this.#progress : this.#latest(progressOf(snapshot)),
      startedAtMs,
      window,
      offer: undefined,
      failure: this.#session === undefined ? this.#failure : undefined,
      retryAtMs: this.#retryAtMs,
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

  /** A new session begins at nothing and runs up to where the last one was; the user sees it go on. */
  #latest(progress: Progress): Progress {
    if (progress.bytesDone >= this.#progress.bytesDone) return progress;
    const { bytesDone, bytesTotal, entriesDone, entriesTotal } = this.#progress;
    return { ...progress, bytesDone, bytesTotal, entriesDone, entriesTotal, remainingMs: undefined };
  }

  /** Why the session ended; `undefined` when everything has arrived. */
  async #attempt(): Promise<Failure | undefined> {
    this.#phase = 'connecting';
    this.#retryAtMs = undefined;
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
      connected: () => this.#host.changed(),
      started: (session) => {
        this.#session = session;
        if (this.#record.isPaused) session.pause();
        this.#host.changed();
      },
      accepted: () => {
        this.#failure = undefined;
        if (!this.#record.wasAccepted) this.#keep({ wasAccepted: true });
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
    const snapshot = this.#session?.snapshot();
    this.#session = undefined;
    if (snapshot !== undefined) this.#progress = standingStill(this.#latest(progressOf(snapshot)));
  }

  /** Whether there is nothing to try again. Sets how it ended. */
  #isOver({ code }: Failure): boolean {
    if (code === 'declined' || code === 'cancelled') {
      this.#phase = code;
      return true;
    }
    if (code !== 'gone' && isInterruption(code) && this.#record.wasAccepted) return false;
    this.#phase = 'failed';
    return true;
  }

  /** Waits for the user, or for the next attempt; tells whether the user ended it. */
  async #rest(phase: 'paused' | 'interrupted', delayMs?: number): Promise<boolean> {
    if (this.#isCancelled) return true;
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
    this.#host.changed();
    await this.#wake.promise;
    disarm();
    this.#retryAtMs = undefined;
    return !isTimeUp;
  }

  #keep(change: Partial<JobRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#host.keep(this.#record);
  }
}

const unknownFailure: Failure = { code: 'internal', detail: '', origin: 'local' };

/** Whether something left out is missed at the other end; links and what was to be left out are not. */
function isFailure(reason: LeftOutReason): reason is Extract<LeftOutReason, EntryFailure> {
  return reason === 'name-refused' || reason === 'source-unreadable' || reason === 'source-vanished';
}
