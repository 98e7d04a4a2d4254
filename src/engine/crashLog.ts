import { statSync, writeFileSync } from 'node:fs';

/** What crashes again and again must not fill the disk: a log that has grown so long is begun anew. */
const LONGEST_BYTES = 256 * 1024;

/** Adds `text` to a log of what nobody foresaw. */
export function appendToCrashLog(file: string, text: string): void {
  const length = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const isFull = length + Buffer.byteLength(text) > LONGEST_BYTES;
  writeFileSync(file, text, { flag: isFull ? 'w' : 'a', mode: 0o600 });
}
