/** A queue that its consumers wait on. Unbounded: whoever feeds it must be bounded by other means. */
export class AsyncQueue<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  /** Consumers that wait, longest first. */
  readonly #waiting: (() => void)[] = [];
  #isEnded = false;

  push(item: Item): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#waiting.shift()?.();
  }

  /** No more items; those inside are still handed out. */
  end(): void {
    this.#isEnded = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#isEnded) return;
      else {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
      }
    }
  }
}
