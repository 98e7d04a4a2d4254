import type { OpenFile } from './fileSystem.ts';

/** Fills `bytes` from the beginning of a small file, and returns them; `undefined` if it is shorter. */
export function readNow<Bytes extends Uint8Array>(file: OpenFile, bytes: Bytes): Bytes | undefined {
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.readNow(filled === 0 ? bytes : bytes.subarray(filled), filled);
    if (count === 0) return undefined;
    filled += count;
  }
  return bytes;
}

/** Writes all of the bytes from `position` on; for a few kilobytes. */
export function writeNow(file: OpenFile, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += file.writeNow(written === 0 ? bytes : bytes.subarray(written), position + written);
  }
}
