import type { Logger } from '../base/logger.ts';
import { backgroundClock } from '../node/clock.ts';
import type { Identity } from '../node/identity/identity.ts';
import { formatAddress, isLoopback } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { NearbyPeer } from '../rpc/model.ts';
import { rememberedPlaces } from './notBlocked.ts';
import { Presence } from './presence.ts';
import type { StateFolder } from './stateFolder.ts';

export interface NeighbourhoodInit {
  readonly state: StateFolder;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/** What decides whether this device is announced, and how. */
export interface Circumstances {
  /** By the user's settings. */
  readonly isAllowed: boolean;
  /** Where the receiver listens; absent, it does not. */
  readonly address: Address | undefined;
  /** Empty: the user has set none, and then none is announced. */
  readonly deviceName: string;
}

/** What an engine knows of the devices around it, from the moment that it knows who it is itself. */
export class Neighbourhood {
  // Immutable.
  readonly #init: NeighbourhoodInit;

  // Mutable.
  #presence: Presence | undefined;
  #circumstances: Circumstances = { isAllowed: false, address: undefined, deviceName: '' };
  #isWatched = false;
  #announced: string | undefined;

  constructor(init: NeighbourhoodInit) {
    this.#init = init;
  }

  identify(identity: Identity): void {
    const { state, logger, onChange } = this.#init;
    this.#presence = new Presence({
      clock: backgroundClock,
      logger,
      identity,
      remembered: () => rememberedPlaces(state),
      onChange,
    });
    this.#apply();
  }

  /** The receiver was turned on or off, or the settings are others. */
  update(circumstances: Circumstances): void {
    this.#circumstances = circumstances;
    this.#apply();
  }

  /** Whether some window shows the peers. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#apply();
  }

  networkChanged(): void {
    this.#presence?.networkChanged();
  }

  peersChanged(): void {
    this.#presence?.peersChanged();
  }

  list(): readonly NearbyPeer[] {
    return (this.#presence?.list() ?? []).map(({ fingerprint, deviceName, address, roundTripMs }) => ({
      fingerprint,
      deviceName,
      address: formatAddress(address),
      roundTripMs: Math.round(roundTripMs * 10) / 10,
    }));
  }

  /** Where a peer answers now, fastest first. */
  addressesOf(fingerprint: Fingerprint): readonly Address[] {
    return this.#presence?.addressesOf(fingerprint) ?? [];
  }

  #apply(): void {
    const { isAllowed, address, deviceName } = this.#circumstances;
    // Nobody else reaches what listens on this machine only.
    const isReachable = address !== undefined && !isLoopback(address.host);
    const announced = isAllowed && isReachable ? `${formatAddress(address)} ${deviceName}` : undefined;
    if (this.#presence === undefined) return;
    if (announced !== this.#announced) {
      this.#announced = announced;
      const name = deviceName === '' ? undefined : deviceName;
      this.#presence.announce(
        announced === undefined || !address ? undefined : { address, deviceName: name },
      );
    }
    this.#presence.watch(isAllowed && (this.#isWatched || isReachable));
  }
}
