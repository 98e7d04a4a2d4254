import type { Deferred } from '../base/deferred.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import type { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { Failure, OfferDetails, Progress, TransferPhase, TransferSummary } from '../rpc/model.ts';
import type { AcceptedRecord, LastSeen } from './jobFiles.ts';
import type { IncomingPeer, Receiving } from './receiver.ts';
import type { TransferLock } from './transferLock.ts';
import { FailedEntries, furthest, NO_PROGRESS, progressOf, restedAt } from './transferView.ts';

/** Where an offer is received, and what becomes of names that are taken. */
export interface Choice {
  readonly folder: ReceiveFolder;
  readonly onConflict: ConflictPolicy;
}

export type Decision =
  | Choice
  | 'declined'
  /** Nobody has decided in time. */
  | 'expired'
  /** The peer did not wait for an answer. */
  | 'gone';

/** One incoming transfer over all its sessions; {@link IncomingTransfers} owns it. */
export interface Incoming {
  readonly id: string;
  readonly peer: IncomingPeer;
  readonly startedAtMs: number;
  label: string;
  /** When no session says more. */
  phase: TransferPhase;
  progress: Progress;
  session: Receiving | undefined;
  /** Sessions that newer ones have taken the place of; each settles when it has let go of the staging folder. */
  readonly leaving: Map<Receiving, Deferred<void>>;
  lock: TransferLock | undefined;
  offer: OfferDetails | undefined;
  decision: Deferred<Decision> | undefined;
  accepted: AcceptedRecord | undefined;
  /** It was agreed to in this session, and the peer has not heard of that: nobody will come back for it. */
  isUntold: boolean;
  /** This device dials for it: the peer shares it. */
  isFetched: boolean;
  /** The user wants it off the list as soon as it has ended. */
  isDiscarded: boolean;
  heldBytes: number | undefined;
  files: number;
  folders: number;
  failure: Failure | undefined;
  failed: FailedEntries;
  skipped: number;
  digest: string | undefined;
}

export function newIncoming(id: string, peer: IncomingPeer, startedAtMs: number): Incoming {
  return {
    id,
    peer,
    startedAtMs,
    label: '',
    phase: 'offering',
    progress: NO_PROGRESS,
    session: undefined,
    leaving: new Map(),
    lock: undefined,
    offer: undefined,
    decision: undefined,
    accepted: undefined,
    isUntold: false,
    isFetched: false,
    isDiscarded: false,
    heldBytes: undefined,
    files: 0,
    folders: 0,
    failure: undefined,
    failed: new FailedEntries(),
    skipped: 0,
    digest: undefined,
  };
}

/** One that an earlier session left, maybe of another process. */
export function leftIncoming(
  record: AcceptedRecord,
  peer: IncomingPeer,
  { seen, heldBytes }: Left,
): Incoming {
  return {
    ...newIncoming(record.id, peer, record.startedAtMs),
    label: record.label,
    phase: 'interrupted',
    accepted: record,
    isFetched: record.isFetched ?? false,
    heldBytes,
    progress: restedAt(leftProgress(record, { seen, heldBytes })),
    failure: seen?.failure,
  };
}

interface Left {
  readonly seen: LastSeen | undefined;
  readonly heldBytes: number | undefined;
}

/** How far it came: as it was written down, or as what lies there shows, if that is more. */
export function leftProgress(
  { agreed }: AcceptedRecord,
  { seen, heldBytes = 0 }: Left,
): LastSeen['progress'] {
  const { bytesDone, bytesTotal, entriesDone, entriesTotal } = seen?.progress ?? NO_PROGRESS;
  const total = bytesTotal === 0 ? agreed.bytes : bytesTotal;
  return {
    bytesDone: Math.max(bytesDone, Math.min(heldBytes, total)),
    bytesTotal: total,
    entriesDone,
    entriesTotal,
  };
}

/** Whether nothing more will come of it, unless its peer offers it again. */
export function hasEnded({ session, phase }: Incoming): boolean {
  return session === undefined && phase !== 'interrupted';
}

export function summaryOf(incoming: Incoming): TransferSummary {
  const { id, peer, label, startedAtMs, offer, failure, failed, skipped, digest, heldBytes } = incoming;
  return {
    id,
    direction: 'incoming',
    peer: { name: peer.name, fingerprint: peer.fingerprint },
    label,
    phase: phaseNow(incoming),
    progress: progressNow(incoming),
    startedAtMs,
    window: undefined,
    offer,
    failure,
    retryAtMs: undefined,
    heldBytes: incoming.phase === 'interrupted' ? heldBytes : undefined,
    failedCount: failed.count,
    failedEntries: failed.first,
    skippedCount: skipped,
    digest,
  };
}

export function progressNow({ progress, session }: Incoming): Progress {
  return session === undefined ? progress : furthest(progress, progressOf(session.snapshot()));
}

function phaseNow({ phase, session }: Incoming): TransferPhase {
  if (session === undefined || phase !== 'moving') return phase;
  const { state } = session.snapshot();
  return state === 'paused' || state === 'publishing' ? state : phase;
}
