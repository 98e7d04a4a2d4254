import { MemoryRandom } from './memoryRandom.ts';

/**
 * The randomness of a simulated history. What is drawn for one purpose comes from a stream of its own (see
 * {@link fork}): a change in how often the network draws leaves the faults of a seed as they were.
 */
export class SimRandom {
  readonly #seed: number;
  readonly #numbers: MemoryRandom;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#numbers = new MemoryRandom(this.#seed);
  }

  /** A stream of its own, the same for the same seed and purpose. */
  fork(purpose: string): SimRandom {
    // FNV-1a over the purpose, started with the seed.
    let hash = (this.#seed ^ 0x811c9dc5) >>> 0;
    for (let at = 0; at < purpose.length; at += 1) {
      hash = Math.imul(hash ^ purpose.charCodeAt(at), 0x01000193) >>> 0;
    }
    return new SimRandom(hash);
  }

  /** 0 ≤ n < below. */
  below(below: number): number {
    return this.#numbers.below(below);
  }

  /** 0 ≤ n < 1. */
  fraction(): number {
    return this.#numbers.below(2 ** 32) / 2 ** 32;
  }

  /** Whether something happens that has this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A whole number, both ends possible. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Between the two, every order of magnitude as likely as any other. */
  spread(least: number, most: number): number {
    return least * (most / least) ** this.fraction();
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of the names, each as likely as its weight. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let point = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      point -= weight;
      if (point < 0) return name;
    }
    return this.pick(entries)[0];
  }
}
