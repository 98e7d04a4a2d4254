/**
 * How many bytes may leave at a time, so that they leave at a rate. Tokens are bytes; they come in at the
 * rate, up to what fits the bucket, and whoever takes them may send as many. Knows no clock: the time is in
 * milliseconds and comes from the caller.
 */

/** What fits the bucket: after a pause, or a timer that is late, this much of the time can be caught up. */
const BURST_MS = 100;
/** What one sender gets at a time, so that several take turns and a long piece is spread evenly … */
const SLICE_MS = 20;
/** … in bytes: less would be mostly headers of records and packets, more would not be even. */
const SMALLEST_SLICE_BYTES = 1024;
const LARGEST_SLICE_BYTES = 256 * 1024;

export class TokenBucket {
  #bytesPerSecond: number;
  #tokens = 0;
  #filledAt: number;

  /** An empty bucket: the first bytes have to wait, too. */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerSecond = requireRate(bytesPerSecond);
    this.#filledAt = now;
  }

  /** The most that is given at once. */
  get sliceBytes(): number {
    const even = Math.floor((this.#bytesPerSecond * SLICE_MS) / 1000);
    return Math.min(Math.max(even, SMALLEST_SLICE_BYTES), LARGEST_SLICE_BYTES);
  }

  /** From `now` on tokens come at this rate; those that are there stay, as far as they still fit. */
  setRate(bytesPerSecond: number, now: number): void {
    this.#fill(now);
    this.#bytesPerSecond = requireRate(bytesPerSecond);
  }

  /** Takes tokens for all of `wantedBytes`, or for one slice if that is less; gives 0 if there are too few. */
  take(wantedBytes: number, now: number): number {
    this.#fill(now);
    const bytes = Math.min(wantedBytes, this.sliceBytes);
    if (this.#tokens < bytes) return 0;
    this.#tokens -= bytes;
    return bytes;
  }

  /** Whole milliseconds until {@link take} of so much may give something; 0 if it does now. */
  waitMs(wantedBytes: number, now: number): number {
    this.#fill(now);
    const missing = Math.min(wantedBytes, this.sliceBytes) - this.#tokens;
    return Math.max(0, Math.ceil((missing * 1000) / this.#bytesPerSecond));
  }

  /** Never less than a slice, or a low rate would let nothing through at all. */
  get #burstBytes(): number {
    return Math.max((this.#bytesPerSecond * BURST_MS) / 1000, this.sliceBytes);
  }

  #fill(now: number): void {
    const gained = ((now - this.#filledAt) * this.#bytesPerSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + gained, this.#burstBytes);
    this.#filledAt = now;
  }
}

function requireRate(bytesPerSecond: number): number {
  if (Number.isFinite(bytesPerSecond) && bytesPerSecond > 0) return bytesPerSecond;
  throw new RangeError(`not a rate: ${bytesPerSecond} bytes a second`);
}
