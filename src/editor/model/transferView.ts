import type { Progress, TransferPhase, TransferSummary } from '../../rpc/model.ts';

/** What can be read off a transfer, apart from words. */

const ENDED: ReadonlySet<TransferPhase> = new Set(['done', 'cancelled', 'declined', 'failed']);
const MOVING: ReadonlySet<TransferPhase> = new Set(['connecting', 'offering', 'moving', 'publishing']);
const PAUSABLE: ReadonlySet<TransferPhase> = new Set(['connecting', 'offering', 'waiting', 'moving']);

/** Nothing more comes of it by itself. */
export function hasEnded({ phase }: TransferSummary): boolean {
  return ENDED.has(phase);
}

/** Something is going on right now that takes time. */
export function isActive({ phase }: TransferSummary): boolean {
  return MOVING.has(phase);
}

/** 0 to 100; 100 only when it is done. */
export function percentOf(progress: Progress, phase?: TransferPhase): number {
  if (phase === 'done') return 100;
  const { bytesDone, bytesTotal, entriesDone, entriesTotal } = progress;
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : entriesTotal > 0 ? entriesDone / entriesTotal : 0;
  return Math.min(99, Math.max(0, Math.floor(share * 100)));
}

/** The percentage as a screen reader says it: in steps, so that it does not speak all the time. */
export function spokenPercent(percent: number): number {
  return Math.floor(percent / 10) * 10;
}

/** What a user may do with a transfer now; the words stand in `when` clauses of package.json. */
export type TransferAction =
  | 'answer'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'discard'
  | 'retry'
  | 'remove'
  | 'copyDigest';

export function actionsOn(transfer: TransferSummary): readonly TransferAction[] {
  const { phase, direction, digest, peer } = transfer;
  const actions: TransferAction[] = [];
  if (phase === 'asking') return ['answer'];
  if (PAUSABLE.has(phase)) actions.push('pause');
  // What came from a peer goes on when the peer comes back.
  const canResume = phase === 'paused' || (phase === 'interrupted' && direction === 'outgoing');
  if (canResume) actions.push('resume');
  // Nothing runs that could be cancelled, but something is kept that would go on.
  if (phase === 'interrupted') actions.push('discard');
  else actions.push(ENDED.has(phase) ? 'remove' : 'cancel');
  // What was shared and nobody has come for has nobody to be sent to.
  const hasPeer = peer.fingerprint !== '';
  if (direction === 'outgoing' && ENDED.has(phase) && phase !== 'done' && hasPeer) actions.push('retry');
  if (digest !== undefined) actions.push('copyDigest');
  return actions;
}

/** `transfer:pause:cancel:`; each action stands between colons. */
export function contextValueOf(transfer: TransferSummary): string {
  return `transfer:${actionsOn(transfer)
    .map((action) => `${action}:`)
    .join('')}`;
}

/** All that moves, as one. */
export function totalProgress(transfers: readonly TransferSummary[]): Progress {
  let bytesDone = 0;
  let bytesTotal = 0;
  let entriesDone = 0;
  let entriesTotal = 0;
  let bytesPerSecond = 0;
  for (const { progress } of transfers) {
    bytesDone += progress.bytesDone;
    bytesTotal += progress.bytesTotal;
    entriesDone += progress.entriesDone;
    entriesTotal += progress.entriesTotal;
    bytesPerSecond += progress.bytesPerSecond;
  }
  const left = bytesTotal - bytesDone;
  const remainingMs = bytesPerSecond > 0 ? (left / bytesPerSecond) * 1000 : undefined;
  return { bytesDone, bytesTotal, entriesDone, entriesTotal, bytesPerSecond, remainingMs };
}
