import type { Clock } from '../../src/base/clock.ts';
import type { SimRandom } from './simRandom.ts';
import type { SimTrace } from './simTrace.ts';

interface Event {
  readonly at: number;
  /** Decides between events of the same moment. */
  readonly tie: number;
  readonly label: string;
  /** `undefined` once it is cancelled. */
  action: (() => void) | undefined;
}

/** Events handled before Node looks for work of its own. */
const BURST = 64;

/** Why a run came to its end. */
export type RunEnd = 'reached' | 'idle' | 'late';

export interface RunOptions {
  /** Looked at after each event. */
  readonly until: () => boolean;
  /** The virtual time at which it is given up. */
  readonly deadlineMs: number;
  /** Called after each event, when all that follows from it without waiting has happened. What it throws ends the run. */
  readonly check?: () => void;
}

/**
 * Virtual time: one queue of events, ordered by their time and, within one moment, by the seed. Between two
 * events all promises settle that can, so that product code runs to where it waits for another event. The
 * order of everything then follows from the seed alone, as long as nothing waits for the platform.
 */
export class SimScheduler {
  // Immutable.
  readonly trace: SimTrace;
  readonly #random: SimRandom;

  // Mutable.
  readonly #heap: Event[] = [];
  #now = 0;
  #pending = 0;

  constructor(random: SimRandom, trace: SimTrace) {
    this.#random = random;
    this.trace = trace;
  }

  /** Virtual milliseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  /** How many events are still to come. */
  get pending(): number {
    return this.#pending;
  }

  /** What is still to come, for a message. */
  get pendingLabels(): readonly string[] {
    return this.#heap.filter(({ action }) => action !== undefined).map(({ label }) => label);
  }

  /** Calls `action` after `delayMs`; the returned function cancels that. */
  after(delayMs: number, label: string, action: () => void): () => void {
    const event: Event = {
      at: this.#now + Math.max(0, delayMs),
      tie: this.#random.below(2 ** 31),
      label,
      action,
    };
    this.#push(event);
    this.#pending += 1;
    return () => {
      if (event.action === undefined) return;
      event.action = undefined;
      this.#pending -= 1;
    };
  }

  /** Resolves after `delayMs`. */
  wait(delayMs: number, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, label, resolve);
    });
  }

  note(text: string): void {
    this.trace.add(this.#now, text);
  }

  run({ until, deadlineMs, check }: RunOptions): Promise<RunEnd> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (how: RunEnd): void => {
        isOver = true;
        resolve(how);
      };
      const step = (): void => {
        if (isOver) return;
        try {
          check?.();
          if (until()) end('reached');
          else this.#step(deadlineMs, end);
        } catch (error) {
          isOver = true;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      // Node drains all microtasks between two immediates; to queue many of them saves the turns of its loop.
      const burst = (): void => {
        for (let at = 0; at < BURST; at += 1) setImmediate(step);
        setImmediate(() => {
          if (!isOver) burst();
        });
      };
      burst();
    });
  }

  #step(deadlineMs: number, end: (how: RunEnd) => void): void {
    const event = this.#pop();
    if (event?.action === undefined) {
      end('idle');
      return;
    }
    if (event.at > deadlineMs) {
      this.#push(event);
      end('late');
      return;
    }
    const { action } = event;
    event.action = undefined;
    this.#pending -= 1;
    this.#now = event.at;
    if (event.label !== '') this.note(event.label);
    action();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** The next event that was not cancelled. */
  #pop(): Event | undefined {
    for (;;) {
      const [top] = this.#heap;
      const last = this.#heap.pop();
      if (top === undefined || last === undefined) return undefined;
      if (this.#heap.length > 0) this.#sink(last);
      if (top.action !== undefined) return top;
    }
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      let least = left;
      if (left !== undefined && right !== undefined && isBefore(right, left)) {
        child += 1;
        least = right;
      }
      if (least === undefined || !isBefore(least, event)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.tie < right.tie);
}

/** The clock of one simulated process: its timers go with it. */
export class SimClock implements Clock {
  // Immutable.
  readonly #scheduler: SimScheduler;
  readonly #owner: string;

  // Mutable.
  readonly #armed = new Set<() => void>();
  #isStopped = false;

  constructor(scheduler: SimScheduler, owner: string) {
    this.#scheduler = scheduler;
    this.#owner = owner;
  }

  now(): number {
    return this.#scheduler.now;
  }

  schedule(delayMs: number, action: () => void): () => void {
    if (this.#isStopped) return () => undefined;
    const disarm = (): void => {
      this.#armed.delete(disarm);
      cancel();
    };
    const cancel = this.#scheduler.after(delayMs, `${this.#owner} timer`, () => {
      this.#armed.delete(disarm);
      action();
    });
    this.#armed.add(disarm);
    return disarm;
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#armed.size;
  }

  /** The process has ended: no timer of it goes off any more. */
  stop(): void {
    this.#isStopped = true;
    for (const disarm of this.#armed) disarm();
  }
}
