import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * The first path at which two files or folders differ in names or content; `undefined` if they are the same. Lets
 * others have their turn, because this may take minutes.
 */
export async function findDifference(one: string, other: string): Promise<string | undefined> {
  const kinds = [one, other].map((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (kinds[0] !== kinds[1] || kinds[0] === undefined) return other;
  if (!kinds[0]) return (await areSameFiles(one, other)) ? undefined : other;
  const [names, otherNames] = [readdirSync(one).toSorted(), readdirSync(other).toSorted()];
  const odd = names.find((name, at) => name !== otherNames[at]) ?? otherNames[names.length];
  if (odd !== undefined) return join(other, odd);
  await turn();
  for (const name of names) {
    const difference = await findDifference(join(one, name), join(other, name));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

async function areSameFiles(one: string, other: string): Promise<boolean> {
  const [left, right] = [openSync(one, 'r'), openSync(other, 'r')];
  try {
    const { size } = fstatSync(left);
    if (fstatSync(right).size !== size) return false;
    const blockBytes = Math.min(BLOCK_BYTES, size);
    const [leftBlock, rightBlock] = [Buffer.allocUnsafe(blockBytes), Buffer.allocUnsafe(blockBytes)];
    for (let offset = 0; offset < size; offset += blockBytes) {
      if (offset > 0) await turn();
      const length = readSync(left, leftBlock, 0, blockBytes, offset);
      if (readSync(right, rightBlock, 0, blockBytes, offset) !== length) return false;
      if (leftBlock.compare(rightBlock, 0, length, 0, length) !== 0) return false;
    }
    return true;
  } finally {
    closeSync(left);
    closeSync(right);
  }
}
