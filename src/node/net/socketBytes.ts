import type { Socket } from 'node:net';
import { deferred } from '../../base/deferred.ts';
import type { Deferred } from '../../base/deferred.ts';
import { CourierError } from '../../base/failure.ts';
import { giveBack } from '../giveBack.ts';

type Step = IteratorResult<Uint8Array, undefined>;

/**
 * What a socket brings, piece by piece as it comes: for TLS, one record at a time. Whoever waits for the next piece
 * gets it in the same turn, without the ticks, promises and generators that the socket's own iterator spends on each.
 * A piece is valid until the next one is asked for; then its memory is given back, because pieces of 16 KiB that wait
 * for the collector call it in far more often than the little heap they stand for would.
 *
 * Nothing is read ahead but what the socket buffers. To stop before the end leaves the socket as it is, paused.
 */
export class SocketBytes implements AsyncIterableIterator<Uint8Array, undefined> {
  // Immutable.
  readonly #socket: Socket;
  readonly #take = (piece: Buffer): void => this.#arrived(piece);
  readonly #finish = (): void => this.#ended();

  // Mutable.
  #isListening = false;
  #waiting: Deferred<Step> | undefined;
  /** Arrived while nobody waited. */
  readonly #early: Buffer[] = [];
  /** What the reader looks at. */
  #lent: Buffer | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One at a time. Rejects with `connection-lost` if the connection broke before the peer had ended it. */
  next(): Promise<Step> {
    // One that is shared with others is not ours to give.
    const lent = this.#lent;
    if (lent !== undefined && lent.length === lent.buffer.byteLength) giveBack(lent.buffer);
    this.#lent = this.#early.shift();
    if (this.#lent !== undefined) return Promise.resolve({ value: this.#lent });
    const waiting = deferred<Step>();
    this.#waiting = waiting;
    if (this.#socket.readableEnded || this.#socket.destroyed) this.#ended();
    else {
      this.#listen();
      if (this.#socket.isPaused()) this.#socket.resume();
    }
    return waiting.promise;
  }

  return(): Promise<Step> {
    this.#lent = undefined;
    this.#socket.off('data', this.#take).off('end', this.#finish).off('close', this.#finish).pause();
    this.#isListening = false;
    return Promise.resolve({ done: true, value: undefined });
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#socket.on('data', this.#take).once('end', this.#finish).once('close', this.#finish);
  }

  #arrived(piece: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#early.push(piece);
      this.#socket.pause();
      return;
    }
    this.#waiting = undefined;
    this.#lent = piece;
    waiting.resolve({ value: piece });
  }

  #ended(): void {
    const { readableEnded, errored } = this.#socket;
    if (readableEnded) this.#waiting?.resolve({ done: true, value: undefined });
    else {
      this.#waiting?.reject(
        new CourierError('connection-lost', 'the connection broke', { cause: errored ?? undefined }),
      );
    }
    this.#waiting = undefined;
  }
}
