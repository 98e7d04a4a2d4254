import { deferred } from './deferred.ts';
import type { Deferred } from './deferred.ts';

/** Something to wait at: open, whoever comes passes at once; closed, they wait until it opens. Open at first. */
export class Gate {
  #closed: Deferred<void> | undefined;
  #isForGood = false;

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  close(): void {
    if (!this.#isForGood) this.#closed ??= deferred<void>();
  }

  open(): void {
    this.#closed?.resolve();
    this.#closed = undefined;
  }

  /** Opens, and nothing closes it again: what it was there for is over. */
  openForGood(): void {
    this.#isForGood = true;
    this.open();
  }

  /** Resolves while it is open. */
  async pass(): Promise<void> {
    // Again after each wait: it may have closed before this one's turn came.
    while (this.#closed !== undefined) await this.#closed.promise;
  }
}
