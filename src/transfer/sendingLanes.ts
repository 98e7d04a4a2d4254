import type { Clock } from '../base/clock.ts';
import { Lane } from '../protocol/lane.ts';
import type { Join, LaneEvent } from '../protocol/lane.ts';
import { limits } from '../protocol/limits.ts';
import type { ChunkOutlet } from '../protocol/senderSession.ts';
import { LaneGrowth } from './laneGrowth.ts';
import type { Channel } from './ports.ts';
import { SessionPump } from './sessionPump.ts';

/** Further connections to the peer of a session, for the side that dials. */
export interface LaneDialler {
  /** Lanes that the user allows for one transfer, 1 to {@link limits.lanes}. */
  readonly most: number;
  /** How long the first connection took there and back, milliseconds. */
  readonly roundTripMs: number;
  /** An offer of fewer bytes is over before another connection would be there. */
  readonly leastBytes: number;
  /** Connects once more; `join` is what has to be said on the new connection. */
  readonly dial: (
    lane: number,
    options: { readonly signal: AbortSignal },
  ) => Promise<{ readonly channel: Channel; readonly join: Join }>;
}

/** One connection that data can be said over. */
export interface SendingLane {
  readonly outlet: ChunkOutlet;
  /** Resolves when what was said has left this process, or never will. */
  flush(): Promise<void>;
  /** Whether it has ended. */
  readonly isGone: boolean;
}

export interface SendingLanesInit {
  readonly clock: Clock;
  /** The session's own connection. */
  readonly first: SendingLane;
  /** Absent: there is only the first. */
  readonly dialler: LaneDialler | undefined;
  /** A lane that is used has nothing more to say, and no chunk waits for it. */
  readonly onIdle: () => void;
  /** A lane has gone, with the latest chunks that it carried. */
  readonly onLost: (lane: number, chunks: readonly number[]) => void;
}

/** Chunks that wait in one lane: with a single one, the next is at hand when the last has left. */
const MOST_IN_ONLY_LANE = 2;
/** Chunks that are read, hashed and compressed at once, ahead of the lanes; while one waits for the disk another computes. */
export const CHUNKS_AHEAD = 4;
/** Lanes that are connected at once, so that they do not crowd at the peer's door. */
const MOST_DIALLING = 8;

interface Member {
  readonly number: number;
  readonly lane: SendingLane;
  /** Chunks that are being said. */
  held: number;
  /** The latest chunks that it carried; more than this a receiver does not wait for. */
  readonly carried: number[];
}

/**
 * The lanes of a transfer, on the sending side: opens as many as help, and hands out one that is free. Lanes that are
 * not used any more stay open, and idle: what was said over them may still be on its way.
 */
export class SendingLanes {
  // Immutable.
  readonly #init: SendingLanesInit;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Whoever waits for a free lane, longest first. */
  readonly #waiting: (() => void)[] = [];

  // Mutable.
  #chunksAhead = CHUNKS_AHEAD;
  /** Its part of the lanes of all transfers of the process. */
  #mostLanes: number = limits.lanes;
  #growth: LaneGrowth | undefined;
  /** Time in which every chunk that may be ahead waited for a lane, and since when that is so now. */
  #stalledMs = 0;
  #stalledSince: number | undefined;
  /** In the order of their numbers; those at the end rest first. */
  #members: Member[];
  #nextNumber = 1;
  #dialling = 0;

  constructor(init: SendingLanesInit) {
    this.#init = init;
    this.#members = [{ number: 0, lane: init.first, held: 0, carried: [] }];
  }

  /** Data is about to flow: from now on there may be more than one, as many as the peer takes. */
  begin({ most, offeredBytes }: { readonly most: number; readonly offeredBytes: number }): void {
    const { dialler, clock } = this.#init;
    if (dialler === undefined || offeredBytes < dialler.leastBytes || this.#growth !== undefined) return;
    this.#growth = new LaneGrowth({
      most: Math.min(most, dialler.most, limits.lanes),
      roundTripMs: dialler.roundTripMs,
      now: clock.now(),
    });
    this.#adjust();
  }

  /** So many bytes have arrived in all. */
  arrived(bytes: number): void {
    this.#growth?.observe(this.#init.clock.now(), bytes);
    this.#adjust();
  }

  /** The transfer stands still for a reason of its own. */
  interrupt(): void {
    this.#growth?.interrupt(this.#init.clock.now());
  }

  /**
   * Says a chunk over a lane that has room, as soon as there is one. Resolves when it has left this process; tells
   * whether it has, because what is in a lane that breaks may still be looked at.
   */
  async send(index: number, say: (outlet: ChunkOutlet) => void): Promise<boolean> {
    const member = await this.#take(index);
    try {
      say(member.lane.outlet);
      await member.lane.flush();
    } finally {
      member.held -= 1;
      const { isIdle } = this;
      this.#wake();
      if (isIdle) this.#init.onIdle();
    }
    return !member.lane.isGone;
  }

  /** Whether a lane that is used has nothing to say, and no chunk waits for it. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#inUse.some(({ held }) => held === 0);
  }

  /**
   * How long, in all, every chunk that may be ahead was ready and waited for a lane, milliseconds: then the path is what
   * holds the transfer up, and nothing here.
   */
  get stalledMs(): number {
    const since = this.#stalledSince;
    return this.#stalledMs + (since === undefined ? 0 : this.#init.clock.now() - since);
  }

  /** Ends all but the first, which is the session's. Resolves when they are closed. */
  async close(): Promise<void> {
    this.#over.abort();
    this.#wake();
    await Promise.all(this.#running);
  }

  get #inUse(): readonly Member[] {
    return this.#members.slice(0, Math.min(this.#growth?.lanes ?? 1, this.#mostLanes));
  }

  #findFree(): Member | undefined {
    if (this.#over.signal.aborted) return this.#members[0];
    const inUse = this.#inUse;
    const room = inUse.length === 1 ? MOST_IN_ONLY_LANE : 1;
    let best: Member | undefined;
    for (const member of inUse) if (member.held < (best?.held ?? room)) best = member;
    return best;
  }

  /** A lane with room, which has this chunk to carry from now on; the first when all is over. */
  async #take(index: number): Promise<Member> {
    for (let member = this.#findFree(); ; member = this.#findFree()) {
      if (member !== undefined) {
        member.held += 1;
        member.carried.push(index);
        if (member.carried.length > limits.openWants) member.carried.shift();
        return member;
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        if (this.#waiting.length === this.#chunksAhead) this.#stalledSince = this.#init.clock.now();
      });
    }
  }

  /**
   * What this transfer may have of what all of the process share: chunks ahead (when all of them wait, the path is what
   * is slow) and lanes. Many transfers fill a path by themselves, and their lanes would crowd at the peer's door.
   */
  share({ chunksAhead, mostLanes }: { readonly chunksAhead: number; readonly mostLanes: number }): void {
    this.#chunksAhead = chunksAhead;
    this.#mostLanes = mostLanes;
    this.#adjust();
  }

  #wake(): void {
    this.#stalledMs = this.stalledMs;
    this.#stalledSince = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Opens what is missing of the lanes that are to be used. */
  #adjust(): void {
    const { dialler } = this.#init;
    const growth = this.#growth;
    if (dialler === undefined || growth === undefined) return;
    while (
      !this.#over.signal.aborted &&
      this.#members.length + this.#dialling < Math.min(growth.lanes, this.#mostLanes) &&
      this.#dialling < MOST_DIALLING &&
      this.#nextNumber <= limits.laneNumbers
    ) {
      const running: Promise<void> = this.#open(dialler, this.#nextNumber).finally(() =>
        this.#running.delete(running),
      );
      this.#nextNumber += 1;
      this.#running.add(running);
    }
    this.#wake();
  }

  /** Runs one more lane to its end. Never rejects. */
  async #open(dialler: LaneDialler, number: number): Promise<void> {
    const { clock } = this.#init;
    const { signal } = this.#over;
    this.#dialling += 1;
    try {
      const { channel, join } = await dialler.dial(number, { signal });
      const lane = new Lane<never>({ join, now: clock.now() });
      const pump: SessionPump<LaneEvent> = new SessionPump<LaneEvent>(lane, channel, clock, ({ type }) => {
        if (type === 'joined') this.#add({ number, lane: laneOver(lane, pump), held: 0, carried: [] });
        else if (type === 'closed') this.#remove(number);
      });
      const stop = (): void => pump.close({ code: 'done' });
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      await pump.run();
      signal.removeEventListener('abort', stop);
    } catch {
      // It could not be had; the transfer goes on without it.
      this.#remove(number);
    }
  }

  #add(member: Member): void {
    this.#dialling -= 1;
    this.#members = [...this.#members, member].toSorted((left, right) => left.number - right.number);
    this.#adjust();
  }

  #remove(number: number): void {
    const member = this.#members.find((each) => each.number === number);
    if (member === undefined) this.#dialling -= 1;
    this.#members = this.#members.filter((each) => each !== member);
    if (this.#over.signal.aborted) return;
    // Those that are being connected are no failure.
    this.#growth?.fail(this.#init.clock.now(), this.#members.length + this.#dialling);
    if (member !== undefined) this.#init.onLost(number, member.carried);
    this.#wake();
  }
}

function laneOver(lane: Lane<never>, pump: SessionPump<LaneEvent>): SendingLane {
  return {
    outlet: lane,
    flush: () => pump.flush(),
    get isGone() {
      return pump.isEnded;
    },
  };
}
