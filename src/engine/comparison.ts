import { randomBytes } from 'node:crypto';
import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { systemClock } from '../node/clock.ts';
import { nodeHashing } from '../node/hashing.ts';
import { Pairing } from '../peers/pairing.ts';
import type { PairingEvent } from '../peers/pairing.ts';
import { NONCE_BYTES } from '../peers/pairingCode.ts';
import type { Pair } from '../peers/pairingCode.ts';
import { SessionPump } from '../transfer/sessionPump.ts';
import type { Channel } from '../transfer/ports.ts';

/** Puts a code before the user; whether the other device shows the same. The signal: it is of no use any more. */
export type Compare = (code: string, options: { readonly signal: AbortSignal }) => Promise<boolean>;

export interface ComparisonInit {
  readonly side: 'dialler' | 'listener';
  readonly pair: Pair;
  readonly channel: Channel;
  /** What this device calls itself. */
  readonly name: string;
  readonly compare: Compare;
  /** Listener only: the other device has asked. */
  readonly onAsked?: () => void;
  readonly signal: AbortSignal;
}

export type Comparison =
  | { readonly outcome: 'paired'; readonly name: string }
  /** `hasCode`: a code was known, so that this counts as a guess. */
  | { readonly outcome: 'failed'; readonly hasCode: boolean; readonly failure: CourierError };

/** How long two users may take to look at each other's screens. */
const COMPARISON_MS = 2 * 60 * 1000;

const BROKEN_OFF: ReadonlySet<string> = new Set(['cancelled', 'connection-lost', 'timed-out']);

/** Runs the talk in which two users compare a code, to its end. Never rejects. */
export async function compareCodes(init: ComparisonInit): Promise<Comparison> {
  const { side, pair, channel, name, compare, onAsked, signal } = init;
  const talk = new Pairing({
    hashing: nodeHashing,
    side,
    pair,
    nonce: new Uint8Array(randomBytes(NONCE_BYTES)),
    name,
    now: systemClock.now(),
  });
  const over = new AbortController();
  let hasCode = false;
  let peerName: string | undefined;

  const ask = async (code: string): Promise<void> => {
    let isSame = false;
    try {
      isSame = await compare(code, { signal: over.signal });
    } catch {
      // Whoever could not be asked has not said yes.
    }
    if (pump.isEnded) return;
    if (isSame) pump.dispatch(talk.agree());
    else pump.close({ code: 'code-differs' });
  };
  const handle = (event: PairingEvent): void => {
    if (event.type === 'asked') {
      onAsked?.();
      talk.admit();
    } else if (event.type === 'code') {
      hasCode = true;
      void ask(event.code);
    } else if (event.type === 'paired') peerName = printable(event.name, 64);
  };
  const pump: SessionPump<PairingEvent> = new SessionPump<PairingEvent>(talk, channel, systemClock, handle);
  const stop = (): void => pump.close({ code: 'cancelled' });
  const tooLate = systemClock.schedule(COMPARISON_MS, () => pump.close({ code: 'timed-out' }));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const { close } = await pump.run();
  tooLate();
  signal.removeEventListener('abort', stop);
  over.abort();
  if (peerName !== undefined) return { outcome: 'paired', name: peerName };
  // Somebody has left, or both have looked too long: what that means to a transfer is not what it means here.
  const isBrokenOff = hasCode && !signal.aborted && BROKEN_OFF.has(close.code);
  const code = close.code === 'done' ? 'protocol-error' : close.code;
  const failure = new CourierError(isBrokenOff ? 'pairing-broken-off' : code, close.message ?? '');
  return { outcome: 'failed', hasCode, failure };
}
