/**
 * A set of non-negative safe integers kept as sorted, disjoint, half-open ranges. What arrives in order
 * costs one range, however much it is; a `Set` would end at 2^24 members, a bitmap would need its size.
 */
export class RangeSet {
  /** Flat pairs: start, end, start, end, … strictly ascending. */
  readonly #bounds: number[] = [];
  #size = 0;

  /** How many integers are in the set. */
  get size(): number {
    return this.#size;
  }

  /** How many ranges hold them: the memory this set costs. */
  get rangeCount(): number {
    return this.#bounds.length / 2;
  }

  has(value: number): boolean {
    return this.#boundsUpTo(value) % 2 === 1;
  }

  /** Adds every integer with start ≤ n < end; members already there stay. */
  add(start: number, end: number = start + 1): void {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
      throw new RangeError(`not a range: ${start}..${end}`);
    }
    if (start === end) return;
    const from = this.#boundsBelow(start);
    const to = this.#boundsUpTo(end);
    // An even count of bounds before `start` means that it lies outside every range: it opens one there.
    const opening = from % 2 === 0 ? [start] : [];
    const closing = to % 2 === 0 ? [end] : [];
    const merged = this.#bounds.splice(from, to - from, ...opening, ...closing);
    this.#size += end - start - coveredBy(merged, start, end, from % 2 === 1);
  }

  /** The ranges as `[start, end)`, ascending. */
  *ranges(): Generator<readonly [start: number, end: number]> {
    for (let index = 0; index < this.#bounds.length; index += 2) {
      yield [this.#bounds[index] ?? 0, this.#bounds[index + 1] ?? 0];
    }
  }

  /** The smallest integer ≥ `from` that is not in the set. */
  firstMissing(from = 0): number {
    const count = this.#boundsUpTo(from);
    return count % 2 === 1 ? (this.#bounds[count] ?? from) : from;
  }

  /** How many bounds are < value. */
  #boundsBelow(value: number): number {
    return this.#search((bound) => bound < value);
  }

  /** How many bounds are ≤ value. */
  #boundsUpTo(value: number): number {
    return this.#search((bound) => bound <= value);
  }

  #search(isBefore: (bound: number) => boolean): number {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(this.#bounds[middle] ?? 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How many integers in [start, end) lie inside the ranges whose bounds within it are `bounds`. */
function coveredBy(bounds: readonly number[], start: number, end: number, startsInside: boolean): number {
  let covered = 0;
  let inside = startsInside;
  let last = start;
  for (const bound of bounds) {
    if (inside) covered += bound - last;
    last = bound;
    inside = !inside;
  }
  return inside ? covered + end - last : covered;
}
