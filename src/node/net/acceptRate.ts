import { networkOf } from './network.ts';

/**
 * How fast connections are taken up. A finished handshake costs a millisecond or two of processor time, a
 * connection that is closed at once hardly anything: so whoever comes too fast is closed before it begins.
 */

/** A bucket of connections: so many at once, and one more after each interval. */
export interface Rate {
  readonly atOnce: number;
  readonly everyMs: number;
}

export interface AcceptRates {
  readonly fromOneNetwork: Rate;
  readonly inAll: Rate;
}

/** Of the networks that were let in last so many are remembered. By then the bucket of the oldest has long been full again. */
const MOST_NETWORKS = 1024;
/** Addresses from which peers were admitted, of which so many are remembered. */
const MOST_REGULARS = 64;

/** Counts connections by where they come from. Knows no clock: the time is in milliseconds and comes from the caller. */
export class AcceptRate {
  // Immutable.
  readonly #rates: AcceptRates;

  // Mutable. A bucket is the moment at which it is full again.
  #fullAt = 0;
  /** By network, the one that was let in last at the end. */
  readonly #networks = new Map<string, number>();
  readonly #regulars = new Set<string>();

  constructor(rates: AcceptRates) {
    this.#rates = rates;
  }

  /** Whether a connection from there may be taken up now; if so, it is counted. */
  take(address: string, now: number): boolean {
    const network = networkOf(address);
    const here = withOneLess(this.#networks.get(network) ?? now, now, this.#rates.fromOneNetwork);
    if (here === undefined) return false;
    // A flood from everywhere must not keep a peer out that comes from where it always came from.
    if (!this.#regulars.has(address)) {
      const inAll = withOneLess(this.#fullAt, now, this.#rates.inAll);
      if (inAll === undefined) return false;
      this.#fullAt = inAll;
    }
    this.#networks.delete(network);
    this.#networks.set(network, here);
    dropOldest(this.#networks, MOST_NETWORKS);
    return true;
  }

  /** A peer was admitted from there. */
  remember(address: string): void {
    this.#regulars.delete(address);
    this.#regulars.add(address);
    dropOldest(this.#regulars, MOST_REGULARS);
  }
}

/** When the bucket is full again after one more was taken out of it; `undefined` if it is empty. */
function withOneLess(fullAt: number, now: number, { atOnce, everyMs }: Rate): number | undefined {
  const from = Math.max(fullAt, now);
  return from - now > (atOnce - 1) * everyMs ? undefined : from + everyMs;
}

/** Maps and sets keep the order in which their keys were added. */
function dropOldest(
  keys: { readonly size: number; delete(key: string): boolean; keys(): Iterable<string> },
  most: number,
): void {
  for (const oldest of keys.keys()) {
    if (keys.size <= most) return;
    keys.delete(oldest);
  }
}
