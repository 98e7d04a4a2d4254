import { l10n } from 'vscode';
import { printable } from '../../base/printable.ts';
import type { OfferDetails } from '../../rpc/model.ts';
import { count } from './numbers.ts';

const MOST_NAMED = 3;
/** Short enough for the whole sentence to be seen in a tooltip's line. */
const MOST_PATH_CHARACTERS = 32;

/**
 * Points out what in an offer some program would run or obey; `undefined` if there is nothing. The paths are
 * the peer's texts; whoever shows the sentence makes it fit its surface.
 */
export function notableSentence({ notable }: OfferDetails): string | undefined {
  if (notable.count === 0) return undefined;
  const named = notable.first.slice(0, MOST_NAMED).map((path) => printable(path, MOST_PATH_CHARACTERS));
  if (notable.count > named.length) named.push('…');
  return l10n.t(
    'Look before you open it. What programs may run or obey in it: {0} ({1}).',
    count(notable.count),
    named.join(', '),
  );
}
