/** Random numbers that a seed repeats (mulberry32). */
export class MemoryRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ n < below. */
  below(below: number): number {
    return Math.floor((this.#next() / 2 ** 32) * below);
  }

  /** `length` bytes: noise, or text that compresses well. */
  bytes(length: number, isNoise = true): Uint8Array {
    const bytes = new Uint8Array(length);
    if (isNoise) {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let at = 0; at < words.length; at += 1) words[at] = this.#next();
      bytes.set(new Uint8Array(words.buffer, 0, length));
      return bytes;
    }
    const phrase = `${this.#next().toString(36)} repeats itself and `;
    for (let at = 0; at < length; at += 1) bytes[at] = phrase.charCodeAt(at % phrase.length);
    return bytes;
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}

/** The seeds that a property runs with: the given count from a fixed start, or the one in `SEED`. */
export function seeds(count: number): number[] {
  const given = process.env['SEED'];
  return given === undefined ? Array.from({ length: count }, (_, at) => 1000 + at) : [Number(given)];
}
