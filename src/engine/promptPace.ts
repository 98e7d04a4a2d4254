import type { Clock } from '../base/clock.ts';

/** So many offers of one peer are put before the user at once … */
const BURST = 3;
/** … and from then on one in this time. */
const EVERY_MS = 20_000;

interface Peer {
  /** When all of its turns are there again, by the clock. */
  restedAt: number;
  /** Offers that wait for a turn, first come first served. */
  readonly waiting: Set<string>;
  disarm: () => void;
}

/**
 * How often one peer may have its user asked. An offer that is held back is put before the user when its turn
 * comes, if it is still open by then. Each peer has turns of its own: one that floods is in nobody's way but its own.
 */
export class PromptPace {
  // Immutable.
  readonly #clock: Clock;
  readonly #prompt: (id: string) => void;

  // Mutable.
  /** Of those that have had a turn a short time ago, or wait for one. */
  readonly #peers = new Map<string, Peer>();

  constructor(clock: Clock, prompt: (id: string) => void) {
    this.#clock = clock;
    this.#prompt = prompt;
  }

  /** An offer of the peer's is open. Prompts now, or when there is a turn. */
  request(fingerprint: string, id: string): void {
    this.#forgetRested();
    const peer = this.#peers.get(fingerprint) ?? {
      restedAt: this.#clock.now(),
      waiting: new Set(),
      disarm: () => undefined,
    };
    this.#peers.set(fingerprint, peer);
    peer.waiting.add(id);
    this.#serve(peer);
  }

  /** The offer is not open any more. One that the user has welcomed was no nuisance: it gives its turn back. */
  settle(fingerprint: string, id: string, { isWelcome }: { readonly isWelcome: boolean }): void {
    const peer = this.#peers.get(fingerprint);
    if (peer === undefined) return;
    const wasHeldBack = peer.waiting.delete(id);
    if (isWelcome && !wasHeldBack) peer.restedAt -= EVERY_MS;
    this.#serve(peer);
  }

  /** Whether it waits for a turn. */
  holds(fingerprint: string, id: string): boolean {
    return this.#peers.get(fingerprint)?.waiting.has(id) === true;
  }

  /** How many peers are kept in mind. */
  get size(): number {
    return this.#peers.size;
  }

  #serve(peer: Peer): void {
    peer.disarm();
    for (const id of peer.waiting) {
      const now = this.#clock.now();
      const turnAt = peer.restedAt - (BURST - 1) * EVERY_MS;
      if (turnAt > now) {
        peer.disarm = this.#clock.schedule(turnAt - now, () => this.#serve(peer));
        return;
      }
      peer.waiting.delete(id);
      peer.restedAt += EVERY_MS;
      this.#prompt(id);
    }
  }

  #forgetRested(): void {
    const now = this.#clock.now();
    for (const [fingerprint, { restedAt, waiting }] of this.#peers) {
      if (waiting.size === 0 && restedAt <= now) this.#peers.delete(fingerprint);
    }
  }
}
