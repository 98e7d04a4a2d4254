import { createRandom } from '../../support/random.ts';

/** What chance decides for one input. Two with the same seed and index throw the same, so that any input can be made again. */
export class Dice {
  readonly #next: () => number;

  constructor(seed: number, index = 0) {
    this.#next = createRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  /** Whether something happens that does so `share` of the time. */
  isLess(share: number): boolean {
    return this.#next() < share;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** `length` bytes of anything. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** So many items, from none to `most`. */
  list<Item>(most: number, make: () => Item): Item[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}
