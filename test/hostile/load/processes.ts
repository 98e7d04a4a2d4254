import { readdirSync, readFileSync } from 'node:fs';

/** What Linux counts of one process. */
export interface Counters {
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Everything it has written, to files above all. */
  readonly writtenBytes: number;
  readonly openDescriptors: number;
  readonly atMs: number;
}

/** Linux counts processor time in these units on every platform that Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

export function countersOf(pid: number): Counters {
  // The name of the program, in brackets, may hold anything; numbers come after it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop() ?? '';
  const fields = stat.split(' ').map(Number);
  const [userTicks = 0, systemTicks = 0] = fields.slice(11, 13);
  const written = /^wchar: (\d+)$/mu.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1];
  return {
    cpuMs: (userTicks + systemTicks) * TICK_MS,
    residentBytes: (fields[21] ?? 0) * PAGE_BYTES,
    writtenBytes: Number(written),
    openDescriptors: readdirSync(`/proc/${pid}/fd`).length,
    atMs: performance.now(),
  };
}

/** What a process did between two moments. */
export interface Share {
  /** Of one core. */
  readonly cpu: number;
  /** At the end. */
  readonly residentMib: number;
  readonly openDescriptors: number;
  readonly writtenMibPerSecond: number;
}

const MIB = 1024 * 1024;

export function shareBetween(before: Counters, after: Counters): Share {
  const ms = after.atMs - before.atMs;
  return {
    cpu: (after.cpuMs - before.cpuMs) / ms,
    residentMib: after.residentBytes / MIB,
    openDescriptors: after.openDescriptors,
    writtenMibPerSecond: ((after.writtenBytes - before.writtenBytes) / MIB / ms) * 1000,
  };
}
