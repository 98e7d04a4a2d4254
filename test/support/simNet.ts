import type { Clock } from '../../src/base/clock.ts';
import { CourierError } from '../../src/base/failure.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { SimEnd } from './simEnd.ts';
import { SimPipe } from './simPipe.ts';
import type { PathConditions } from './simPipe.ts';
import type { SimRandom } from './simRandom.ts';
import type { SimScheduler } from './simScheduler.ts';

/** How long a dialler waits for an answer. */
const DIAL_TIMEOUT_MS = 10_000;
/** After a block, what was lost in it is tried again within so long. */
const LONGEST_RETRANSMIT_MS = 4000;

export type Direction = 'to receiver' | 'to sender';
export type Side = 'sender' | 'receiver';

/** Who answers when the receiver's address is dialled. */
export type Answering =
  | 'machine is down'
  | 'nobody listens'
  | { readonly clock: Clock; readonly accept: (channel: Channel, purpose: SimPurpose) => void };

/** What both ends of a connection know of it: the session, and which of its connections it is. */
export interface SimPurpose {
  /** 32 hexadecimal digits. */
  readonly session: string;
  /** 0 is the first. */
  readonly lane: number;
}

interface Connection {
  readonly name: string;
  readonly lane: number;
  readonly pipes: Readonly<Record<Direction, SimPipe>>;
  readonly ends: Readonly<Record<Side, SimEnd>>;
  /** Something between the two has forgotten it: nothing passes any more, and nobody is told. */
  isForgotten: boolean;
}

/**
 * The path between the two simulated machines; the sender's dials, the receiver's listens. Whatever it does to
 * a connection, bytes arrive in order and none is invented.
 */
export class SimNet {
  // Immutable.
  readonly #scheduler: SimScheduler;
  readonly #random: SimRandom;
  readonly #conditions: PathConditions;
  readonly #answering: () => Answering;

  // Mutable.
  readonly #connections: Connection[] = [];
  readonly #blocked = new Set<Direction>();
  /** How long the processes take for each piece that they read. */
  readDelayMs = 0;

  constructor(
    scheduler: SimScheduler,
    random: SimRandom,
    conditions: PathConditions,
    answering: () => Answering,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#conditions = conditions;
    this.#answering = answering;
  }

  /** Bytes that have arrived at the receiver's machine. */
  get arrivedBytes(): number {
    return this.#connections.reduce((sum, { pipes }) => sum + pipes['to receiver'].arrivedBytes, 0);
  }

  /** Rejects as dialling over TLS does. A process that is killed meanwhile never hears. */
  dial(clock: Clock, purpose: SimPurpose, { signal }: { readonly signal: AbortSignal }): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const disarm = clock.schedule(DIAL_TIMEOUT_MS, () => {
        stop();
        reject(new CourierError('timed-out', 'no answer'));
      });
      const cancelled = (): void => {
        stop();
        reject(new CourierError('cancelled', 'cancelled while connecting'));
      };
      // One round trip for TCP, one for TLS.
      const disarmAnswer = clock.schedule(this.#conditions.latencyMs * 4, () => {
        const answer = this.#blocked.size > 0 ? 'machine is down' : this.#answering();
        if (answer === 'machine is down') return;
        stop();
        if (answer === 'nobody listens') {
          reject(new CourierError('not-listening', 'refused'));
          return;
        }
        const { ends } = this.#connect(clock, answer.clock, purpose.lane);
        answer.accept(ends.receiver, purpose);
        resolve(ends.sender);
      });
      const stop = (): void => {
        disarm();
        disarmAnswer();
        signal.removeEventListener('abort', cancelled);
      };
      signal.addEventListener('abort', cancelled);
      if (signal.aborted) cancelled();
    });
  }

  /** Nothing passes in this direction, on any connection. */
  block(direction: Direction): void {
    this.#blocked.add(direction);
    for (const { pipes } of this.#connections) pipes[direction].block();
  }

  unblock(direction: Direction): void {
    this.#blocked.delete(direction);
    for (const { pipes, isForgotten } of this.#connections) {
      if (!isForgotten) pipes[direction].unblock(this.#random.below(LONGEST_RETRANSMIT_MS));
    }
  }

  /** Ends what is connected now, as something on the path might; tells whether there was anything. */
  cut(how: 'end' | 'reset' | 'forget', what: 'everything' | 'a lane' = 'everything'): boolean {
    const live = this.#connections.filter(({ ends, isForgotten }) => ends.sender.isLive && !isForgotten);
    const lanes = live.filter(({ lane }) => lane > 0);
    if (what === 'a lane' && lanes.length === 0) return false;
    for (const connection of what === 'a lane' ? [this.#random.pick(lanes)] : this.#connections) {
      const { pipes, ends } = connection;
      if (how === 'end') for (const pipe of Object.values(pipes)) pipe.end();
      else if (how === 'reset') for (const end of Object.values(ends)) end.takeReset();
      else {
        connection.isForgotten = true;
        for (const pipe of Object.values(pipes)) pipe.block();
      }
    }
    return true;
  }

  /** The process on this side was killed. */
  leave(side: Side): void {
    for (const { ends } of this.#connections) ends[side].leave();
  }

  /** The machine on this side lost its power: what is sent to it is lost … */
  vanish(side: Side): void {
    for (const { ends, pipes } of this.#connections) {
      ends[side].vanish();
      pipes[directionTo(side)].block();
    }
  }

  /** … until it is up again, and answers that it knows of no connection. */
  boot(side: Side): void {
    if (this.#blocked.has(directionTo(side))) return;
    for (const { pipes, isForgotten } of this.#connections) {
      if (!isForgotten) pipes[directionTo(side)].unblock(this.#random.below(LONGEST_RETRANSMIT_MS));
    }
  }

  #connect(senderClock: Clock, receiverClock: Clock, lane: number): Connection {
    const name = `connection ${this.#connections.length + 1}`;
    const pipe = (direction: Direction, from: Side, to: Side): SimPipe =>
      new SimPipe(`${name} ${direction}`, this.#scheduler, this.#conditions, {
        onReadable: () => connection.ends[to].wakeReader(),
        onRoom: () => connection.ends[from].wakeSender(),
        onRefused: () => this.#reset(connection, from),
      });
    const pipes = {
      'to receiver': pipe('to receiver', 'sender', 'receiver'),
      'to sender': pipe('to sender', 'receiver', 'sender'),
    };
    const end = (clock: Clock, side: Side, other: Side): SimEnd =>
      new SimEnd({
        clock,
        outbound: pipes[directionTo(other)],
        inbound: pipes[directionTo(side)],
        reset: () => this.#reset(connection, other),
        readDelayMs: () => this.readDelayMs,
      });
    const connection: Connection = {
      name,
      lane,
      pipes,
      ends: {
        sender: end(senderClock, 'sender', 'receiver'),
        receiver: end(receiverClock, 'receiver', 'sender'),
      },
      isForgotten: false,
    };
    this.#connections.push(connection);
    return connection;
  }

  /** Tells one end that the other does not know the connection; lost when nothing passes. */
  #reset(connection: Connection, side: Side): void {
    this.#scheduler.after(this.#conditions.latencyMs, `${connection.name} reset for the ${side}`, () => {
      if (!connection.isForgotten && !this.#blocked.has(directionTo(side))) connection.ends[side].takeReset();
    });
  }
}

function directionTo(side: Side): Direction {
  return side === 'receiver' ? 'to receiver' : 'to sender';
}
