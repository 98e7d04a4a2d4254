import type { Disposable } from 'vscode';

/** Runs an action at most once in `pauseMs`: at once when it has rested, else at the end of the pause. */
export class Throttle implements Disposable {
  readonly #action: () => void;
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;

  constructor(pauseMs: number, action: () => void) {
    this.#action = action;
    this.#pauseMs = pauseMs;
  }

  request(): void {
    if (this.#timer !== undefined) {
      this.#isWanted = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isWanted) return;
      this.#isWanted = false;
      this.request();
    }, this.#pauseMs);
    this.#action();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isWanted = false;
  }
}
