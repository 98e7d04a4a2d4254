import type { Socket } from 'node:net';
import { AbstractMessageReader } from 'vscode-jsonrpc/node';
import type { DataCallback, Disposable, Message } from 'vscode-jsonrpc/node';

/** What may come before somebody is admitted: one message, the first, of so many bytes. */
export const MOST_BYTES_UNADMITTED = 256 * 1024;
/** A list of a hundred thousand paths is less. */
export const MOST_BYTES = 64 * 1024 * 1024;
const LONGEST_HEAD_BYTES = 1024;

const HEAD_END = '\r\n\r\n';
const LENGTH = /^content-length: *(?<length>\d{1,9})$/imu;

/**
 * Reads JSON-RPC messages with bounds that the library's own reader does not have: on the length of a head, on
 * that of a message before memory is spent on it, and on all that comes from somebody who is not admitted. It
 * reads on only when the message before was taken up, so that a flood waits on the other side.
 */
export class BoundedReader extends AbstractMessageReader {
  // Immutable.
  readonly #socket: Socket;

  // Mutable.
  #isAdmitted = false;
  #hasTaken = false;
  #isTaking = false;
  /** What has come and is not taken yet, in pieces, so that a long message is joined once. */
  #pieces: Buffer[] = [];
  #size = 0;
  /** Of the message whose head has come. */
  #length: number | undefined;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  /** The first message was the right one: more may come. */
  admit(): void {
    this.#isAdmitted = true;
  }

  /** Each way to break the rules is an error, after which nothing is read any more. */
  listen(callback: DataCallback): Disposable {
    const socket = this.#socket;
    const take = (piece: Buffer): void => {
      this.#pieces.push(piece);
      this.#size += piece.length;
      this.#goOn(callback);
    };
    socket.on('data', take);
    socket.on('error', (error) => this.fireError(error));
    socket.on('close', () => this.fireClose());
    return { dispose: () => void socket.off('data', take) };
  }

  #goOn(callback: DataCallback): void {
    if (this.#isTaking) return;
    try {
      if (this.#hasTaken && !this.#isAdmitted && this.#size > 0) throw new RangeError('more than a hello');
      const message = this.#next();
      if (message === undefined) {
        this.#socket.resume();
        return;
      }
      this.#hasTaken = true;
      this.#isTaking = true;
      this.#socket.pause();
      callback(message);
    } catch (error) {
      this.#socket.pause();
      this.fireError(error);
      return;
    }
    // The connection takes up one message a turn, too: its queue stays short.
    setImmediate(() => {
      this.#isTaking = false;
      if (!this.#socket.destroyed) this.#goOn(callback);
    });
  }

  /** `undefined` if there is not all of it yet. */
  #next(): Message | undefined {
    this.#length ??= this.#takeHead();
    if (this.#length === undefined || this.#size < this.#length) return undefined;
    const body = this.#take(this.#length);
    this.#length = undefined;
    const message: unknown = JSON.parse(body.toString('utf8'));
    if (!isMessage(message)) throw new TypeError('not a message');
    return message;
  }

  #takeHead(): number | undefined {
    if (this.#size === 0) return undefined;
    const end = this.#join().subarray(0, LONGEST_HEAD_BYTES).indexOf(HEAD_END);
    if (end === -1) {
      if (this.#size >= LONGEST_HEAD_BYTES) throw new RangeError('a head that does not end');
      return undefined;
    }
    const head = this.#take(end + HEAD_END.length).toString('latin1');
    const length = Number(LENGTH.exec(head)?.groups?.['length']);
    if (Number.isNaN(length)) throw new TypeError('a head without a length');
    if (length > (this.#isAdmitted ? MOST_BYTES : MOST_BYTES_UNADMITTED)) {
      throw new RangeError(`a message of ${length} bytes`);
    }
    return length;
  }

  /** The first bytes; there are so many. */
  #take(length: number): Buffer {
    const joined = this.#join();
    this.#pieces = [joined.subarray(length)];
    this.#size -= length;
    return joined.subarray(0, length);
  }

  #join(): Buffer {
    const [first, ...others] = this.#pieces;
    const joined = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}

/**
 * A request, a notification or a response. What is none of them the library would write out for its log, indented:
 * that takes a time that grows with the square of its depth.
 */
function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || !('jsonrpc' in value)) return false;
  const id = 'id' in value ? value.id : undefined;
  const hasId = typeof id === 'string' || typeof id === 'number';
  if ('method' in value) return typeof value.method === 'string' && (hasId || id === undefined);
  return hasId && ('result' in value || 'error' in value);
}
