import { printable } from '../base/printable.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import { formatCount } from './format.ts';
import type { Output } from './output.ts';

const MOST_PATH_CHARACTERS = 60;

/** Points out what in an offer some program would run or obey, if there is anything. */
export function tellNotable(output: Output, { transfer, label, notable }: OfferSummary): void {
  const { count, first } = notable;
  if (count === 0) return;
  output.event('notable', { transfer, label, count, first });
  const named = first.map((path) => printable(path, MOST_PATH_CHARACTERS)).join(', ');
  output.line(
    `Look at ${printable(label)} before you open it: programs may run or obey ${formatCount(count, 'thing', 'things')} in it (${named}${count > first.length ? ', …' : ''}).`,
  );
}
