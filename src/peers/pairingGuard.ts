import type { Clock } from '../base/clock.ts';
import { CourierError } from '../base/failure.ts';

/** Each comparison that fails is a guess that somebody in the middle may have made: so many in a row … */
export const MOST_FAILED_COMPARISONS = 3;
/** … and for so long there is no other. */
export const COOL_DOWN_MS = 10 * 60 * 1000;

/** Counts comparisons of codes that have failed. The clock must not be one that a user or a network sets. */
export class PairingGuard {
  readonly #clock: Clock;
  #failed = 0;
  #closedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long nobody may pair by code, milliseconds; 0 if one may. */
  get waitMs(): number {
    return Math.max(0, this.#closedUntilMs - this.#clock.now());
  }

  /** Throws `pairing-paused` while it is too early for another attempt. */
  requireOpen(): void {
    const { waitMs } = this;
    if (waitMs > 0) {
      throw new CourierError('pairing-paused', String(Math.ceil(waitMs / 60_000)));
    }
  }

  /** A code was shown, and not both users have said that it is the same. */
  failed(): void {
    this.#failed += 1;
    if (this.#failed < MOST_FAILED_COMPARISONS) return;
    this.#failed = 0;
    this.#closedUntilMs = this.#clock.now() + COOL_DOWN_MS;
  }

  succeeded(): void {
    this.#failed = 0;
  }
}
