import type { Clock } from '../base/clock.ts';
import type { EngineState, StateChange } from '../rpc/model.ts';

export interface PublisherInit {
  readonly clock: Clock;
  readonly sections: (names: ReadonlySet<keyof EngineState>) => StateChange;
  /** Whether transfers change from moment to moment without saying so. */
  readonly isMoving: () => boolean;
  readonly publish: (change: StateChange) => void;
}

/** Snapshots come at most four times a second. */
const PERIOD_MS = 250;

/**
 * Samples the state for the windows: what changes often is told seldom, what changes once is told at
 * once. Nothing is armed while nothing happens.
 */
export class Publisher {
  readonly #init: PublisherInit;
  readonly #changed = new Set<keyof EngineState>();
  #publishedAt = Number.NEGATIVE_INFINITY;
  #isArmed = false;

  constructor(init: PublisherInit) {
    this.#init = init;
  }

  changed(section: keyof EngineState): void {
    this.#changed.add(section);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    const { clock } = this.#init;
    // Also at once means later: what changes together is told together.
    const delayMs = Math.max(0, this.#publishedAt + PERIOD_MS - clock.now());
    clock.schedule(delayMs, () => {
      this.#isArmed = false;
      this.#publish();
    });
  }

  #publish(): void {
    const { clock, sections, isMoving, publish } = this.#init;
    const change = sections(this.#changed);
    this.#changed.clear();
    this.#publishedAt = clock.now();
    publish(change);
    if (isMoving()) this.changed('transfers');
  }
}
