import { deferred } from '../base/deferred.ts';
import type { Clock } from '../base/clock.ts';
import { sessionFailureOf } from '../base/failure.ts';
import type { ClosedEvent, Talk } from '../protocol/frameTalk.ts';
import type { Close } from '../protocol/messages.ts';
import type { Channel } from './ports.ts';

/** How a session ended. */
export interface SessionEnd {
  readonly origin: 'local' | 'remote';
  readonly close: Close;
}

/** How long the last frame may take to leave: a peer that does not read gets no longer. */
const LAST_FRAME_MS = 2000;

/**
 * Drives one sans-io talk over one channel: carries bytes both ways, keeps its deadlines, hands
 * its events to the transfer. Output leaves the talk only when the channel has room, so nothing
 * piles up for a peer that does not read.
 */
export class SessionPump<Event extends { readonly type: string }> {
  readonly #talk: Talk<Event>;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #onEvent: (event: Event | ClosedEvent) => void;

  #isWriting = false;
  #written: Promise<void> = Promise.resolve();
  #disarm: () => void = () => undefined;
  #end: SessionEnd | undefined;
  #ended = deferred<SessionEnd>();

  constructor(
    talk: Talk<Event>,
    channel: Channel,
    clock: Clock,
    onEvent: (event: Event | ClosedEvent) => void,
  ) {
    this.#talk = talk;
    this.#channel = channel;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /** Runs the session to its end and lets go of the channel. Never rejects. */
  async run(): Promise<SessionEnd> {
    const reading = this.#read();
    void this.flush();
    this.#arm();
    const end = await this.#ended.promise;
    this.#disarm();
    await this.#sayLast();
    // However badly it closes, nothing more comes of this session.
    await this.#channel.close().catch(() => undefined);
    await reading;
    return end;
  }

  /** Sends what the conversation has to say; resolves when the channel has room for more. */
  flush(): Promise<void> {
    if (!this.#isWriting && this.#talk.hasOutput) {
      this.#written = this.#drain().catch((error: unknown) => this.#fail(error));
    }
    return this.#written;
  }

  /** Ends the session and tells the peer why. */
  close(close: Close): void {
    this.#dispatch(this.#talk.close(close));
    void this.flush();
  }

  /** Whether the session has ended. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Takes the events of a command. */
  dispatch(events: Iterable<Event | ClosedEvent>): void {
    this.#dispatch(events);
    void this.flush();
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#channel.inbound) {
        // After the end too, and for nothing: to leave the loop would tear the channel down before the last
        // frame is out, and a peer whose bytes nobody takes could not read it.
        // Most pieces are from the middle of a chunk, and nothing comes of them yet.
        if (this.#talk.absorb(bytes, this.#clock.now())) continue;
        this.#dispatch(this.#talk.receive(bytes, this.#clock.now()));
        void this.flush();
      }
      this.#dispatch(this.#talk.receiveEnd());
    } catch (error) {
      this.#fail(error);
    }
  }

  async #drain(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let pieces = this.#talk.takeOutput(); pieces.length > 0; pieces = this.#talk.takeOutput()) {
        await this.#channel.send(pieces);
      }
    } finally {
      // In the same step as the look that found nothing: what is said next needs somebody to carry it.
      this.#isWriting = false;
    }
  }

  /** Lets the last frame out, which may say why. A broken channel cannot carry it, nor need it. */
  async #sayLast(): Promise<void> {
    const late = deferred<void>();
    const disarm = this.#clock.schedule(LAST_FRAME_MS, late.resolve);
    await Promise.race([this.flush(), late.promise]);
    disarm();
  }

  #dispatch(events: Iterable<Event | ClosedEvent>): void {
    try {
      for (const event of events) {
        if (isClosed(event)) {
          this.#end = { origin: event.origin, close: event.close };
          this.#ended.resolve(this.#end);
        }
        this.#onEvent(event);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The channel broke, or our own code did; either way this session is over. */
  #fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#dispatch(this.#talk.close(sessionFailureOf(error)));
  }

  // Hearing the peer only moves the deadline away, so a timer that fires early looks again.
  #arm(): void {
    const { deadline } = this.#talk;
    if (deadline === undefined) return;
    this.#disarm = this.#clock.schedule(Math.max(0, deadline - this.#clock.now()), () => {
      this.#dispatch(this.#talk.handleTime(this.#clock.now()));
      void this.flush();
      if (this.#end === undefined) this.#arm();
    });
  }
}

function isClosed(event: { readonly type: string }): event is ClosedEvent {
  return event.type === 'closed';
}
