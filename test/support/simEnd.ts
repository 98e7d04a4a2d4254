import type { Clock } from '../../src/base/clock.ts';
import { deferred } from '../../src/base/deferred.ts';
import type { Deferred } from '../../src/base/deferred.ts';
import { CourierError } from '../../src/base/failure.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import type { SimPipe } from './simPipe.ts';

/** How long an end that closes waits for the other to agree, as the channel over TLS does. */
const CLOSE_TIMEOUT_MS = 2000;

export interface SimEndInit {
  /** Of the process that has this end. */
  readonly clock: Clock;
  readonly outbound: SimPipe;
  readonly inbound: SimPipe;
  /** Tells the other end that this one does not know the connection any more. */
  readonly reset: () => void;
  /** How long the process takes for each piece that it reads. */
  readonly readDelayMs: () => number;
}

/**
 * One end of a simulated connection, as its process has it. When the process is killed nothing settles any
 * more; what its kernel does then is up to {@link leave} and {@link vanish}.
 */
export class SimEnd implements Channel {
  // Immutable.
  readonly #init: SimEndInit;

  // Mutable.
  #state: 'open' | 'closing' | 'closed' | 'reset' | 'left' = 'open';
  #room: Deferred<void> | undefined;
  #readable: Deferred<void> | undefined;
  #isSending = false;
  readonly #settled = deferred<void>();

  constructor(init: SimEndInit) {
    this.#init = init;
  }

  /** Whether its process may still hear of it. */
  get isLive(): boolean {
    return this.#state === 'open' || this.#state === 'closing';
  }

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#state !== 'open') throw lost();
    this.#isSending = true;
    try {
      for (const piece of pieces) {
        let sent = 0;
        while (sent < piece.length) {
          if (!this.isLive) throw lost();
          sent += this.#init.outbound.take(piece.subarray(sent));
          if (sent < piece.length) await this.#waitForRoom();
        }
      }
      if (!this.isLive) throw lost();
    } finally {
      this.#isSending = false;
      if (this.#state !== 'open') this.#init.outbound.end();
    }
  }

  readonly inbound: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => this.#next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
    }),
  };

  async close(): Promise<void> {
    if (!this.isLive) return;
    this.#state = 'closing';
    if (!this.#isSending) this.#init.outbound.end();
    const disarm = this.#init.clock.schedule(CLOSE_TIMEOUT_MS, this.#settled.resolve);
    await this.#settled.promise;
    disarm();
    this.#destroy();
  }

  wakeReader(): void {
    this.#readable?.resolve();
  }

  wakeSender(): void {
    this.#room?.resolve();
  }

  /** The other end, or something between the two, has reset the connection. */
  takeReset(): void {
    if (!this.isLive) return;
    this.#state = 'reset';
    this.#init.outbound.break();
    this.#init.inbound.break();
    this.#wakeAll();
  }

  /** The process was killed: its kernel closes the connection in its own way. */
  leave(): void {
    if (!this.isLive) return;
    this.#state = 'left';
    this.#closeInKernel();
  }

  /** The machine lost its power: nobody closes anything. */
  vanish(): void {
    if (this.#state !== 'reset') this.#init.outbound.break();
    this.#state = 'left';
    this.#init.inbound.hasReader = false;
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { inbound, outbound, clock, readDelayMs } = this.#init;
    for (;;) {
      if (this.#state === 'reset' || this.#state === 'closed') throw lost();
      const bytes = inbound.read();
      if (bytes === 'ended') {
        // A socket that hears the end says its own, unless it is still at a write.
        if (!this.#isSending) outbound.end();
        if (this.#state === 'open') this.#state = 'closing';
        this.#settled.resolve();
        return { done: true, value: undefined };
      }
      if (bytes !== undefined) {
        const delayMs = readDelayMs();
        if (delayMs > 0) {
          await new Promise<void>((resolve) => {
            clock.schedule(delayMs, resolve);
          });
        }
        return { done: false, value: bytes };
      }
      this.#readable = deferred();
      await this.#readable.promise;
    }
  }

  #waitForRoom(): Promise<void> {
    this.#room = deferred();
    return this.#room.promise;
  }

  #destroy(): void {
    if (!this.isLive) return;
    this.#state = 'closed';
    this.#closeInKernel();
    this.#wakeAll();
  }

  /** A kernel that closes with bytes unread resets the connection; else what was sent still arrives. */
  #closeInKernel(): void {
    const { inbound, outbound, reset } = this.#init;
    inbound.hasReader = false;
    if (inbound.hasUnread) {
      outbound.break();
      reset();
    } else outbound.end();
  }

  #wakeAll(): void {
    this.#room?.resolve();
    this.#readable?.resolve();
    this.#settled.resolve();
  }
}

function lost(): CourierError {
  return new CourierError('connection-lost', 'the simulated connection is gone');
}
