import type { Clock } from '../base/clock.ts';

/** What a day may bring without a question, in offers that are as large as one may be. */
const OFFERS_A_DAY = 10;
const MOST_ENTRIES_A_DAY = 1_000_000;
const DAY_MS = 24 * 60 * 60 * 1000;

interface Day {
  readonly beganAt: number;
  readonly bytes: number;
  readonly entries: number;
}

/**
 * What each peer may have accepted without a question in a day: a limit on one offer is none if there may be any
 * number of them. It is kept in memory, so a day also ends with the engine.
 */
export class UnaskedAllowance {
  readonly #clock: Clock;
  readonly #days = new Map<string, Day>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is room for an offer, which then counts. `limitBytes` is that of one offer; 0 for none. */
  take(
    fingerprint: string,
    offer: { readonly bytes: number; readonly entries: number },
    limitBytes: number,
  ): boolean {
    const now = this.#clock.now();
    for (const [peer, { beganAt }] of this.#days) if (now - beganAt >= DAY_MS) this.#days.delete(peer);
    const day = this.#days.get(fingerprint) ?? { beganAt: now, bytes: 0, entries: 0 };
    const bytes = day.bytes + offer.bytes;
    // An offer of nothing is one, too.
    const entries = day.entries + Math.max(1, offer.entries);
    const mostBytes = limitBytes === 0 ? Number.POSITIVE_INFINITY : limitBytes * OFFERS_A_DAY;
    if (bytes > mostBytes || entries > MOST_ENTRIES_A_DAY) return false;
    this.#days.set(fingerprint, { ...day, bytes, entries });
    return true;
  }
}
