import { CourierError, LocalProtocolError, RemoteProtocolError } from '../base/failure.ts';
import { encodeHeader, frameName, FrameType } from './frame.ts';
import type { Frame, FrameHeader, FrameName } from './frame.ts';
import { FrameDecoder } from './frameDecoder.ts';
import { limits } from './limits.ts';
import { decodeMessage, encodeMessage } from './messages.ts';
import type { Close, Hello, Message, MessageInput, MessageName } from './messages.ts';

/**
 * What every session has, whichever role it plays: greeting, liveness and closing. Sans-io in h11's
 * manner: bytes and the time go in, events come out one by one, frames to send are collected until
 * somebody takes them, and the next deadline is reported.
 *
 *     greeting ──hello──▶ (listener: admitting ──admit──▶) open ──close──▶ closed
 *         └────────────── any error, timeout or close ──────────────────────▲
 *
 * The side that dialled speaks first. The listener says nothing, not even its name, before it has
 * admitted the peer; the dialler offers nothing before it has heard the listener's hello.
 */
export type ConversationState = 'greeting' | 'admitting' | 'open' | 'closed';

export type ConversationEvent =
  /** Listener only: the peer has introduced itself; answer with `admit` or `close`. */
  | { readonly type: 'introduced'; readonly hello: Hello }
  /** Both sides have greeted each other. */
  | { readonly type: 'opened'; readonly hello: Hello }
  /** The end. `origin` tells who ended it. */
  | { readonly type: 'closed'; readonly origin: 'local' | 'remote'; readonly close: Close };

export interface ConversationInit {
  readonly isDialler: boolean;
  /** What we say of ourselves. */
  readonly hello: Hello;
  /** The time of the clock that all later calls use, milliseconds. */
  readonly now: number;
  readonly allocate?: (length: number) => Uint8Array;
}

/** The part of a session that knows its role: the messages between `opened` and `closed`. */
export interface Dialogue<Event> {
  /** Throws unless a frame with this header is legal now. */
  admit(header: FrameHeader, name: FrameName): void;
  handle(frame: Frame, name: FrameName): Generator<Event>;
}

const COMMON_FRAMES: ReadonlySet<FrameName> = new Set(['close', 'alive']);
/** The others have nothing to number; their index is 0. */
const INDEXED_FRAMES: ReadonlySet<FrameName> = new Set(['page', 'answer', 'want', 'data', 'same', 'failed']);

export class Conversation<Event> {
  // Immutable.
  readonly #init: ConversationInit;
  readonly #dialogue: Dialogue<Event>;
  readonly #decoder: FrameDecoder;

  // Mutable.
  #state: ConversationState = 'greeting';
  #peer: Hello | undefined;
  #output: Uint8Array[] = [];
  #startedAt: number;
  #heardAt: number;
  /** When we last made sure that the peer hears of us, and whether something was said since. */
  #tickedAt: number;
  #hasSpoken = false;

  constructor(init: ConversationInit, dialogue: Dialogue<Event>) {
    this.#init = init;
    this.#dialogue = dialogue;
    this.#decoder = new FrameDecoder({
      admit: (header) => this.#admitHeader(header),
      ...(init.allocate === undefined ? {} : { allocate: init.allocate }),
    });
    this.#startedAt = init.now;
    this.#heardAt = init.now;
    this.#tickedAt = init.now;
    if (init.isDialler) this.say('hello', init.hello);
  }

  get state(): ConversationState {
    return this.#state;
  }

  /** The bytes to send since the last call, in order. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** When `handleTime` must be called next, on the clock of `now`; `undefined` once closed. */
  get deadline(): number | undefined {
    if (this.#state === 'closed') return undefined;
    if (this.#isGreeting()) return this.#startedAt + limits.greetingTimeoutMs;
    return Math.min(this.#tickedAt + limits.aliveEveryMs, this.#heardAt + limits.deadAfterMs);
  }

  /**
   * Time has passed. Each side speaks at least every `aliveEveryMs`, without being asked: on a slow path
   * the answer to a question would wait behind megabytes of data, and the asker would give up too soon.
   */
  *handleTime(now: number): Generator<ConversationEvent> {
    const { deadline } = this;
    if (deadline === undefined || now < deadline) return;
    // Woken far too late, we heard nothing because we slept, not because the peer is gone.
    if (!this.#isGreeting() && now - deadline > limits.aliveEveryMs) this.#heardAt = now;
    if (this.#isGreeting() || now >= this.#heardAt + limits.deadAfterMs) {
      yield* this.close({ code: 'timed-out', message: 'the peer says nothing' });
      return;
    }
    if (!this.#hasSpoken) this.#write('alive', 0, []);
    this.#hasSpoken = false;
    this.#tickedAt = now;
  }

  /** Bytes have arrived. Take all events before the next call. */
  *receive(bytes: Uint8Array, now: number): Generator<ConversationEvent | Event> {
    if (this.#state === 'closed') return;
    this.#heardAt = now;
    try {
      for (const frame of this.#decoder.push(bytes)) {
        yield* this.#handle(frame);
        if (this.#isClosed()) return;
      }
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      const close = { code: error.code, message: shorten(error.message) };
      this.say('close', close);
      yield* this.#end('local', close);
    }
  }

  /** The peer's end of the stream has come. */
  *receiveEnd(): Generator<ConversationEvent> {
    if (this.#state === 'closed') return;
    yield* this.#end('remote', { code: 'connection-lost' });
  }

  /** Listener only: lets the peer in. */
  *admit(): Generator<ConversationEvent> {
    if (this.#state !== 'admitting' || this.#peer === undefined) {
      throw new LocalProtocolError('nobody to admit');
    }
    this.say('hello', this.#init.hello);
    this.#state = 'open';
    yield { type: 'opened', hello: this.#peer };
  }

  /**
   * Ends the session; nothing happens if it has ended already. The peer is told the code and no more: a
   * message of ours may name files and folders of this machine, and the peer may be a stranger. Only what
   * is said of the peer's own mistakes goes with the code.
   */
  *close(close: Close): Generator<ConversationEvent> {
    if (this.#state === 'closed') return;
    this.say('close', { code: close.code });
    yield* this.#end('local', close);
  }

  /** Sends a control message. */
  say<Name extends MessageName>(name: Name, message: MessageInput<Name>, index = 0): void {
    this.#write(name, index, [encodeMessage(name, message)]);
  }

  /** Sends a frame whose payload is raw bytes in several pieces. */
  sayBytes(name: FrameName, index: number, pieces: readonly Uint8Array[]): void {
    this.#write(name, index, pieces);
  }

  /** Parses a control message, whose frame has been admitted. */
  read<Name extends MessageName>(name: Name, frame: Frame): Message<Name> {
    return decodeMessage(name, frame.payload);
  }

  /** Throws unless the session is open: a command in another state is a mistake of ours. */
  requireOpen(): void {
    if (this.#state !== 'open') throw new CourierError('connection-lost', `the session is ${this.#state}`);
  }

  #write(name: FrameName, index: number, pieces: readonly Uint8Array[]): void {
    if (this.#state === 'closed') return;
    this.#hasSpoken = true;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#output.push(encodeHeader({ type: FrameType[name], length, index }), ...pieces);
  }

  #admitHeader(header: FrameHeader): void {
    const name = frameName(header.type);
    if (header.index !== 0 && !INDEXED_FRAMES.has(name)) throw refusal(`${name} with an index`);
    if (this.#isGreeting()) {
      const isLegal = name === 'close' || (name === 'hello' && this.#state === 'greeting');
      if (!isLegal) throw refusal(`${name} while ${this.#state}`);
      requireLength(header, limits.greetingBytes);
    } else if (COMMON_FRAMES.has(name)) {
      requireLength(header, name === 'close' ? limits.controlBytes : 0);
    } else if (name === 'hello') {
      throw refusal('a second hello');
    } else {
      this.#dialogue.admit(header, name);
    }
  }

  *#handle(frame: Frame): Generator<ConversationEvent | Event> {
    const name = frameName(frame.type);
    switch (name) {
      case 'hello':
        yield* this.#handleHello(this.read('hello', frame));
        return;
      case 'close':
        yield* this.#end('remote', this.read('close', frame));
        return;
      case 'alive':
        return;
      case 'offer':
      case 'page':
      case 'offerEnd':
      case 'answer':
      case 'want':
      case 'data':
      case 'same':
      case 'failed':
      case 'progress':
      case 'outcome':
      case 'receipt':
        yield* this.#dialogue.handle(frame, name);
    }
  }

  *#handleHello(hello: Hello): Generator<ConversationEvent> {
    const [oldest, newest] = hello.versions;
    if (newest < limits.oldestVersion || oldest > limits.version) {
      throw new RemoteProtocolError('version-mismatch', `the peer speaks versions ${oldest} to ${newest}`);
    }
    if (hello.role === this.#init.hello.role) throw refusal(`both sides want to be the ${hello.role}`);
    this.#peer = hello;
    if (this.#init.isDialler) {
      this.#state = 'open';
      yield { type: 'opened', hello };
    } else {
      this.#state = 'admitting';
      yield { type: 'introduced', hello };
    }
  }

  *#end(origin: 'local' | 'remote', close: Close): Generator<ConversationEvent> {
    this.#state = 'closed';
    yield { type: 'closed', origin, close };
  }

  /** Whether the peer is not admitted yet: the listener then says nothing, not even that it is alive. */
  #isGreeting(): boolean {
    return this.#state === 'greeting' || this.#state === 'admitting';
  }

  // A method, because the checker narrows the field and does not see that handling a frame changes it.
  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}

/** Refuses a frame whose payload is longer than `most` bytes. */
export function requireLength(header: FrameHeader, most: number): void {
  if (header.length > most) {
    throw new RemoteProtocolError(
      'limit-exceeded',
      `a frame of ${header.length} bytes, at most ${most} are allowed`,
    );
  }
}

function refusal(message: string): RemoteProtocolError {
  return new RemoteProtocolError('protocol-error', message);
}

function shorten(text: string): string {
  return text.slice(0, limits.textLength).toWellFormed();
}
