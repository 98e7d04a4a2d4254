import type { Clock } from '../base/clock.ts';
import { Semaphore } from '../base/semaphore.ts';
import type { Chunk } from '../protocol/chunkLayout.ts';
import { limits } from '../protocol/limits.ts';
import type { ReceiverSession } from '../protocol/receiverSession.ts';
import type { HeldDigests } from './chunkStore.ts';
import { WantWindow } from './wantWindow.ts';

interface OpenWant {
  readonly chunk: Chunk;
  /** What it told of what is there. */
  readonly have: HeldDigests;
  readonly attempt: number;
  /** Milliseconds. */
  readonly askedAt: number;
}

/**
 * The wants of a receiver that are open: from before they are said until what came for them is on disk. So they bound
 * what may be under way, and in memory.
 */
export class OpenWants {
  // Immutable.
  readonly #session: ReceiverSession;
  readonly #clock: Clock;
  readonly #window = new WantWindow();
  readonly #open = new Map<number, OpenWant>();

  // Mutable.
  /** As many as both sides take at once; known when the peer has said how many. */
  #slots = new Semaphore(limits.openWants);
  #most: number = limits.openWants;

  constructor(session: ReceiverSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** The peer takes so many at once. To be called before anything is asked for. */
  limit(most: number): void {
    this.#most = Math.min(limits.openWants, most);
    this.#slots = new Semaphore(this.#most);
  }

  /** See {@link WantWindow.spread}. */
  spread(lanes: number): void {
    this.#window.spread(lanes);
  }

  /** See {@link WantWindow.flows}. */
  flows(bytesPerSecond: number): void {
    this.#window.flows(bytesPerSecond);
  }

  /** See {@link WantWindow.share}. */
  share(members: number): void {
    this.#window.share(members);
  }

  /** Resolves when there is room for a chunk; it has its place then, and gives it back when it is {@link done}. */
  async acquire(chunk: Chunk): Promise<void> {
    await this.#slots.acquire(1);
    await this.#window.acquire(chunk);
  }

  /** A chunk that has a place is not wanted after all. */
  release(chunk: Chunk): void {
    this.#window.release(chunk);
    this.#slots.release(1);
  }

  /** Says the want for a chunk that has a place. */
  ask(chunk: Chunk, have: HeldDigests, attempt: number): void {
    this.#open.set(chunk.index, { chunk, have, attempt, askedAt: this.#clock.now() });
    this.#session.want(
      chunk,
      have.map((held) => held?.digest),
    );
  }

  /** Says those of these again that have no reply: what was sent for them is lost. */
  askAgain(chunks: readonly number[]): void {
    for (const index of chunks) {
      const want = this.#open.get(index);
      if (want === undefined || !this.#session.isAwaited(index)) continue;
      this.#open.set(index, { ...want, have: [], askedAt: this.#clock.now() });
      this.#session.wantAgain(want.chunk);
    }
  }

  /** The reply has come; gives what the want told. */
  replied({ index }: Chunk): HeldDigests {
    const want = this.#open.get(index);
    if (want === undefined) return [];
    this.#window.replied(this.#clock.now() - want.askedAt);
    return want.have;
  }

  /** How often a chunk has been asked for because it came damaged. */
  attemptsAt({ index }: Chunk): number {
    return this.#open.get(index)?.attempt ?? 1;
  }

  /** What came is on disk; `false` if the session has ended, and everything was given back already. */
  done(chunk: Chunk): boolean {
    if (!this.#open.delete(chunk.index)) return false;
    this.release(chunk);
    return true;
  }

  /** Resolves when none is open; then no more can be opened. */
  async settled(): Promise<void> {
    await this.#slots.acquire(this.#most);
  }

  /** Gives everything back. */
  clear(): void {
    for (const { chunk } of this.#open.values()) this.release(chunk);
    this.#open.clear();
  }
}
