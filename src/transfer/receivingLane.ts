import type { Clock } from '../base/clock.ts';
import type { Dialogue } from '../protocol/frameTalk.ts';
import { Lane } from '../protocol/lane.ts';
import type { Join, LaneEvent } from '../protocol/lane.ts';
import type { ReceiverEvent } from '../protocol/receiverSession.ts';
import type { Channel } from './ports.ts';
import { SessionPump } from './sessionPump.ts';

/** A session that takes further connections in. */
export interface LaneHost {
  /** Takes one in under its number; `undefined`: there is no room, or the number is taken. */
  takeIn(lane: number, connection: { drop(): void }): Dialogue<ReceiverEvent> | undefined;
  handle(event: ReceiverEvent): void;
  /** The lane of this number is gone. */
  letGo(lane: number): void;
}

export interface ReceivingLaneInit {
  readonly channel: Channel;
  readonly clock: Clock;
  /** The session that a join names and proves to be in; `undefined` if there is none. */
  readonly find: (join: Join) => LaneHost | undefined;
  /** It has been taken in: whoever it is is no stranger. */
  readonly onJoined: () => void;
  readonly allocate?: (length: number) => Uint8Array;
}

/** A connection that wants to join a session as a lane, on the side that listened: from its first byte to its end. */
export class ReceivingLane {
  // Immutable.
  readonly #init: ReceivingLaneInit;
  readonly #lane: Lane<ReceiverEvent>;
  readonly #pump: SessionPump<ReceiverEvent | LaneEvent>;

  // Mutable.
  #place: { readonly host: LaneHost; readonly number: number } | undefined;

  constructor(init: ReceivingLaneInit) {
    const { channel, clock, allocate } = init;
    this.#init = init;
    this.#lane = new Lane({ now: clock.now(), ...(allocate === undefined ? {} : { allocate }) });
    this.#pump = new SessionPump<ReceiverEvent | LaneEvent>(this.#lane, channel, clock, (event) =>
      this.#handle(event),
    );
  }

  /** Runs until the connection is over. Never rejects. */
  async run(): Promise<void> {
    await this.#pump.run();
  }

  #handle(event: ReceiverEvent | LaneEvent): void {
    switch (event.type) {
      case 'joining':
        this.#join(event.join);
        return;
      case 'closed':
        this.#leave();
        return;
      case 'joined':
        return;
      default:
        this.#place?.host.handle(event);
    }
  }

  #join(join: Join): void {
    const host = this.#init.find(join);
    const dialogue = host?.takeIn(join.lane, { drop: () => this.#pump.close({ code: 'cancelled' }) });
    // Its session may just have ended; whoever has nothing to do with it learns no more.
    if (host === undefined || dialogue === undefined) {
      this.#pump.close({ code: 'not-paired' });
      return;
    }
    this.#place = { host, number: join.lane };
    this.#init.onJoined();
    this.#lane.admit(dialogue);
  }

  #leave(): void {
    const place = this.#place;
    this.#place = undefined;
    place?.host.letGo(place.number);
  }
}
