import type { Clock } from '../../src/base/clock.ts';

/** A clock that stands still until a test turns it. */
export class MemoryClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#now + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#timers.length;
  }

  /** Moves the hand without looking at the timers. */
  tick(ms: number): void {
    this.#now += ms;
  }

  /** Turns the clock; timers go off in their order, each at its own time. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.at <= target).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
      await quiet();
    }
    this.#now = target;
    await quiet();
  }
}

/**
 * Resolves when nothing is left to do. The memory adapters work in microtasks alone, so whatever has not
 * happened by now waits for a gate, for the clock, or forever: a hang shows at once, without a timeout.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
