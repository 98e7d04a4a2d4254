import type { Clock } from '../../../src/base/clock.ts';
import { deferred } from '../../../src/base/deferred.ts';
import { CourierError } from '../../../src/base/failure.ts';
import { REPLY_HEAD_BYTES } from '../../../src/protocol/chunkReply.ts';
import { decodeHeader, frameName, HEADER_BYTES } from '../../../src/protocol/frame.ts';
import type { Channel } from '../../../src/transfer/ports.ts';

const GRACE_MS = 1000;

/** One direction: a piece is handed from hand to hand, and its sender waits until the reader is done with it. */
class Handover {
  readonly #waiting: { readonly piece: Uint8Array; readonly taken: () => void }[] = [];
  readonly #over = deferred<void>();
  #isOver = false;
  #inHand: (() => void) | undefined;
  #wake: (() => void) | undefined;

  get over(): Promise<void> {
    return this.#over.promise;
  }

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#isOver) throw new CourierError('connection-lost', 'the link has ended');
    const taken = pieces.map(
      (piece) => new Promise<void>((resolve) => this.#waiting.push({ piece, taken: resolve })),
    );
    this.#wake?.();
    await Promise.all(taken);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#inHand?.();
    this.#inHand = undefined;
    while (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const next = this.#waiting.shift();
    if (next === undefined) return { done: true, value: undefined };
    this.#inHand = next.taken;
    return { done: false, value: next.piece };
  }

  /** What is on its way arrives still. */
  end(): void {
    this.#isOver = true;
    this.#over.resolve();
    this.#wake?.();
  }

  /** Nobody reads any more. */
  drop(): void {
    this.end();
    this.#inHand?.();
    for (const { taken } of this.#waiting.splice(0)) taken();
  }
}

/** Counts the bytes of files in a stream of frames. */
class ContentCounter {
  #header = Buffer.alloc(0);
  #payloadLeft = 0;
  bytes = 0;

  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, piece.length - at);
        this.#payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      const part = piece.subarray(at, at + HEADER_BYTES - this.#header.length);
      this.#header = Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#header.length < HEADER_BYTES) return;
      const { type, length } = decodeHeader(this.#header);
      this.#header = Buffer.alloc(0);
      this.#payloadLeft = length;
      if (frameName(type) === 'data') this.bytes += length - REPLY_HEAD_BYTES;
    }
  }
}

/**
 * Two channels joined in memory with no copy in between: these suites run tens of thousands of sessions, and ask
 * nothing else of a link. `MemoryLink` is the one that copies, cuts and damages.
 */
export class PlainLink {
  readonly #toReceiver = new Handover();
  readonly #toSender = new Handover();
  readonly #content = new ContentCounter();
  readonly sender: Channel;
  readonly receiver: Channel;

  constructor(clock: Clock) {
    this.sender = channelOf(clock, this.#toReceiver, this.#toSender, (piece) => this.#content.add(piece));
    this.receiver = channelOf(clock, this.#toSender, this.#toReceiver, () => undefined);
  }

  /** Bytes of files that went to the receiver, with the little that a reply adds to them. */
  get sentBytes(): number {
    return this.#content.bytes;
  }
}

function channelOf(
  clock: Clock,
  outbound: Handover,
  inbound: Handover,
  note: (piece: Uint8Array) => void,
): Channel {
  return {
    send(pieces) {
      for (const piece of pieces) note(piece);
      return outbound.send(pieces);
    },
    inbound: {
      [Symbol.asyncIterator]: () => ({
        next: () => inbound.next(),
        return: () => {
          inbound.drop();
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    },
    async close() {
      outbound.end();
      const late = deferred<void>();
      const disarm = clock.schedule(GRACE_MS, late.resolve);
      await Promise.race([inbound.over, late.promise]);
      disarm();
      inbound.drop();
    },
  };
}
