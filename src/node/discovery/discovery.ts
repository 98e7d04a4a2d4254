import { randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Address } from '../../peers/address.ts';
import type { Announcement } from '../../peers/announcement.ts';
import { isOnLink } from '../net/onLink.ts';
import { Multicast } from './multicast.ts';
import type { Link } from './multicast.ts';
import { announcementPacket, isAbout, parsePacket, questionPacket } from './packets.ts';
import type { Heard } from './packets.ts';

export interface DiscoveryInit {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Somebody announces a place on a network of this machine's; again and again, and not proven in any way. */
  readonly onAnnounced: (announcement: Announcement, address: Address) => void;
  /** An instance says goodbye, or somebody in its name. */
  readonly onGone: (instance: string) => void;
}

/** Where the receiver listens. */
export interface Announced extends Announcement {
  /** An address of one interface, or one that stands for all. */
  readonly host: string;
}

/** When an announcement is made by itself (RFC 6762 § 8.3: twice at least, a second apart), milliseconds. */
const ANNOUNCE_AT_MS = [0, 1000, 3000];
/** When a question is asked, and from then on every {@link ASK_EVERY_MS} (RFC 6762 § 5.2: less and less often). */
const ASK_AT_MS = [0, 1000, 3000, 9000, 27_000];
const ASK_EVERY_MS = 60_000;
/** Those who answer the same question do so one after another (RFC 6762 § 6). */
const ANSWER_AFTER_MS = { least: 20, most: 120 };
/** The same records are not said again sooner, whoever asks (RFC 6762 § 6). */
const ANSWER_EVERY_MS = 1000;
/** Packets that are looked at in a second; what is more is a flood. */
const MOST_PACKETS = 200;
const PACKET_WINDOW_MS = 1000;
const ANY_HOSTS = new Set(['::', '0.0.0.0']);

/** An instance that nobody has seen before. */
export function newInstance(): string {
  return randomBytes(8).toString('hex');
}

/** Announces this device on the local networks, and hears who else is announced. Silent until it is asked to. */
export class Discovery {
  // Immutable.
  readonly #init: DiscoveryInit;
  readonly #multicast: Multicast;

  // Mutable.
  #announced: Announced | undefined;
  #isLooking = false;
  /** On their way out: nothing is closed before they have left. */
  #goodbyes = 0;
  #isOpen = false;
  #opened: Promise<void> = Promise.resolve();
  /** Stops what is still to be announced, or asked. */
  #stopAnnouncing: (() => void) | undefined;
  #stopAsking: (() => void) | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isAnswering = false;
  #windowAt = Number.NEGATIVE_INFINITY;
  #packets = 0;

  constructor(init: DiscoveryInit) {
    this.#init = init;
    this.#multicast = new Multicast({
      onPacket: (bytes, from) => this.#hear(bytes, from),
      logger: init.logger,
    });
  }

  /** Announces this, or nothing any more: then it says goodbye. Resolves when that has left. */
  async announce(announced: Announced | undefined): Promise<void> {
    const before = this.#announced;
    this.#stopAnnouncing?.();
    this.#stopAnnouncing = undefined;
    this.#announced = announced;
    if (before !== undefined) {
      this.#goodbyes += 1;
      await this.#multicast.send((link) => packetFor(link, before, { isGoodbye: true }));
      this.#goodbyes -= 1;
    }
    await this.#openOrClose();
    // Another call may have come meanwhile: what counts is the last.
    if (announced !== undefined && this.#announced === announced) {
      this.#stopAnnouncing = this.#repeat(ANNOUNCE_AT_MS, undefined, () => this.#announceNow());
    }
  }

  /** Asks who is there, now and again, or not any more. */
  async look(isLooking: boolean): Promise<void> {
    if (this.#isLooking === isLooking) return;
    this.#isLooking = isLooking;
    this.#stopAsking?.();
    this.#stopAsking = undefined;
    await this.#openOrClose();
    if (this.#isLooking && this.#stopAsking === undefined) this.#ask();
  }

  /** The machine has other interfaces or addresses than before, or has slept. */
  async networkChanged(): Promise<void> {
    if (!this.#isOpen) return;
    this.#opened = this.#multicast.open();
    await this.#opened;
    if (this.#announced !== undefined) {
      this.#stopAnnouncing?.();
      this.#stopAnnouncing = this.#repeat(ANNOUNCE_AT_MS, undefined, () => this.#announceNow());
    }
    this.#stopAsking?.();
    if (this.#isLooking) this.#ask();
  }

  async close(): Promise<void> {
    await this.announce(undefined);
    await this.look(false);
  }

  async #openOrClose(): Promise<void> {
    const isNeeded = this.#isLooking || this.#announced !== undefined || this.#goodbyes > 0;
    if (isNeeded !== this.#isOpen) {
      this.#isOpen = isNeeded;
      if (isNeeded) this.#opened = this.#multicast.open();
      else this.#multicast.close();
    }
    await this.#opened;
  }

  #ask(): void {
    this.#stopAsking = this.#repeat(ASK_AT_MS, ASK_EVERY_MS, () => {
      void this.#multicast.send(() => questionPacket());
    });
  }

  #announceNow(): void {
    const announced = this.#announced;
    if (announced === undefined) return;
    this.#answeredAt = this.#init.clock.now();
    void this.#multicast.send((link) => packetFor(link, announced));
  }

  #hear(bytes: Buffer, from: string): void {
    if (this.#isFlood() || !isOnLink(from)) return;
    const heard = parsePacket(bytes);
    if (heard === undefined) return;
    this.#answer(heard);
    if (!this.#isLooking) return;
    const isOther = (instance: string): boolean => instance !== this.#announced?.instance;
    for (const announcement of heard.announced) {
      if (!isOther(announcement.instance)) continue;
      this.#init.onAnnounced(announcement, { host: from, port: announcement.port });
    }
    for (const instance of heard.gone) if (isOther(instance)) this.#init.onGone(instance);
  }

  #answer({ questions }: Heard): void {
    const announced = this.#announced;
    if (announced === undefined || this.#isAnswering) return;
    if (!questions.some((question) => isAbout(question, announced.instance))) return;
    const { clock } = this.#init;
    const soonest = this.#answeredAt + ANSWER_EVERY_MS - clock.now();
    const delay = randomInt(ANSWER_AFTER_MS.least, ANSWER_AFTER_MS.most);
    this.#isAnswering = true;
    clock.schedule(Math.max(soonest, delay), () => {
      this.#isAnswering = false;
      this.#announceNow();
    });
  }

  #isFlood(): boolean {
    const now = this.#init.clock.now();
    if (now - this.#windowAt >= PACKET_WINDOW_MS) {
      this.#windowAt = now;
      this.#packets = 0;
    }
    this.#packets += 1;
    return this.#packets > MOST_PACKETS;
  }

  /** Does it at those times, and from then on every so often, if at all; the returned function ends that. */
  #repeat(atMs: readonly number[], everyMs: number | undefined, work: () => void): () => void {
    const { clock } = this.#init;
    let cancel: (() => void) | undefined;
    const step = (place: number): void => {
      const [before = 0, next] = [atMs[place - 1], atMs[place]];
      const delay = next === undefined ? everyMs : next - before;
      if (delay === undefined) return;
      cancel = clock.schedule(delay, () => {
        work();
        step(place + 1);
      });
    };
    step(0);
    return () => cancel?.();
  }
}

/** Out of an interface where nobody could reach the receiver nothing is said of it. */
function packetFor(
  { addresses }: Link,
  announced: Announced,
  options?: { readonly isGoodbye: boolean },
): Uint8Array | undefined {
  const isThere = ANY_HOSTS.has(announced.host) || addresses.includes(announced.host);
  return isThere ? announcementPacket(announced, addresses, options) : undefined;
}
