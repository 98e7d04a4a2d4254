import { commandLine, shortId } from './commandLine.ts';
import { NO_SUCH_TRANSFER_STATUS } from './failures.ts';
import type { LeftTransfer } from './leftTransfers.ts';
import type { Output } from './output.ts';

/** The only one that was meant; otherwise says why there is none, and returns `undefined`. */
export function onlyOne(
  found: readonly LeftTransfer[],
  { id, state }: { readonly id: string; readonly state: string | undefined },
  output: Output,
): LeftTransfer | undefined {
  const [first, ...more] = found;
  if (first !== undefined && more.length === 0) return first;
  const list = commandLine(['transfers'], state);
  const ids = found.map(({ record }) => shortId(record.id)).join(', ');
  refuse(
    first === undefined
      ? `No transfer here begins with ${id}. "${list}" lists what there is.`
      : `${found.length} transfers begin with ${id} (${ids}). Give more of the ID; "${list} --json" has all of it.`,
    output,
  );
  return undefined;
}

/** Says why a transfer is not one for this command. Returns the exit status. */
export function refuse(sentence: string, output: Output): number {
  output.event('failed', { code: 'no-such-transfer', status: NO_SUCH_TRANSFER_STATUS, message: sentence });
  output.problem(sentence);
  return NO_SUCH_TRANSFER_STATUS;
}
