import { join, resolve } from 'node:path';
import { heldBytesOf } from '../engine/acceptedFolder.ts';
import { HistoryFile } from '../engine/historyFile.ts';
import { RecordFiles } from '../engine/jobFiles.ts';
import type { AcceptedRecord, JobRecord, LastSeen } from '../engine/jobFiles.ts';
import { defaultStateFolder, StateFolder } from '../engine/stateFolder.ts';
import { TransferLocks } from '../engine/transferLock.ts';
import type { Logger } from '../base/logger.ts';

/** What this program keeps of its transfers in a state folder, which several processes may share. */
export interface TransferState {
  readonly folder: StateFolder;
  readonly jobs: RecordFiles<JobRecord>;
  readonly accepted: RecordFiles<AcceptedRecord>;
  readonly history: HistoryFile;
  readonly locks: TransferLocks;
}

/** One that was interrupted, or is under way in some process. */
export type LeftTransfer = { readonly seen: LastSeen | undefined } & (
  | { readonly direction: 'outgoing'; readonly record: JobRecord }
  | { readonly direction: 'incoming'; readonly record: AcceptedRecord }
);

/** The state at `--state`, or where it lies when nobody says. */
export function openState(state: string | undefined, logger: Logger): TransferState {
  const location = resolve(state ?? defaultStateFolder());
  return {
    folder: new StateFolder(location),
    jobs: RecordFiles.jobs(join(location, 'jobs'), logger),
    accepted: RecordFiles.accepted(join(location, 'accepted'), logger),
    history: HistoryFile.open(join(location, 'received.json'), logger),
    locks: new TransferLocks(location),
  };
}

/** All of them, oldest first. What is there as a whole, and only its sender may not know, is not among them. */
export function leftTransfers({ jobs, accepted, history }: TransferState): readonly LeftTransfer[] {
  const received = new Set(history.list().map(({ id }) => id));
  const outgoing = jobs
    .list()
    .map((record): LeftTransfer => ({ direction: 'outgoing', record, seen: jobs.lastSeen(record.id) }));
  const incoming = accepted
    .list()
    .filter(({ id }) => !received.has(id))
    .map((record): LeftTransfer => ({ direction: 'incoming', record, seen: accepted.lastSeen(record.id) }));
  return [...outgoing, ...incoming].toSorted(
    (left, right) => left.record.startedAtMs - right.record.startedAtMs,
  );
}

/** Those whose id begins with `prefix`. */
export function withPrefix(all: readonly LeftTransfer[], prefix: string): readonly LeftTransfer[] {
  return all.filter(({ record }) => record.id.startsWith(prefix));
}

/** Bytes on the disk that an incoming one holds; `undefined` if its folder is not there, or it is an outgoing one. */
export function heldBytes(left: LeftTransfer): number | undefined {
  return left.direction === 'incoming' ? heldBytesOf(left.record) : undefined;
}

/** What the peer is called here. */
export function peerNameOf({ folder }: TransferState, left: LeftTransfer): string {
  if (left.direction === 'incoming') return left.record.peerName;
  const { peer } = left.record;
  return folder.peers.list().find(({ fingerprint }) => fingerprint === peer)?.name ?? peer.slice(0, 16);
}
