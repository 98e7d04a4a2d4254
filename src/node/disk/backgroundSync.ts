/** What a power loss may cost: so many bytes that are not durable, or what comes in so much time. */
const SYNC_AFTER_BYTES = 16 * 1024 * 1024;
const SYNC_AFTER_MS = 1000;

/**
 * Makes what is being written durable while more is written, so that a power loss costs little of it. Syncs once
 * there is enough to be worth it, one at a time, and nobody waits for it.
 */
export class BackgroundSync {
  // Immutable.
  readonly #sync: () => Promise<void>;
  readonly #now: () => number;

  // Mutable.
  #unsyncedBytes = 0;
  #begunAt: number;
  #underWay: Promise<void> | undefined;

  /** `sync` makes durable all that was written before it began; it never rejects. `now` is a clock's. */
  constructor(sync: () => Promise<void>, now: () => number) {
    this.#sync = sync;
    this.#now = now;
    this.#begunAt = now();
  }

  /** So many bytes more have been written. */
  wrote(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#underWay !== undefined || this.#unsyncedBytes < SYNC_AFTER_BYTES) return;
    const now = this.#now();
    if (now - this.#begunAt < SYNC_AFTER_MS) return;
    this.#begunAt = now;
    this.#unsyncedBytes = 0;
    this.#underWay = this.#sync().finally(() => {
      this.#underWay = undefined;
    });
  }

  /** Resolves when no sync is under way. */
  async settle(): Promise<void> {
    await this.#underWay;
  }
}
