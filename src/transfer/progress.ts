/**
 * What a person is shown of a transfer. Bytes are those that the receiver has verified and written, on
 * both sides, so that a full socket buffer never looks like progress (Taildrop's lesson).
 */
export interface ProgressSnapshot {
  readonly state: TransferState;
  readonly bytesDone: number;
  /** What is to be moved, as far as it is known yet. */
  readonly bytesTotal: number;
  readonly entriesDone: number;
  readonly entriesTotal: number;
  /** Bytes a second over the last seconds; 0 when nothing moves. */
  readonly bytesPerSecond: number;
  /** `undefined` while nothing moves or the total is not known. */
  readonly remainingMs: number | undefined;
}

export type TransferState =
  | 'connecting'
  /** The offer is being made. */
  | 'offering'
  /** Somebody has to accept it. */
  | 'waiting'
  | 'moving'
  /** Held on this side, until it is told to go on. */
  | 'paused'
  /** Everything is there; names are being set and synced. */
  | 'publishing'
  | 'done'
  | 'failed';

/** How far back the rate looks. */
const RATE_WINDOW_MS = 5000;
/** Samples closer together than this are merged. */
const SAMPLE_SPACING_MS = 100;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** Rate over a sliding window. Feed it whenever bytes move; the time comes from outside. */
export class RateMeter {
  #samples: Sample[] = [];

  add(at: number, bytes: number): void {
    // The last one gives way while it is close to the one before it; were it compared with the new one,
    // samples that come quickly would replace each other for ever.
    const before = this.#samples.at(-2);
    if (before !== undefined && at - before.at < SAMPLE_SPACING_MS) this.#samples.pop();
    this.#samples.push({ at, bytes });
    // One sample older than the window stays, to measure from.
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > RATE_WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /** Bytes a second up to `at`; falls towards zero while nothing moves. */
  rate(at: number): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || at <= first.at) return 0;
    return ((last.bytes - first.bytes) * 1000) / (at - first.at);
  }
}

/** Milliseconds until `bytesTotal`, at this rate. */
export function remainingMs(
  bytesDone: number,
  bytesTotal: number,
  bytesPerSecond: number,
): number | undefined {
  if (bytesPerSecond <= 0) return undefined;
  return ((bytesTotal - bytesDone) * 1000) / bytesPerSecond;
}
