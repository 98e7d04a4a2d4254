import type { OpenFile } from './fileSystem.ts';

const PIECE_BYTES = 64 * 1024;
/** Three times what two names of the greatest length take. */
const LONGEST_LINE_BYTES = 16 * 1024;
/** About a journal of five million names; what stands behind that is taken for nobody's. */
const MOST_BYTES = 512 * 1024 * 1024;
const LINE_BREAK = 10;

/** The lines of a file that somebody may have put in place of ours: none of them long, and not without end. */
export function* journalLines(file: OpenFile): Generator<string> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  /** What the pieces before this one have of the line; `undefined` if it is too long already. */
  let begun: Buffer | undefined = Buffer.alloc(0);
  for (let position = 0, count = 0; position < MOST_BYTES; position += count) {
    count = file.readNow(piece, position);
    if (count === 0) break;
    const read = piece.subarray(0, count);
    let start = 0;
    for (let end = read.indexOf(LINE_BREAK); end !== -1; end = read.indexOf(LINE_BREAK, start)) {
      const line = extended(begun, read.subarray(start, end));
      if (line !== undefined && line.length > 0) yield line.toString('utf8');
      begun = Buffer.alloc(0);
      start = end + 1;
    }
    begun = extended(begun, read.subarray(start));
  }
  // What a crash has cut off is told apart by who reads it.
  if (begun !== undefined && begun.length > 0) yield begun.toString('utf8');
}

function extended(begun: Buffer | undefined, more: Uint8Array): Buffer | undefined {
  if (begun === undefined || begun.length + more.length > LONGEST_LINE_BYTES) return undefined;
  return Buffer.concat([begun, more]);
}
