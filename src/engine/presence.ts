import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Discovery, newInstance } from '../node/discovery/discovery.ts';
import type { Identity } from '../node/identity/identity.ts';
import { dial } from '../node/net/dial.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { Places } from '../peers/places.ts';
import type { ReachedPeer } from '../peers/places.ts';

export interface PresenceInit {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: Identity;
  /** Addresses where known peers were reached. */
  readonly remembered: () => readonly Address[];
  /** Somebody has come, gone, or is reached another way. */
  readonly onChange: () => void;
}

/** Where this device's receiver listens, and the name that others may see. */
export interface Announcing {
  readonly address: Address;
  readonly deviceName: string | undefined;
}

/** Places that are tried at a time. */
const MOST_TRIES = 4;
/** Between the beginnings of two: whoever announces a thousand places does not have us knock at them all at once. */
const TRY_EVERY_MS = 100;

/**
 * Who is there now: looks for peers while somebody wants to know, tries each place that is announced or remembered,
 * and announces this device while its receiver is on. A peer is there when it has answered under its key.
 */
export class Presence {
  // Immutable.
  readonly #init: PresenceInit;
  readonly #places: Places;
  readonly #discovery: Discovery;

  // Mutable.
  #isAnnouncing = false;
  #isWatched = false;
  /** Ends the tries that run; a new one with each time that it is on. */
  #on: AbortController | undefined;
  #tries = 0;
  #lastTryAt = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  #shown = '';

  constructor(init: PresenceInit) {
    const { clock, logger, identity } = init;
    this.#init = init;
    this.#places = new Places(identity.fingerprint);
    this.#discovery = new Discovery({
      clock,
      logger,
      onAnnounced: (announcement, address) => {
        this.#places.announced(announcement, address, clock.now());
        this.#pump();
      },
      onGone: (instance) => {
        this.#places.gone(instance, clock.now());
        this.#pump();
      },
    });
  }

  /** Announces the receiver, or, with nothing, takes that back. */
  announce(announcing: Announcing | undefined): void {
    this.#isAnnouncing = announcing !== undefined;
    this.#quietly(
      this.#discovery.announce(
        announcing === undefined
          ? undefined
          : {
              instance: newInstance(),
              host: announcing.address.host,
              port: announcing.address.port,
              deviceName: announcing.deviceName,
            },
      ),
    );
    this.#turn();
  }

  /** Whether somebody looks at the peers. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#turn();
  }

  networkChanged(): void {
    this.#places.networkChanged(this.#init.clock.now());
    this.#quietly(this.#discovery.networkChanged());
    this.#pump();
    this.#tellIfChanged();
  }

  /** The known peers, or where they were reached, have changed. */
  peersChanged(): void {
    if (this.#on === undefined) return;
    this.#places.remember(this.#init.remembered(), this.#init.clock.now());
    this.#pump();
  }

  list(): readonly ReachedPeer[] {
    return this.#on === undefined ? [] : this.#places.list();
  }

  /** Where a peer answers now, fastest first. */
  addressesOf(fingerprint: Fingerprint): readonly Address[] {
    return this.#on === undefined ? [] : this.#places.addressesOf(fingerprint);
  }

  async close(): Promise<void> {
    this.#isAnnouncing = false;
    this.#isWatched = false;
    this.#turn();
    await this.#discovery.close();
  }

  #turn(): void {
    const isOn = this.#isAnnouncing || this.#isWatched;
    if (isOn === (this.#on !== undefined)) return;
    this.#quietly(this.#discovery.look(isOn));
    if (isOn) {
      this.#on = new AbortController();
      // What was reached when it was on last may have gone since.
      this.#places.networkChanged(this.#init.clock.now());
      this.peersChanged();
    } else {
      this.#on?.abort();
      this.#on = undefined;
      this.#cancelTimer?.();
    }
    this.#tellIfChanged();
  }

  /** Tries what is due, and comes back when the next is. */
  #pump(): void {
    const { clock } = this.#init;
    this.#cancelTimer?.();
    if (this.#on === undefined || this.#tries >= MOST_TRIES) return;
    const now = clock.now();
    const dueAt = this.#places.nextAt;
    if (dueAt === undefined) return;
    const waitMs = Math.max(dueAt - now, this.#lastTryAt + TRY_EVERY_MS - now);
    if (waitMs > 0) {
      this.#cancelTimer = clock.schedule(waitMs, () => this.#pump());
      return;
    }
    const address = this.#places.next(now);
    if (address === undefined) return;
    this.#lastTryAt = now;
    this.#tries += 1;
    void this.#try(address, this.#on.signal).finally(() => {
      this.#tries -= 1;
      this.#tellIfChanged();
      this.#pump();
    });
    this.#pump();
  }

  async #try(address: Address, signal: AbortSignal): Promise<void> {
    const { identity, clock } = this.#init;
    try {
      const { channel, fingerprint, roundTripMs } = await dial({
        identity,
        addresses: [address],
        checkPeer: () => undefined,
        signal,
      });
      this.#places.reached(address, { fingerprint, roundTripMs }, clock.now());
      await channel.close();
    } catch {
      // Why does not matter: whoever wants to know asks for a check of the connection.
      this.#places.missed(address, clock.now());
    }
  }

  /** Round trips change with every try; who is there, and by which way, does not. */
  #tellIfChanged(): void {
    const shown = this.list()
      .map(({ fingerprint, address, deviceName }) => `${fingerprint} ${formatAddress(address)} ${deviceName}`)
      .join('\n');
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#init.onChange();
  }

  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) => this.#init.logger.warn(`discovery: ${String(error)}`));
  }
}
