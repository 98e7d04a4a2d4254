import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How much of the file at `source` an interrupted receiver holds: the bytes of all chunks in its partial that
 * are byte for byte those of the source. Found by comparing, without any of the product's own code.
 */
export function heldBytes(received: string, source: string, chunkBytes: number): number {
  const partial = partialBelow(join(received, '.peer-courier'));
  if (partial === undefined) return 0;
  const [ours, theirs] = [openSync(source, 'r'), openSync(partial, 'r')];
  try {
    const end = fstatSync(ours).size;
    const [one, other] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
    let held = 0;
    for (let offset = 0; offset < end; offset += chunkBytes) {
      const length = Math.min(chunkBytes, end - offset);
      readSync(ours, one, 0, length, offset);
      if (readSync(theirs, other, 0, length, offset) < length) continue;
      if (one.compare(other, 0, length, 0, length) === 0) held += length;
    }
    return held;
  } finally {
    closeSync(ours);
    closeSync(theirs);
  }
}

/** The only big file in staging. */
function partialBelow(staging: string): string | undefined {
  const names = readNames(staging).filter((name) => /(?:parts|tree)[/\\][^/\\]+$/u.test(name));
  return names.length === 0 ? undefined : join(staging, names[0] ?? '');
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}
