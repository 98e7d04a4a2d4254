import type { Change, Ino, SimInodes } from './simInodes.ts';

/** A sync that has ended. It covers what was done before it began, not what was done meanwhile. */
export interface Sync {
  readonly kind: 'sync';
  readonly of: Ino | 'everything';
  /** How many operations there were when it began. */
  readonly covers: number;
  readonly isDataOnly: boolean;
  /**
   * The content that a sync failed to write may be lost for good: the system counts it as written, and no
   * later sync tries again ("Can applications recover from fsync failures?", USENIX ATC 2020).
   */
  readonly hasFailed: boolean;
  readonly timeMs: number;
}

/** What a disk did, in the order in which it did it. */
export type Operation = Change | Sync;

/** What a write that was under way when the power went has left of itself. */
export type Tear =
  /** So many bytes of it, from its start … */
  | { readonly kind: 'head'; readonly bytes: number }
  /** … or all but them: sectors are written in any order. */
  | { readonly kind: 'tail'; readonly bytes: number }
  /** The length, and no byte of what was written. */
  | { readonly kind: 'hole' };

/** What of the operations that no sync has covered is found after a power loss. */
export interface CrashChoice {
  /** Whether this one lasted. What a sync has covered is not asked for. */
  readonly keeps: (operation: number) => boolean;
  /** A write that lasted in part. */
  readonly torn?: { readonly operation: number; readonly tear: Tear };
}

/** Which of the first `prefix` operations have been made durable by the others. */
export function durableBefore(operations: readonly Operation[], prefix: number): ReadonlySet<number> {
  const durable = new Set<number>();
  const lost = new Set<number>();
  for (const sync of operations.slice(0, prefix)) {
    if (sync.kind !== 'sync') continue;
    for (let index = 0; index < sync.covers; index += 1) {
      const operation = operations[index];
      if (operation === undefined || durable.has(index) || !isCovered(operation, sync)) continue;
      if (sync.hasFailed) lost.add(index);
      else if (!lost.has(index)) durable.add(index);
    }
  }
  return durable;
}

/** The changes among the first `prefix` operations that no sync has made durable, by number. */
export function unsyncedBefore(operations: readonly Operation[], prefix: number): number[] {
  const durable = durableBefore(operations, prefix);
  return [...operations.slice(0, prefix).keys()].filter(
    (index) => operations[index]?.kind !== 'sync' && !durable.has(index),
  );
}

/** Does again on `inodes` what lasted of the first `prefix` operations. */
export function replay(
  inodes: SimInodes,
  operations: readonly Operation[],
  prefix: number,
  { keeps, torn }: CrashChoice,
): void {
  const durable = durableBefore(operations, prefix);
  for (const [index, operation] of operations.slice(0, prefix).entries()) {
    if (operation.kind === 'sync') continue;
    if (torn?.operation === index) for (const rest of tornChange(operation, torn.tear)) inodes.apply(rest);
    else if (durable.has(index) || keeps(index)) inodes.apply(operation);
    else if (operation.kind === 'make') inodes.makeNameless(operation);
  }
  inodes.check();
}

/**
 * The ways in which a write can be torn at a multiple of `unitBytes` in the file; one that crosses none is torn
 * in its middle.
 */
export function tearsOf(operation: Operation | undefined, unitBytes: number): Tear[] {
  if (operation?.kind !== 'write' || operation.bytes.length === 0) return [];
  const { offset, bytes } = operation;
  const toBoundary = unitBytes - (offset % unitBytes);
  const at = toBoundary < bytes.length ? toBoundary : Math.floor(bytes.length / 2);
  return [{ kind: 'head', bytes: at }, { kind: 'tail', bytes: at }, { kind: 'hole' }];
}

/**
 * A folder's sync covers the names in it, and a rename counts for the folder that it leads to. It does not cover
 * the folder's own name, nor does a file's sync.
 */
function isCovered(operation: Operation, { of, isDataOnly, hasFailed }: Sync): boolean {
  if (operation.kind === 'sync') return false;
  const isContent = operation.kind === 'write' || operation.kind === 'truncate';
  // A file system that cannot write its own structures stops.
  if (hasFailed && !isContent) return false;
  if (of === 'everything') return true;
  switch (operation.kind) {
    case 'write':
    case 'truncate':
      return operation.ino === of;
    case 'chmod':
    case 'setTime':
      return operation.ino === of && !isDataOnly;
    default:
      return operation.folder === of;
  }
}

function tornChange(change: Change, tear: Tear): Change[] {
  if (change.kind !== 'write') return [change];
  const { offset, bytes } = change;
  const end = offset + bytes.length;
  switch (tear.kind) {
    case 'head':
      return [{ ...change, bytes: bytes.subarray(0, tear.bytes) }];
    case 'tail':
      return [{ ...change, offset: offset + tear.bytes, bytes: bytes.subarray(tear.bytes) }];
    case 'hole':
      // The last byte, and it is a zero: the file is as long as it would be.
      return [{ ...change, offset: end - 1, bytes: new Uint8Array(1) }];
  }
}
