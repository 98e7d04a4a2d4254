/**
 * Lets work in while the weights of what is inside stay within a capacity, first come first served. A
 * weight above the capacity gets in alone.
 */
export class Semaphore {
  #capacity: number;
  #used = 0;
  readonly #waiting: { readonly weight: number; readonly enter: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The weight that is inside. */
  get used(): number {
    return this.#used;
  }

  /** Resolves when `weight` is inside; give it back with {@link release}. */
  acquire(weight: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(weight)) {
      this.#used += weight;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push({ weight, enter: resolve });
    });
  }

  release(weight: number): void {
    this.#used -= weight;
    this.#letIn();
  }

  /** Changes the capacity. Who is inside stays, however small it becomes. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#letIn();
  }

  #letIn(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#fits(next.weight);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#used += next.weight;
      next.enter();
    }
  }

  #fits(weight: number): boolean {
    return this.#used === 0 || this.#used + weight <= this.#capacity;
  }
}
