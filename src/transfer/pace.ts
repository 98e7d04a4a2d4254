import type { Clock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { RateMeter, remainingMs } from './progress.ts';
import type { ProgressSnapshot } from './progress.ts';

/** How fast one side of a transfer goes, and whether its user holds it: the same for sender and receiver. */
export class Pace {
  // Immutable.
  readonly #clock: Clock;
  /** Closed while the transfer is paused. */
  readonly #gate = new Gate();

  // Mutable.
  #rate = new RateMeter();
  #furthest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * So much of what was sent is verified and written by now. What the receiver had before is no speed; the
   * sender knows of that a moment before it is confirmed, so for that moment nothing seems to move.
   */
  reached(bytesSent: number): void {
    this.#furthest = Math.max(this.#furthest, bytesSent);
    this.#rate.add(this.#clock.now(), this.#furthest);
  }

  /** How fast it goes just now. */
  get bytesPerSecond(): number {
    return this.#rate.rate(this.#clock.now());
  }

  pause(): void {
    this.#gate.close();
  }

  /** Goes on; `bytesSent` as for {@link reached}. */
  resume(bytesSent: number): void {
    if (this.#gate.isOpen) return;
    // The pause is no part of the speed.
    this.#rate = new RateMeter();
    this.reached(bytesSent);
    this.#gate.open();
  }

  /** Resolves while it is not paused. */
  pass(): Promise<void> {
    return this.#gate.pass();
  }

  /** The session is over: nobody waits any more. */
  end(): void {
    this.#gate.openForGood();
  }

  snapshot(counts: Omit<ProgressSnapshot, 'bytesPerSecond' | 'remainingMs'>): ProgressSnapshot {
    const state = this.#gate.isOpen ? counts.state : 'paused';
    const bytesPerSecond = state === 'paused' ? 0 : this.#rate.rate(this.#clock.now());
    const { bytesDone, bytesTotal } = counts;
    return {
      ...counts,
      state,
      bytesPerSecond,
      remainingMs: state === 'moving' ? remainingMs(bytesDone, bytesTotal, bytesPerSecond) : undefined,
    };
  }
}
