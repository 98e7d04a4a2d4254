import { limits } from './limits.ts';

/**
 * When one end of a connection has to say that it is alive, and when it gives the other end up. Sans-io: the time
 * goes in, milliseconds on one clock, and what is due comes out.
 *
 * Each side speaks at least every `aliveEveryMs`, without being asked: on a slow path the answer to a question would
 * wait behind megabytes of data, and the asker would give up too soon.
 */
export class Liveness {
  // Immutable.
  readonly #startedAt: number;

  // Mutable.
  /** Whether the peer is not let in yet: then nothing is said, not even that we are alive. */
  #isGreeting = true;
  #heardAt: number;
  /** When we last made sure that the peer hears of us, and whether something was said since. */
  #tickedAt: number;
  #hasSpoken = false;

  constructor(now: number) {
    this.#startedAt = now;
    this.#heardAt = now;
    this.#tickedAt = now;
  }

  /** The two have greeted each other. */
  greeted(): void {
    this.#isGreeting = false;
  }

  /** Something has come from the peer. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** Something is said to the peer. */
  spoke(): void {
    this.#hasSpoken = true;
  }

  /** When {@link pass} must be called next. */
  get deadline(): number {
    if (this.#isGreeting) return this.#startedAt + limits.greetingTimeoutMs;
    return Math.min(this.#tickedAt + limits.aliveEveryMs, this.#heardAt + limits.deadAfterMs);
  }

  /** Time has passed: what is to be done now. */
  pass(now: number): 'nothing' | 'speak' | 'give-up' {
    const { deadline } = this;
    if (now < deadline) return 'nothing';
    if (this.#isGreeting) return 'give-up';
    // Woken far too late, we heard nothing because we slept, not because the peer is gone.
    if (now - deadline > limits.aliveEveryMs) this.#heardAt = now;
    if (now >= this.#heardAt + limits.deadAfterMs) return 'give-up';
    const hasSpoken = this.#hasSpoken;
    this.#hasSpoken = false;
    this.#tickedAt = now;
    return hasSpoken ? 'nothing' : 'speak';
  }
}
