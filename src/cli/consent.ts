import { createInterface } from 'node:readline/promises';
import { printable } from '../base/printable.ts';
import type { IncomingPeer } from '../engine/receiver.ts';
import { shortFingerprint } from '../peers/fingerprint.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import { formatBytes, formatCount } from './format.ts';
import { tellNotable } from './notableWords.ts';
import { wholeLine } from './output.ts';
import type { Output } from './output.ts';

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
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // While it asks, the terminal is in raw mode and Ctrl-C is a key like any other.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    tellNotable(output, summary);
    const { label, totals, leftOut } = summary;
    const size = `${formatCount(totals.files, 'file', 'files')}, ${formatBytes(totals.bytes)}`;
    const rest = leftOut > 0 ? ` (${leftOut} more left out by the sender)` : '';
    output.event('asking', { peer: peer.name, label, ...totals, leftOut });
    const question = `${printable(peer.name)} (${shortFingerprint(peer.fingerprint)}) offers ${printable(label)}: ${size}${rest}. Accept? [y/N] `;
    const answer = await terminal.question(wholeLine(question), { signal });
    return /^y(?:es)?$/iu.test(answer.trim());
  } catch {
    // The sender gave up, or the input ended.
    return false;
  } finally {
    terminal.close();
    screen.resume();
  }
}
