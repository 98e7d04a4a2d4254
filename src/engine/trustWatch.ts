import type { Clock } from '../base/clock.ts';
import type { KnownPeers } from '../node/state/knownPeers.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';

/** How often it is looked whether another process has forgotten or blocked a peer. */
const LOOK_EVERY_MS = 2000;

/**
 * Ends what runs with a peer once its user does not trust it any more: at once if this process is told
 * ({@link TrustWatch.look}), within two seconds if it was another one, such as a terminal with the same state folder.
 */
export class TrustWatch {
  // Immutable.
  readonly #clock: Clock;
  readonly #peers: Pick<KnownPeers, 'find'>;

  // Mutable.
  readonly #watched = new Set<{ readonly fingerprint: Fingerprint; readonly onLost: () => void }>();
  #disarm: () => void = () => undefined;

  constructor(clock: Clock, peers: Pick<KnownPeers, 'find'>) {
    this.#clock = clock;
    this.#peers = peers;
  }

  /** `onLost` is called once, unless the returned function was. */
  watch(fingerprint: Fingerprint, onLost: () => void): () => void {
    const watched = { fingerprint, onLost };
    this.#watched.add(watched);
    if (this.#watched.size === 1) this.#arm();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this.#disarm();
    };
  }

  /** Somebody was forgotten or blocked. */
  look(): void {
    for (const watched of this.#watched) {
      if (this.#hasTrust(watched.fingerprint)) continue;
      this.#watched.delete(watched);
      watched.onLost();
    }
    if (this.#watched.size === 0) this.#disarm();
  }

  #arm(): void {
    this.#disarm = this.#clock.schedule(LOOK_EVERY_MS, () => {
      this.look();
      if (this.#watched.size > 0) this.#arm();
    });
  }

  #hasTrust(fingerprint: Fingerprint): boolean {
    try {
      const peer = this.#peers.find(fingerprint);
      return peer !== undefined && peer.policy.kind !== 'block';
    } catch {
      // What cannot be read says neither: what runs goes on, and nothing new begins.
      return true;
    }
  }
}
