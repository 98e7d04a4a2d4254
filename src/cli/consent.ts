import { printable } from '../base/printable.ts';
import type { IncomingPeer } from '../engine/receiver.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import { formatBytes, formatCount } from './format.ts';
import { tellNotable } from './notableWords.ts';
import { wholeLine } from './output.ts';
import type { Output } from './output.ts';
import { askYes } from './question.ts';

/** Asks on the terminal whether an offer is welcome; one question at a time, and no answer is a no. */
export function askConsent(output: Output, screen: { pause(): void; resume(): void }) {
  let last: Promise<unknown> = Promise.resolve();
  return (
    peer: IncomingPeer,
    summary: OfferSummary,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<boolean> => {
    const answer = last.then(() => askOne(output, screen, peer, summary, signal));
    last = answer.catch(() => undefined);
    return answer;
  };
}

async function askOne(
  output: Output,
  screen: { pause(): void; resume(): void },
  peer: IncomingPeer,
  summary: OfferSummary,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  screen.pause();
  try {
    tellNotable(output, summary);
    const { label, totals, leftOut } = summary;
    const size = `${formatCount(totals.files, 'file', 'files')}, ${formatBytes(totals.bytes)}`;
    const rest = leftOut > 0 ? ` (${leftOut} more left out by the sender)` : '';
    output.event('asking', { peer: peer.name, label, ...totals, leftOut });
    const question = `${printable(peer.name)} (${shortFingerprint(peer.fingerprint)}) offers ${printable(label)}: ${size}${rest}. Accept? [y/N] `;
    return await askYes(wholeLine(question), { signal });
  } finally {
    screen.resume();
  }
}
