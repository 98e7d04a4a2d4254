import type { ProgressSnapshot } from '../transfer/progress.ts';

/** Numbers as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.5 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit] ?? 'B'}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** `42 s`, `3 min 10 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatCount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** How much is done, in whole percent. A transfer of empty files is measured by how many there are. */
export function percentOf({
  bytesDone,
  bytesTotal,
  entriesDone,
  entriesTotal,
}: Pick<ProgressSnapshot, 'bytesDone' | 'bytesTotal' | 'entriesDone' | 'entriesTotal'>): number {
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : entriesDone / Math.max(1, entriesTotal);
  return Math.floor(Math.min(1, share) * 100);
}

/** `2026-11-21 17:30`, by the clock of this machine. */
export function formatMoment(atMs: number): string {
  const at = new Date(atMs);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
