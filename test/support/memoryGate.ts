/** Where work waits until a test lets it through. */
export class MemoryGate {
  #isOpen: boolean;
  #waiting: (() => void)[] = [];

  constructor({ isOpen = false }: { readonly isOpen?: boolean } = {}) {
    this.#isOpen = isOpen;
  }

  /** How much work waits here. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async pass(): Promise<void> {
    if (this.#isOpen) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Lets one through. */
  step(): void {
    this.#waiting.shift()?.();
  }

  open(): void {
    this.#isOpen = true;
    for (const enter of this.#waiting.splice(0)) enter();
  }

  shut(): void {
    this.#isOpen = false;
  }
}
