import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { CourierError } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import { stateFailure } from '../node/state/stateFile.ts';
import type { SendOptions, TransferSummary } from '../rpc/model.ts';
import { QUIET_RETRY_MS, RETRY_FOR_MS } from '../transfer/retryPolicy.ts';
import { Gone } from './gone.ts';
import type { JobRecord, RecordFiles } from './jobFiles.ts';
import { OutgoingJob } from './outgoingJob.ts';
import type { JobHost } from './outgoingJob.ts';
import { findRoots } from './sender.ts';

export interface OutgoingInit {
  readonly records: RecordFiles<JobRecord>;
  /** Folder of the outboxes: copies of files that are not on this machine. */
  readonly outboxes: string;
  readonly host: Omit<JobHost, 'keep' | 'note' | 'forget' | 'patience' | 'waitsForUser'>;
  readonly logger: Logger;
  /** An invite to something that is shared is of no use any more. */
  readonly withdraw: (invite: string) => void;
}

/** How many that have ended are listed, the latest ones. */
const MOST_ENDED = 100;

/** What the user wants sent. */
export interface SendOrder {
  readonly paths: readonly string[];
  /** A fingerprint; or the invite under which it is shared, with whoever redeems that. */
  readonly to: { readonly peer: string } | { readonly invite: string };
  readonly options: SendOptions;
  readonly outbox: string | undefined;
  readonly window: string | undefined;
}

/** The outgoing transfers of this device. Those that were under way go on when the engine starts again. */
export class OutgoingTransfers {
  readonly #init: OutgoingInit;
  readonly #jobs = new Map<string, OutgoingJob>();

  constructor(init: OutgoingInit) {
    this.#init = init;
    for (const record of init.records
      .list()
      .toSorted((left, right) => left.startedAtMs - right.startedAtMs)) {
      this.#jobs.set(record.id, this.#jobOf(record));
    }
    this.#removeStaleOutboxes();
  }

  get isMoving(): boolean {
    return [...this.#jobs.values()].some((job) => job.isMoving);
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  /** Those that are shared. */
  get shared(): readonly OutgoingJob[] {
    return [...this.#jobs.values()].filter(({ share }) => share !== undefined);
  }

  summaries(): readonly TransferSummary[] {
    return [...this.#jobs.values()].map((job) => job.summary());
  }

  /** Goes on with what was under way when the last engine ended. What failed before is its user's to retry. */
  takeUp(): void {
    for (const job of this.#jobs.values()) if (job.summary().phase !== 'failed') void this.#run(job);
  }

  /** A peer may be reached otherwise than before: what waits to be tried again is tried now. */
  peerChanged(fingerprint: string): void {
    for (const job of this.#jobs.values()) if (job.record.peer === fingerprint) job.wake();
  }

  /** This machine may reach others otherwise than before. */
  machineChanged(): void {
    for (const job of this.#jobs.values()) job.wake();
  }

  /** Begins a transfer; throws if what is to be sent cannot be found. */
  send({ paths, to, options, outbox, window }: SendOrder): Pick<TransferSummary, 'id' | 'label'> {
    const roots = findRoots(paths);
    const first = printable(roots[0]?.name ?? '');
    const record: JobRecord = {
      id: toHex(randomBytes(16)),
      paths: [...paths],
      ...('peer' in to ? { peer: to.peer } : { peer: '', share: { invite: to.invite } }),
      label: roots.length === 1 ? first : `${first} + ${roots.length - 1}`,
      ...options,
      ...(outbox === undefined ? {} : { outbox: this.#requireOutbox(outbox) }),
      ...(window === undefined ? {} : { window }),
      startedAtMs: Date.now(),
      isPaused: false,
      wasAccepted: false,
    };
    this.#init.records.write(record);
    const job = this.#jobOf(record);
    this.#jobs.set(record.id, job);
    void this.#run(job);
    return { id: record.id, label: record.label };
  }

  pause(id: string): void {
    this.#job(id).pause();
  }

  resume(id: string): void {
    this.#job(id).resume();
  }

  cancel(id: string): void {
    this.#job(id).cancel();
  }

  /** Begins one that has ended without success once more. */
  retry(id: string): void {
    const job = this.#job(id);
    const { phase } = job.summary();
    // Nobody holds an invite any more that has expired or was withdrawn.
    if (!job.hasEnded || phase === 'done' || job.record.peer === '') throw new Gone(id);
    this.#init.records.write(job.record);
    void this.#run(job);
  }

  /** Takes one that has ended off the list. */
  remove(id: string): boolean {
    const job = this.#jobs.get(id);
    if (job?.hasEnded !== true) return false;
    this.#jobs.delete(id);
    this.#init.records.remove(id);
    this.#discardOutboxOf(job);
    this.#init.host.changed();
    return true;
  }

  /** Ends one, if it has not ended, and takes it off the list. */
  discard(id: string): void {
    const job = this.#job(id);
    if (this.remove(id)) return;
    job.cancel();
    // Its end comes once the peer has heard of it.
    void job.ended.then(() => this.remove(id));
  }

  /** Its user has forgotten a peer: what was to be sent to it ends, and is taken off the list. */
  forgetPeer(fingerprint: string): void {
    for (const job of this.#jobs.values()) {
      if (job.record.peer === fingerprint && job.summary().phase !== 'done') this.discard(job.id);
    }
  }

  /** A new empty folder for copies. */
  makeOutbox(): string {
    const folder = join(this.#init.outboxes, toHex(randomBytes(16)));
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw stateFailure(folder, error);
    }
    return folder;
  }

  discardOutbox(folder: string): void {
    rmSync(this.#requireOutbox(folder), { recursive: true, force: true, maxRetries: 3 });
  }

  async #run(job: OutgoingJob): Promise<void> {
    await job.run();
    // Of a transfer that failed the copies stay, so that it can be tried again; one that nobody has come for cannot.
    if (job.summary().phase === 'done' || job.record.peer === '') this.#discardOutboxOf(job);
    const ended = [...this.#jobs.values()].filter(holdsNothing);
    for (const { id } of ended.slice(0, -MOST_ENDED)) this.remove(id);
  }

  #discardOutboxOf({ record }: OutgoingJob): void {
    if (record.outbox === undefined) return;
    try {
      this.discardOutbox(record.outbox);
    } catch (error) {
      this.#init.logger.warn(`an outbox could not be removed: ${String(error)}`);
    }
  }

  /** Only a folder that we have made may be removed with what is in it. */
  #requireOutbox(folder: string): string {
    const name = basename(folder);
    if (!/^[0-9a-f]{32}$/u.test(name) || join(this.#init.outboxes, name) !== folder) {
      throw new CourierError('internal', 'not an outbox');
    }
    return folder;
  }

  #removeStaleOutboxes(): void {
    const used = new Set([...this.#jobs.values()].map((job) => job.record.outbox));
    for (const name of readNames(this.#init.outboxes)) {
      const folder = join(this.#init.outboxes, name);
      if (!used.has(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  #jobOf(record: JobRecord): OutgoingJob {
    const { host, records } = this.#init;
    const jobHost: JobHost = {
      ...host,
      patience: { forMs: RETRY_FOR_MS, thenEveryMs: QUIET_RETRY_MS },
      waitsForUser: true,
      keep: (changed) => records.write(changed),
      note: ({ id }, seen) => records.noteLastSeen(id, seen),
      forget: ({ id, share }) => {
        if (share !== undefined) this.#init.withdraw(share.invite);
        records.remove(id);
      },
    };
    return new OutgoingJob(record, jobHost, records.lastSeen(record.id));
  }

  #job(id: string): OutgoingJob {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new Gone(id);
    return job;
  }
}

/** Whether it has ended, and no record and no copy waits for its user to try it again. */
function holdsNothing(job: OutgoingJob): boolean {
  const { phase } = job.summary();
  if (!job.hasEnded || phase === 'interrupted' || phase === 'paused') return false;
  return (
    phase === 'done' || (job.record.outbox === undefined && !(phase === 'failed' && job.record.wasAccepted))
  );
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
