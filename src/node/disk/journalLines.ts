import type { OpenFile } from './fileSystem.ts';

const PIECE_BYTES = 64 * 1024;
/** Three times what two names of the greatest length take. */
const LONGEST_LINE_BYTES = 16 * 1024;
/** About a journal of five million names; what stands behind that is taken for nobody's. */
const MOST_BYTES = 512 * 1024 * 1024;
const LINE_BREAK = 10;
const NOTHING = new Uint8Array(0);

/** The lines of a file that somebody may have put in place of ours: none of them long, and not without end. */
export function* journalLines(file: OpenFile): Generator<string> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  /** What the pieces before this one have of the line; `undefined` if it is too long already. */
  let begun: Uint8Array | undefined = NOTHING;
  for (let position = 0, count = 0; position < MOST_BYTES; position += count) {
    count = file.readNow(piece, position);
    if (count === 0) break;
    const read = piece.subarray(0, count);
    let start = 0;
    for (let end = read.indexOf(LINE_BREAK); end !== -1; end = read.indexOf(LINE_BREAK, start)) {
      const line = extended(begun, read.subarray(start, end));
      if (line !== undefined && line.length > 0) yield textOf(line);
      begun = NOTHING;
      start = end + 1;
      // To look for each of a million empty lines would take long.
      while (read[start] === LINE_BREAK) start += 1;
    }
    // Copied: the next piece is read into the same memory.
    begun = extended(begun, new Uint8Array(read.subarray(start)));
  }
  // What a crash has cut off is told apart by who reads it.
  if (begun !== undefined && begun.length > 0) yield textOf(begun);
}

function extended(begun: Uint8Array | undefined, more: Uint8Array): Uint8Array | undefined {
  if (begun === undefined || begun.length + more.length > LONGEST_LINE_BYTES) return undefined;
  return begun.length === 0 ? more : Buffer.concat([begun, more]);
}

function textOf(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
}
