import { env } from 'vscode';
import { formatBytes, formatCount, formatDuration, formatRate } from '../model/format.ts';

/** Numbers in the editor's language. */

export function bytes(size: number): string {
  return formatBytes(size, env.language);
}

export function rate(bytesPerSecond: number): string {
  return formatRate(bytesPerSecond, env.language);
}

export function duration(ms: number): string {
  return formatDuration(ms, env.language);
}

export function count(number: number): string {
  return formatCount(number, env.language);
}

/** `14:05`. */
export function clockTime(ms: number): string {
  return new Intl.DateTimeFormat(env.language, { timeStyle: 'short' }).format(ms);
}

/** Day and time. */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat(env.language, { dateStyle: 'medium', timeStyle: 'short' }).format(ms);
}
