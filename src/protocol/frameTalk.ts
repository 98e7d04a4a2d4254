import { CourierError, LocalProtocolError, RemoteProtocolError } from '../base/failure.ts';
import { encodeHeader, frameName, FrameType } from './frame.ts';
import type { Frame, FrameHeader, FrameName } from './frame.ts';
import { FrameDecoder } from './frameDecoder.ts';
import { limits } from './limits.ts';
import { Liveness } from './liveness.ts';
import { decodeMessage, encodeMessage } from './messages.ts';
import type { Close, Message, MessageInput, MessageName } from './messages.ts';

/** The end. `origin` tells who ended it. */
export interface ClosedEvent {
  readonly type: 'closed';
  readonly origin: 'local' | 'remote';
  readonly close: Close;
}

/** The part of a talk that knows its role: the frames between the greeting and the end. */
export interface Dialogue<Event> {
  /** Throws unless a frame with this header is legal now. */
  admit(header: FrameHeader, name: FrameName): void;
  handle(frame: Frame, name: FrameName): Generator<Event>;
}

export interface FrameTalkInit {
  /** The time of the clock that all later calls use, milliseconds. */
  readonly now: number;
  /** Where payloads are put; absent, in new memory. */
  readonly allocate?: (length: number) => Uint8Array;
}

/** Frames whose index means something; that of the others is 0. */
const INDEXED_FRAMES: ReadonlySet<FrameName> = new Set(['page', 'answer', 'want', 'data', 'same', 'failed']);

const GREETINGS: ReadonlySet<FrameName> = new Set(['hello', 'join', 'joined', 'commit', 'nonce']);

/** A talk as whoever carries its bytes sees it. */
export type Talk<Event> = Pick<
  FrameTalk<Event>,
  'takeOutput' | 'hasOutput' | 'deadline' | 'handleTime' | 'absorb' | 'receive' | 'receiveEnd' | 'close'
>;

/**
 * What the talk over one connection has, whatever it is about: frames, a greeting, liveness and an end. Sans-io in
 * h11's manner: bytes and the time go in, events come out one by one, all of which have to be taken before the next
 * call; frames to send are collected until somebody takes them, and the next deadline is reported.
 *
 *     greeting ──▶ (listener: admitting ──▶) open ──close──▶ closed
 *         └──────── any error, timeout or close ────────────▲
 *
 * A subclass knows the greeting. The side that dialled speaks first; the listener says nothing before it has admitted
 * the peer, not even that it is alive.
 */
export abstract class FrameTalk<Event> {
  // Immutable.
  readonly #decoder: FrameDecoder;
  readonly #liveness: Liveness;

  // Mutable.
  #state: 'greeting' | 'admitting' | 'open' | 'closed' = 'greeting';
  #output: Uint8Array[] = [];

  constructor({ now, allocate }: FrameTalkInit) {
    this.#decoder = new FrameDecoder({
      admit: (header) => this.#admitHeader(header),
      ...(allocate === undefined ? {} : { allocate }),
    });
    this.#liveness = new Liveness(now);
  }

  get state(): 'greeting' | 'admitting' | 'open' | 'closed' {
    return this.#state;
  }

  /** The bytes to send since the last call, in order. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** Whether there is anything to send. */
  get hasOutput(): boolean {
    return this.#output.length > 0;
  }

  /** When `handleTime` must be called next, on the clock of `now`; `undefined` once closed. */
  get deadline(): number | undefined {
    return this.#state === 'closed' ? undefined : this.#liveness.deadline;
  }

  /** Time has passed. */
  *handleTime(now: number): Generator<ClosedEvent> {
    if (this.#state === 'closed') return;
    const due = this.#liveness.pass(now);
    if (due === 'give-up') yield* this.close({ code: 'timed-out', message: 'the peer says nothing' });
    else if (due === 'speak') this.#write('alive', 0, []);
  }

  /**
   * Bytes have arrived. Takes them if they are no more than a part of the frame that is under way, so that nothing comes
   * of them yet; if not, nothing has happened, and they are for {@link receive}.
   */
  absorb(bytes: Uint8Array, now: number): boolean {
    if (this.#state === 'closed' || !this.#decoder.absorb(bytes)) return false;
    this.#liveness.heard(now);
    return true;
  }

  /** Bytes have arrived. */
  *receive(bytes: Uint8Array, now: number): Generator<Event | ClosedEvent> {
    if (this.#state === 'closed') return;
    this.#liveness.heard(now);
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
  *receiveEnd(): Generator<ClosedEvent> {
    if (this.#state === 'closed') return;
    yield* this.#end('remote', { code: 'connection-lost' });
  }

  /**
   * Ends the talk; nothing happens if it has ended already. The peer is told the code and no more: a
   * message of ours may name files and folders of this machine, and the peer may be a stranger. Only what
   * is said of the peer's own mistakes goes with the code.
   */
  *close(close: Close): Generator<ClosedEvent> {
    if (this.#state === 'closed') return;
    this.say('close', { code: close.code });
    yield* this.#end('local', close);
  }

  /** Sends a control message. */
  say<Name extends MessageName>(name: Name, message: MessageInput<Name>, index = 0): void {
    this.sayBytes(name, index, [encodeMessage(name, message)]);
  }

  /** Sends a frame whose payload is raw bytes in several pieces. */
  sayBytes(name: FrameName, index: number, pieces: readonly Uint8Array[]): void {
    this.#liveness.spoke();
    this.#write(name, index, pieces);
  }

  /** Parses a control message, whose frame has been admitted. */
  read<Name extends MessageName>(name: Name, frame: Frame): Message<Name> {
    return decodeMessage(name, frame.payload);
  }

  /** Throws unless the two have greeted each other: a command in another state is a mistake of ours. */
  requireOpen(): void {
    if (this.#state !== 'open') throw new CourierError('connection-lost', `the session is ${this.#state}`);
  }

  /** Throws unless a frame of the greeting with this name is legal now. */
  protected abstract admitGreeting(name: FrameName): void;
  /** A frame of the greeting. */
  protected abstract handleGreeting(frame: Frame, name: FrameName): Generator<Event>;
  /** What comes after the greeting. */
  protected abstract readonly dialogue: Dialogue<Event>;

  /** The peer has introduced itself, and whether it may come in is to be decided. */
  protected introduced(): void {
    this.#state = 'admitting';
  }

  /** The greeting is over. */
  protected open(): void {
    this.#state = 'open';
    this.#liveness.greeted();
  }

  protected requireAdmitting(): void {
    if (this.#state !== 'admitting') throw new LocalProtocolError('nobody to admit');
  }

  #write(name: FrameName, index: number, pieces: readonly Uint8Array[]): void {
    if (this.#state === 'closed') return;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#output.push(encodeHeader({ type: FrameType[name], length, index }), ...pieces);
  }

  #admitHeader(header: FrameHeader): void {
    const name = frameName(header.type);
    if (header.index !== 0 && !INDEXED_FRAMES.has(name)) throw refusal(`${name} with an index`);
    if (this.#state !== 'open') {
      if (name !== 'close') {
        if (this.#state !== 'greeting') throw refusal(`${name} while ${this.#state}`);
        this.admitGreeting(name);
      }
      requireLength(header, limits.greetingBytes);
    } else if (name === 'close') requireLength(header, limits.controlBytes);
    else if (name === 'alive') requireLength(header, 0);
    else if (GREETINGS.has(name)) throw refusal('a second greeting');
    else this.dialogue.admit(header, name);
  }

  *#handle(frame: Frame): Generator<Event | ClosedEvent> {
    const name = frameName(frame.type);
    if (name === 'close') yield* this.#end('remote', this.read('close', frame));
    else if (this.#state === 'greeting') yield* this.handleGreeting(frame, name);
    else if (name !== 'alive') yield* this.dialogue.handle(frame, name);
  }

  *#end(origin: 'local' | 'remote', close: Close): Generator<ClosedEvent> {
    this.#state = 'closed';
    yield { type: 'closed', origin, close };
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

/** The peer has said what it may not say now. */
export function refusal(message: string): RemoteProtocolError {
  return new RemoteProtocolError('protocol-error', message);
}

function shorten(text: string): string {
  return text.slice(0, limits.textLength).toWellFormed();
}
