import { hostname } from 'node:os';
import { CourierError } from '../base/failure.ts';
import type { JobRecord } from '../engine/jobFiles.ts';
import { watchMachine } from '../engine/machineWatch.ts';
import { OutgoingJob } from '../engine/outgoingJob.ts';
import type { JobHost } from '../engine/outgoingJob.ts';
import { sendPaths } from '../engine/sender.ts';
import type { SendObserver, Target } from '../engine/sender.ts';
import { systemClock } from '../node/clock.ts';
import { RateLimiter } from '../node/net/rateLimiter.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { OutgoingReport } from '../transfer/outgoingTransfer.ts';
import type { Effort } from './arguments.ts';
import { commandLine, shortId } from './commandLine.ts';
import { explainEnd, explainError } from './failures.ts';
import type { Explanation } from './failures.ts';
import { percentOf } from './format.ts';
import { interruption } from './interruption.ts';
import type { TransferState } from './leftTransfers.ts';
import { tellLostIdentity } from './lostIdentity.ts';
import type { Output } from './output.ts';
import { SendingWords } from './sendingWords.ts';

export interface RunJobInit {
  readonly state: TransferState;
  readonly record: JobRecord;
  /** How to reach the peer until it has been reached; absent, it comes by itself. */
  readonly target?: Target;
  /** Whether its user has stopped it, if that is known already. */
  readonly stop?: ReturnType<typeof interruption>;
  /** The job is there, and about to run. */
  readonly onJob?: (job: OutgoingJob) => void;
  readonly command: { readonly effort: Effort; readonly state: string | undefined };
  readonly output: Output;
}

/** How an attempt has ended. */
type Attempt = OutgoingReport | { readonly error: unknown };

/**
 * Runs one outgoing transfer on the terminal, over as many sessions as it takes. Returns the exit status. From
 * the moment that the receiver has accepted it there is a record of it, until it has ended.
 */
export async function runJob(init: RunJobInit): Promise<number> {
  const { state, record, target, onJob, command, output, stop = interruption() } = init;
  tellLostIdentity(state.folder, output);
  const lock = await state.locks.take(record.id);
  const seen = state.jobs.lastSeen(record.id);
  const bytesBefore = seen?.progress.bytesDone ?? 0;
  const words = new SendingWords(output, { isResumed: record.wasAccepted, bytesBefore });
  const { retryForMs, limitBytesPerSecond, mostLanes } = command.effort;
  const limiter = new RateLimiter(systemClock);
  limiter.setRate(limitBytesPerSecond);
  let last: Attempt | undefined;
  let isReached = false;

  /** Where the peer is to be dialled. */
  const placeOf = (current: JobRecord): Target => {
    const peer = parseFingerprint(current.peer);
    const isKnown = isReached || target === undefined;
    const where = isKnown && peer !== undefined ? peerTarget(peer) : target;
    // Whoever has come for what is shared comes again.
    const isAwaited = current.share !== undefined && where !== undefined && !canBeDialled(state, where);
    if (where === undefined || isAwaited) {
      throw new CourierError('connection-lost', 'the peer has to come back');
    }
    return where;
  };
  const attempt: JobHost['attempt'] = async (current, observer, { signal, arrival }) => {
    words.attempt();
    try {
      last = await sendPaths({
        state: state.folder,
        paths: current.paths,
        target: arrival === undefined ? placeOf(current) : { kind: 'arrival', arrival },
        name: hostname(),
        transfer: current.id,
        limiter,
        mostLanes,
        observer: both(observer, {
          ...words.observer(() => job.summary()),
          connected: (found) => {
            isReached = true;
            words.connected(found);
          },
        }),
        signal,
      });
      return last;
    } catch (error) {
      last = { error };
      throw error;
    } finally {
      output.unwatch();
    }
  };
  const job: OutgoingJob = new OutgoingJob(
    record,
    {
      clock: systemClock,
      patience: { forMs: retryForMs },
      waitsForUser: false,
      attempt,
      nameOf(text) {
        // Asked for at every change: of this one, not of all of them.
        const fingerprint = parseFingerprint(text);
        return (fingerprint && state.folder.peers.find(fingerprint)?.name) ?? '';
      },
      keep: (changed) => state.jobs.write(changed),
      note: ({ id }, now) => state.jobs.noteLastSeen(id, now),
      forget: ({ id, share }) => {
        if (share !== undefined) state.folder.shares.redeem(share.invite);
        state.jobs.remove(id);
      },
      changed: () => words.changed(job.summary()),
    },
    seen,
  );
  const leave = (): void => job.leave();
  stop.signal.addEventListener('abort', leave);
  const unwatch = watchMachine(() => job.wake());
  onJob?.(job);
  try {
    const running = job.run();
    if (stop.signal.aborted) leave();
    await running;
  } finally {
    unwatch();
    lock.release();
  }
  // One that has ended without an attempt says why.
  const { failure } = job.summary();
  if (last === undefined && failure !== undefined && failure.code !== 'gone') {
    last = { error: new CourierError(failure.code, failure.detail) };
  }
  const report = last !== undefined && 'receipt' in last ? last : undefined;
  if (report?.receipt !== undefined) return words.sent(record.id, report);
  const stopStatus = stop.signal.aborted ? stop.status() : undefined;
  return tellEnd(job, last, { stopStatus, state: command.state, output });
}

/** Says that not everything has arrived, and how to go on if that is possible. Returns the exit status. */
function tellEnd(
  job: OutgoingJob,
  last: Attempt | undefined,
  {
    stopStatus,
    state,
    output,
  }: {
    /** If its user has stopped it. */
    readonly stopStatus: number | undefined;
    readonly state: string | undefined;
    readonly output: Output;
  },
): number {
  const { id, phase, progress } = job.summary();
  const isKept = job.isLasting && (phase === 'interrupted' || phase === 'failed');
  const explained = explain(last, isKept);
  const status = stopStatus ?? explained.status;
  const isStopped = stopStatus !== undefined && isKept;
  const code = isStopped ? 'cancelled' : explained.code;
  const message = isStopped
    ? `Stopped at ${percentOf(progress)} %. What has arrived is kept.`
    : explained.sentence;
  const resume = commandLine(['resume', shortId(id)], state);
  const discard = commandLine(['discard', shortId(id)], state);
  output.event('failed', { code, status, message, ...(isKept ? { transfer: id, resume, discard } : {}) });
  output.problem(message);
  if (isKept) {
    output.problem(`Go on:   ${resume}`);
    output.problem(`Give up: ${discard}`);
  }
  return status;
}

function peerTarget(fingerprint: Fingerprint): Target {
  return { kind: 'peer', fingerprint, addresses: [] };
}

/** Whoever has dialled us comes from a port that leads nowhere. */
function canBeDialled({ folder }: TransferState, target: Target): boolean {
  if (target.kind !== 'peer' || target.addresses.length > 0) return true;
  const peer = folder.peers.find(target.fingerprint);
  return peer === undefined || peer.addresses.length > 0;
}

function explain(last: Attempt | undefined, isKept: boolean): Explanation {
  if (last === undefined) return explainEnd({ origin: 'local', close: { code: 'cancelled' } }, 'sender');
  if ('error' in last) return explainError(last.error, 'sender', { isKept });
  return explainEnd(last.end, 'sender', { isKept });
}

/** Both hear of everything, the job first. */
function both(job: SendObserver, words: SendObserver): SendObserver {
  return {
    connected: (peer) => {
      job.connected(peer);
      words.connected(peer);
    },
    started: (session) => {
      job.started(session);
      words.started(session);
    },
    accepted: () => {
      job.accepted?.();
      words.accepted?.();
    },
    leftOut: (...what) => {
      job.leftOut?.(...what);
      words.leftOut?.(...what);
    },
    entryFailed: (...what) => {
      job.entryFailed?.(...what);
      words.entryFailed?.(...what);
    },
    skipped: (...what) => {
      job.skipped?.(...what);
      words.skipped?.(...what);
    },
  };
}
