import type { Clock } from '../../src/base/clock.ts';
import { deferred } from '../../src/base/deferred.ts';
import { CourierError } from '../../src/base/failure.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { MemoryGate } from './memoryGate.ts';

export interface MemoryPipeOptions {
  /** Bytes that may wait before `send` holds the sender back. */
  readonly capacityBytes?: number;
  /** How long the next piece is that the other end reads. */
  readonly pieceBytes?: () => number;
  /** The link breaks, both ways, when this many bytes have gone in. */
  readonly cutAfterBytes?: number;
  /** A link that broke ends the stream instead of failing it. */
  readonly cutsSilently?: boolean;
  /** Offsets of the bytes that arrive flipped. */
  readonly flips?: readonly number[];
  /** Bytes that arrive as other ones, by their offset. */
  readonly swaps?: ReadonlyMap<number, number>;
  /** Called before each send with the bytes sent so far. */
  readonly onSend?: (sentBytes: number) => void;
}

/** One direction of a link. */
export class MemoryPipe {
  // Immutable.
  readonly #options: MemoryPipeOptions;
  /** Everything that went in. */
  readonly sent: Uint8Array[] = [];
  /** Shut, nothing is delivered. */
  readonly delivery = new MemoryGate({ isOpen: true });

  // Mutable.
  #waiting: Uint8Array[] = [];
  /** What the reader looks at until it asks for more. */
  #lent: Uint8Array = new Uint8Array(0);
  #state: 'open' | 'ended' | 'cut' = 'open';
  #wakeReader: (() => void) | undefined;
  #wakeSenders: (() => void)[] = [];
  sentBytes = 0;
  bufferedBytes = 0;
  mostBufferedBytes = 0;
  readonly #over = deferred<void>();
  onCut: () => void = () => undefined;

  constructor(options: MemoryPipeOptions) {
    this.#options = options;
  }

  /** Resolves when nothing more will go in. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    this.#options.onSend?.(this.sentBytes);
    this.#requireOpen();
    for (const piece of pieces) this.#take(piece);
    while (this.#state === 'open' && this.bufferedBytes > (this.#options.capacityBytes ?? 64 * 1024)) {
      await new Promise<void>((resolve) => {
        this.#wakeSenders.push(resolve);
      });
    }
    this.#requireOpen();
    // Until now it was the sender's memory; from now on that may hold something else.
    this.#waiting = this.#waiting.map((piece) => new Uint8Array(piece));
  }

  async read(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Whoever has kept it is in for a surprise, as on a real channel.
    this.#lent.fill(0xdb);
    for (;;) {
      await this.delivery.pass();
      if (this.#state === 'cut' && this.#options.cutsSilently !== true) throw lost();
      const next = this.#waiting.shift();
      if (next !== undefined) {
        // A copy: what has arrived is not the memory of the sender any more.
        this.#lent = new Uint8Array(this.#cutToPiece(next));
        return { done: false, value: this.#lent };
      }
      if (this.#state !== 'open') return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  /** Nothing more will be sent; what is on its way arrives. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  /** Breaks. What is on its way is lost, unless the break is silent. */
  cut(): void {
    this.#state = 'cut';
    if (this.#options.cutsSilently !== true) this.#waiting = [];
    this.delivery.open();
    this.#wake();
  }

  #take(piece: Uint8Array): void {
    const room = (this.#options.cutAfterBytes ?? Infinity) - this.sentBytes;
    const taken = piece.subarray(0, Math.max(0, room));
    if (taken.length > 0) {
      this.sent.push(taken.slice());
      this.#waiting.push(this.#damage(taken));
      this.sentBytes += taken.length;
      this.bufferedBytes += taken.length;
      this.mostBufferedBytes = Math.max(this.mostBufferedBytes, this.bufferedBytes);
      this.#wakeReader?.();
    }
    if (piece.length >= room) this.onCut();
  }

  /** The same bytes, or a damaged copy of them. */
  #damage(piece: Uint8Array): Uint8Array {
    const { flips = [], swaps = [] } = this.#options;
    const places = [...flips.map((offset) => [offset, undefined] as const), ...swaps]
      .map(([offset, byte]) => ({ at: offset - this.sentBytes, byte }))
      .filter(({ at }) => at >= 0 && at < piece.length);
    const arriving = places.length === 0 ? piece : piece.slice();
    for (const { at, byte } of places) arriving[at] = byte ?? 255 - (arriving[at] ?? 0);
    return arriving;
  }

  #cutToPiece(next: Uint8Array): Uint8Array {
    const length = Math.min(next.length, Math.max(1, this.#options.pieceBytes?.() ?? next.length));
    if (length < next.length) this.#waiting.unshift(next.subarray(length));
    this.bufferedBytes -= length;
    for (const wake of this.#wakeSenders.splice(0)) wake();
    return next.slice(0, length);
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw lost();
  }

  #wake(): void {
    this.#over.resolve();
    this.#wakeReader?.();
    for (const wake of this.#wakeSenders.splice(0)) wake();
  }
}

/** How long a closing end waits for the other to agree. */
const GRACE_MS = 1000;

/** Two channels joined in memory. */
export class MemoryLink {
  readonly toReceiver: MemoryPipe;
  readonly toSender: MemoryPipe;
  readonly sender: Channel;
  readonly receiver: Channel;

  constructor(clock: Clock, toReceiver: MemoryPipeOptions = {}, toSender: MemoryPipeOptions = {}) {
    this.toReceiver = new MemoryPipe(toReceiver);
    this.toSender = new MemoryPipe(toSender);
    this.toReceiver.onCut = () => this.cut();
    this.toSender.onCut = () => this.cut();
    this.sender = new MemoryChannel(clock, this.toReceiver, this.toSender);
    this.receiver = new MemoryChannel(clock, this.toSender, this.toReceiver);
  }

  cut(): void {
    this.toReceiver.cut();
    this.toSender.cut();
  }
}

class MemoryChannel implements Channel {
  readonly #clock: Clock;
  readonly #outbound: MemoryPipe;
  readonly #inbound: MemoryPipe;
  #isClosed = false;

  constructor(clock: Clock, outbound: MemoryPipe, inbound: MemoryPipe) {
    this.#clock = clock;
    this.#outbound = outbound;
    this.#inbound = inbound;
  }

  readonly inbound: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => this.#next(), return: () => this.#destroy() }),
  };

  send(pieces: readonly Uint8Array[]): Promise<void> {
    return this.#outbound.send(pieces);
  }

  async close(): Promise<void> {
    this.#outbound.end();
    const late = deferred<void>();
    const disarm = this.#clock.schedule(GRACE_MS, late.resolve);
    await Promise.race([this.#inbound.over, late.promise]);
    disarm();
    this.#isClosed = true;
    this.#inbound.end();
    this.#inbound.delivery.open();
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = await this.#inbound.read();
    return this.#isClosed ? { done: true, value: undefined } : result;
  }

  // As with a socket's stream: who stops reading half-way destroys it, and what it had to send.
  #destroy(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#outbound.cut();
    this.#inbound.cut();
    return Promise.resolve({ done: true, value: undefined });
  }
}

function lost(): CourierError {
  return new CourierError('connection-lost', 'the link is cut');
}
