import { futimesSync, lutimesSync } from 'node:fs';

/**
 * Seconds as the system calls take them. Half a microsecond more than asked: 0.123 has no exact double,
 * and the system cuts off, so that without it a file from .123 would come back as .122. As text, because
 * `lib/internal/fs/utils.js` of Node takes a number below zero for "now".
 */
function seconds(mtimeMs: number): string {
  return String((mtimeMs + 0.0005) / 1000);
}

/** Sets the time of an open file to the millisecond. */
export function setFileTime(descriptor: number, mtimeMs: number): void {
  futimesSync(descriptor, seconds(mtimeMs), seconds(mtimeMs));
}

/** Sets the time of a folder to the millisecond; not through a link that took its place. */
export function setFolderTime(location: string, mtimeMs: number): void {
  lutimesSync(location, seconds(mtimeMs), seconds(mtimeMs));
}
