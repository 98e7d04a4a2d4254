import { formatAddress } from './address.ts';
import type { Address } from './address.ts';
import type { Announcement } from './announcement.ts';
import type { Fingerprint } from './fingerprint.ts';

/** A peer that has answered under its key, and the fastest of the ways to it. */
export interface ReachedPeer {
  readonly fingerprint: Fingerprint;
  readonly address: Address;
  readonly roundTripMs: number;
  /** What it announces as its name; nothing that was proven. */
  readonly deviceName: string | undefined;
}

/** Who answered at a place. */
export interface Answer {
  readonly fingerprint: Fingerprint;
  readonly roundTripMs: number;
}

interface Place {
  readonly address: Address;
  /** It is an address that a known peer was reached at; else it was only announced. */
  isRemembered: boolean;
  announcement: Announcement | undefined;
  answer: Answer | undefined;
  /** Times in a row that nobody answered. */
  misses: number;
  isBeingTried: boolean;
  dueAt: number;
}

/** A flood of announcements takes no more than this, and pushes out nobody who was reached. */
const MOST_PLACES = 256;
/** How soon it is noticed that somebody has left without a word. */
const TRY_AGAIN_MS = 30_000;
/** After a place where nobody answered; twice as long after each further time … */
const FIRST_PAUSE_MS = 5000;
/** … up to this: an address that is remembered may come to life again. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** One that was only announced is forgotten then, until it is announced again. */
const MOST_MISSES = 3;

/**
 * Where peers may be, and who was reached where. A place is heard of on the local network, or remembered; who is
 * there is known only from the key that answers, so each is tried, and again now and then. Knows no clock: the time,
 * in milliseconds, comes from the caller.
 */
export class Places {
  readonly #ourselves: Fingerprint;
  readonly #places = new Map<string, Place>();

  constructor(ourselves: Fingerprint) {
    this.#ourselves = ourselves;
  }

  /** Somebody announces a place. */
  announced(announcement: Announcement, address: Address, now: number): void {
    const place = this.#places.get(formatAddress(address)) ?? this.#add(address, now);
    if (place === undefined) return;
    // The same place as another instance: whoever was there has gone and come again.
    if (place.announcement !== undefined && place.announcement.instance !== announcement.instance) {
      place.dueAt = Math.min(place.dueAt, now);
    }
    place.announcement = announcement;
  }

  /** The addresses where known peers were reached: just these. */
  remember(addresses: readonly Address[], now: number): void {
    const keys = new Set(addresses.map(formatAddress));
    for (const [key, place] of this.#places) {
      place.isRemembered &&= keys.has(key);
      if (!place.isRemembered && place.announcement === undefined) this.#places.delete(key);
    }
    for (const address of addresses) {
      const place = this.#places.get(formatAddress(address)) ?? this.#add(address, now);
      if (place !== undefined) place.isRemembered = true;
    }
  }

  /** An instance says goodbye, or somebody in its name: it is looked whether that is so. */
  gone(instance: string, now: number): void {
    for (const place of this.#places.values()) {
      if (place.announcement?.instance === instance) place.dueAt = Math.min(place.dueAt, now);
    }
  }

  /** Nobody is where they were, until they answer again; what was only announced is of another network. */
  networkChanged(now: number): void {
    for (const [key, place] of this.#places) {
      place.answer = undefined;
      place.misses = 0;
      place.dueAt = now;
      place.announcement = undefined;
      if (!place.isRemembered) this.#places.delete(key);
    }
  }

  /** A place that is to be tried now, if there is one; whoever takes it says how it went. */
  next(now: number): Address | undefined {
    const place = this.#earliest();
    if (place === undefined || place.dueAt > now) return undefined;
    place.isBeingTried = true;
    return place.address;
  }

  /** When {@link next} has one; `undefined`: not before something else happens. */
  get nextAt(): number | undefined {
    return this.#earliest()?.dueAt;
  }

  reached(address: Address, answer: Answer, now: number): void {
    const place = this.#tried(address);
    if (place === undefined) return;
    place.misses = 0;
    // Our own announcement, come back, or an address that means ourselves here.
    if (answer.fingerprint === this.#ourselves) {
      place.answer = undefined;
      place.dueAt = now + LONGEST_PAUSE_MS;
      return;
    }
    place.answer = answer;
    place.dueAt = now + TRY_AGAIN_MS;
  }

  missed(address: Address, now: number): void {
    const place = this.#tried(address);
    if (place === undefined) return;
    place.answer = undefined;
    place.misses += 1;
    place.dueAt = now + Math.min(FIRST_PAUSE_MS * 2 ** (place.misses - 1), LONGEST_PAUSE_MS);
    if (place.isRemembered || place.misses < MOST_MISSES) return;
    this.#places.delete(formatAddress(address));
  }

  /** Each peer that answers, with the fastest way to it. */
  list(): readonly ReachedPeer[] {
    const best = new Map<Fingerprint, ReachedPeer>();
    for (const { address, answer, announcement } of this.#places.values()) {
      if (answer === undefined) continue;
      const before = best.get(answer.fingerprint);
      const deviceName = announcement?.deviceName ?? before?.deviceName;
      const isFaster = before === undefined || answer.roundTripMs < before.roundTripMs;
      const { fingerprint, roundTripMs } = answer;
      best.set(
        fingerprint,
        isFaster ? { fingerprint, address, roundTripMs, deviceName } : { ...before, deviceName },
      );
    }
    return [...best.values()];
  }

  /** Where a peer answers, fastest first. */
  addressesOf(fingerprint: Fingerprint): readonly Address[] {
    return [...this.#places.values()]
      .flatMap(({ address, answer }) => (answer?.fingerprint === fingerprint ? [{ address, answer }] : []))
      .toSorted((left, right) => left.answer.roundTripMs - right.answer.roundTripMs)
      .map(({ address }) => address);
  }

  get size(): number {
    return this.#places.size;
  }

  #tried(address: Address): Place | undefined {
    const place = this.#places.get(formatAddress(address));
    if (place !== undefined) place.isBeingTried = false;
    return place;
  }

  #earliest(): Place | undefined {
    let earliest: Place | undefined;
    for (const place of this.#places.values()) {
      if (place.isBeingTried) continue;
      if (earliest === undefined || place.dueAt < earliest.dueAt) earliest = place;
    }
    return earliest;
  }

  #add(address: Address, now: number): Place | undefined {
    if (this.#places.size >= MOST_PLACES && !this.#makeRoom()) return undefined;
    const place: Place = {
      address,
      isRemembered: false,
      announcement: undefined,
      answer: undefined,
      misses: 0,
      isBeingTried: false,
      dueAt: now,
    };
    this.#places.set(formatAddress(address), place);
    return place;
  }

  /** Forgets a place where nobody was reached yet, if there is one. A map keeps the oldest first. */
  #makeRoom(): boolean {
    for (const [key, { answer, isRemembered, isBeingTried }] of this.#places) {
      if (answer !== undefined || isRemembered || isBeingTried) continue;
      return this.#places.delete(key);
    }
    return false;
  }
}
