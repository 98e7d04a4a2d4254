import type { ProgressSnapshot, TransferState } from '../transfer/progress.ts';
import { formatBytes, formatDuration, formatRate, percentOf } from './format.ts';

const BAR_CELLS = 24;

const STATES: Readonly<Record<TransferState, string>> = {
  connecting: 'Connecting',
  offering: 'Listing',
  waiting: 'Waiting for the receiver to accept',
  moving: '',
  paused: 'Paused',
  publishing: 'Finishing',
  done: 'Done',
  failed: 'Failed',
};

/** One line of progress, at most `columns` wide: bar, share, bytes, rate, remaining time. */
export function progressLine(snapshot: ProgressSnapshot, columns = 80): string {
  const { state, bytesDone, bytesTotal, bytesPerSecond, remainingMs } = snapshot;
  if (state !== 'moving') return `${STATES[state]}…`.slice(0, columns - 1);
  const percent = percentOf(snapshot);
  const filled = Math.round((percent / 100) * BAR_CELLS);
  const parts = [
    `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}]`,
    `${percent} %`.padStart(5),
    `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
    formatRate(bytesPerSecond),
    remainingMs === undefined ? '' : `${formatDuration(remainingMs)} left`,
  ];
  return parts
    .filter((part) => part !== '')
    .join('  ')
    .slice(0, columns - 1);
}
