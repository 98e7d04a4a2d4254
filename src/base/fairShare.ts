/** Tells those who share something how many they are, so that each takes no more than its part. */
export class FairShare {
  readonly #members = new Set<(count: number) => void>();

  /** Joins; `onCount` hears of the number of members, this one among them, now and whenever it changes. */
  join(onCount: (count: number) => void): () => void {
    this.#members.add(onCount);
    this.#tell();
    return () => {
      if (this.#members.delete(onCount)) this.#tell();
    };
  }

  #tell(): void {
    for (const onCount of this.#members) onCount(this.#members.size);
  }
}
