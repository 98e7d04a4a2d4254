import type { Clock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import type { Deferred } from '../../base/deferred.ts';
import { TokenBucket } from '../../transfer/tokenBucket.ts';

interface Request {
  readonly wantedBytes: number;
  readonly granted: Deferred<number>;
}

/**
 * One rate for all that share it: what is asked for is given in slices, first come first served. Who asks
 * for the next slice only when the last one has left takes turns with the others.
 */
export class RateLimiter {
  // Immutable.
  readonly #clock: Clock;

  // Mutable.
  /** `undefined` while there is no limit. */
  #bucket: TokenBucket | undefined;
  #waiting: Request[] = [];
  /** Stops the timer for the first that waits. */
  #disarm: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isLimited(): boolean {
    return this.#bucket !== undefined;
  }

  /** From now on this rate, for those that wait already, too; `undefined` is no limit. It begins with none. */
  setRate(bytesPerSecond: number | undefined): void {
    const now = this.#clock.now();
    if (bytesPerSecond === undefined) this.#bucket = undefined;
    else if (this.#bucket === undefined) this.#bucket = new TokenBucket(bytesPerSecond, now);
    else this.#bucket.setRate(bytesPerSecond, now);
    this.#serve();
  }

  /** How many of `wantedBytes` may be sent now; at least one. Rejects with the signal's reason. */
  async take(wantedBytes: number, { signal }: { readonly signal: AbortSignal }): Promise<number> {
    signal.throwIfAborted();
    const request = { wantedBytes, granted: deferred<number>() };
    const withdraw = (): void => this.#withdraw(request, signal);
    signal.addEventListener('abort', withdraw);
    this.#waiting.push(request);
    // Behind others, it changes nothing: they wait for their timer.
    if (this.#waiting.length === 1) this.#serve();
    try {
      return await request.granted.promise;
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }

  #withdraw(request: Request, { reason }: AbortSignal): void {
    this.#waiting = this.#waiting.filter((other) => other !== request);
    request.granted.reject(reason instanceof Error ? reason : new Error(String(reason)));
    this.#serve();
  }

  /** Gives to those that can get something, and sets the timer for the first that cannot. */
  #serve(): void {
    this.#disarm();
    this.#disarm = () => undefined;
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const { wantedBytes, granted } = first;
      const now = this.#clock.now();
      const bytes = this.#bucket === undefined ? wantedBytes : this.#bucket.take(wantedBytes, now);
      if (bytes === 0) {
        const waitMs = this.#bucket?.waitMs(wantedBytes, now) ?? 0;
        // Not 0, though rounding may say so: a timer that does not wait could go off for ever.
        this.#disarm = this.#clock.schedule(Math.max(1, waitMs), () => this.#serve());
        return;
      }
      this.#waiting.shift();
      granted.resolve(bytes);
    }
  }
}
