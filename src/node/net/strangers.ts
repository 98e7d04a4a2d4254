import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { AcceptRate } from './acceptRate.ts';
import type { AcceptRates } from './acceptRate.ts';
import { networkOf, plainAddress } from './network.ts';

/** What connections may cost before anybody is admitted on them. */
export interface StrangerLimits {
  /** From the first packet until the peer is admitted: the TLS handshake and the greeting together. */
  readonly admissionMs: number;
  /** Connections that may be open at once, … */
  readonly most: number;
  /** … and those of them from one IPv4 address or one IPv6 network. */
  readonly mostFromOneNetwork: number;
  readonly rates: AcceptRates;
}

export const STRANGER_LIMITS: StrangerLimits = {
  admissionMs: 10_000,
  most: 64,
  mostFromOneNetwork: 16,
  // A peer that looks for us dials twice a second, and some share one address. Twenty handshakes a second cost 4 % of a core.
  rates: {
    fromOneNetwork: { atOnce: 40, everyMs: 100 },
    inAll: { atOnce: 64, everyMs: 50 },
  },
};

/** The part of a socket that is needed here. */
export interface Guest {
  readonly remoteAddress?: string | undefined;
  destroy(): unknown;
}

/** A connection that counts as a stranger's until one of these is called. */
export interface Stay {
  /** The peer is let in: from now on nobody puts it out. */
  admit(): void;
  /** The connection is over, or somebody deals with it. */
  leave(): void;
}

interface Stranger {
  readonly guest: Guest;
  readonly address: string;
  readonly network: string;
  readonly disarm: () => void;
}

/**
 * The connections on which nobody has been admitted yet. When there are too many, room is made for who comes last:
 * whoever fills the house loses places itself, and who comes alone gets in.
 */
export class Strangers {
  // Immutable.
  readonly #limits: StrangerLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rate: AcceptRate;

  // Mutable.
  /** In the order in which they came. */
  readonly #waiting = new Set<Stranger>();

  constructor(limits: StrangerLimits, clock: Clock, logger: Logger) {
    this.#limits = limits;
    this.#clock = clock;
    this.#logger = logger;
    this.#rate = new AcceptRate(limits.rates);
  }

  /** Takes a connection up, and may drop another for it; `undefined`: it comes too fast and has to be closed. */
  receive(guest: Guest): Stay | undefined {
    const address = plainAddress(guest.remoteAddress ?? '');
    if (!this.#rate.take(address, this.#clock.now())) {
      this.#logger.debug(`closed a connection from ${address}: they come too fast`);
      return undefined;
    }
    const network = networkOf(address);
    this.#makeRoom(network);
    const stranger: Stranger = {
      guest,
      address,
      network,
      disarm: this.#clock.schedule(this.#limits.admissionMs, () =>
        this.#drop(stranger, 'it was not let in in time'),
      ),
    };
    this.#waiting.add(stranger);
    return {
      admit: () => {
        if (this.#forget(stranger)) this.#rate.remember(address);
      },
      leave: () => void this.#forget(stranger),
    };
  }

  /** Drops everybody. */
  close(): void {
    for (const stranger of this.#waiting) this.#drop(stranger, 'the listener closes');
  }

  #makeRoom(network: string): void {
    const everybody = [...this.#waiting];
    const neighbours = everybody.filter((other) => other.network === network);
    const { most, mostFromOneNetwork } = this.#limits;
    if (neighbours.length >= mostFromOneNetwork) this.#dropOneOf(neighbours);
    else if (everybody.length >= most) this.#dropOneOf(everybody);
  }

  /** Drops the oldest from the most crowded address of the most crowded network. */
  #dropOneOf(strangers: readonly Stranger[]): void {
    const crowd = largestGroup(strangers, (each) => each.network);
    const [oldest] = largestGroup(crowd, (each) => each.address);
    if (oldest !== undefined) this.#drop(oldest, 'too many wait to be let in');
  }

  #drop(stranger: Stranger, why: string): void {
    this.#forget(stranger);
    this.#logger.debug(`dropped a connection from ${stranger.address}: ${why}`);
    stranger.guest.destroy();
  }

  #forget(stranger: Stranger): boolean {
    stranger.disarm();
    return this.#waiting.delete(stranger);
  }
}

/** Those that share a key with most others, in their order; of several such groups the one that began first. */
function largestGroup<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()].reduce<readonly Item[]>(
    (largest, group) => (group.length > largest.length ? group : largest),
    [],
  );
}
