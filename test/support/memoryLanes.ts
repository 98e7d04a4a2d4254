import { CourierError } from '../../src/base/failure.ts';
import type { LaneHost } from '../../src/transfer/receivingLane.ts';
import { ReceivingLane } from '../../src/transfer/receivingLane.ts';
import type { LaneDialler } from '../../src/transfer/sendingLanes.ts';
import { MemoryLink } from './memoryChannel.ts';
import type { MemoryPipeOptions } from './memoryChannel.ts';
import type { MemoryClock } from './memoryClock.ts';

export interface MemoryLanesOptions {
  readonly most: number;
  /** Milliseconds; a long path starts with several lanes. */
  readonly roundTripMs: number;
  /** How the pipe of a lane to the receiver behaves, by the lane's number. */
  readonly pipe?: (lane: number) => MemoryPipeOptions;
  /** Whether the receiver knows the session that a lane names; absent, it does. */
  readonly isKnown?: (lane: number) => boolean;
  /** Whether the receiver can be reached for this lane; absent, it can. */
  readonly isReachable?: (lane: number) => boolean;
}

/** Further connections in memory, dialled by the sender and taken in by the receiver. */
export class MemoryLanes implements LaneDialler {
  // Immutable.
  readonly #clock: MemoryClock;
  readonly #options: MemoryLanesOptions;
  readonly #receiver: () => LaneHost;
  readonly most: number;
  readonly roundTripMs: number;
  readonly leastBytes = 4 * 1024 * 1024;
  /** Everything that was dialled, by number. */
  readonly links = new Map<number, MemoryLink>();
  /** Of those, what the receiver took in. */
  readonly joined: number[] = [];

  // Mutable.
  running = 0;

  constructor(clock: MemoryClock, options: MemoryLanesOptions, receiver: () => LaneHost) {
    this.#clock = clock;
    this.#options = options;
    this.#receiver = receiver;
    this.most = options.most;
    this.roundTripMs = options.roundTripMs;
  }

  readonly dial: LaneDialler['dial'] = (lane) => {
    const { pipe, isKnown = () => true, isReachable = () => true } = this.#options;
    if (!isReachable(lane)) return Promise.reject(new CourierError('unreachable', 'nobody there'));
    const link = new MemoryLink(this.#clock, pipe?.(lane));
    this.links.set(lane, link);
    const receiving = new ReceivingLane({
      channel: link.receiver,
      clock: this.#clock,
      find: () => (isKnown(lane) ? this.#receiver() : undefined),
      onJoined: () => this.joined.push(lane),
    });
    this.running += 1;
    void receiving.run().then(() => (this.running -= 1));
    return Promise.resolve({
      channel: link.sender,
      join: { session: '0'.repeat(32), lane, mac: '0'.repeat(64) },
    });
  };
}
