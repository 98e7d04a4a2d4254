import type { Frame, FrameName } from './frame.ts';
import { FrameTalk, refusal, requireLength } from './frameTalk.ts';
import type { ClosedEvent, Dialogue, FrameTalkInit } from './frameTalk.ts';
import { encodeMessage } from './messages.ts';
import type { Message } from './messages.ts';

export type Join = Message<'join'>;

export type LaneEvent =
  /** Listener only: the connection says which session it belongs to; answer with `admit` or `close`. */
  | { readonly type: 'joining'; readonly join: Join }
  /** Dialler only: the listener has taken it in. */
  | { readonly type: 'joined' }
  | ClosedEvent;

export interface LaneInit<Event> extends FrameTalkInit {
  /** What the dialler says first; absent, this is the listener. */
  readonly join?: Join;
  /** What the dialler hears; absent, it is nothing. The listener's comes with `admit`. */
  readonly dialogue?: Dialogue<Event>;
}

/**
 * The talk over one more connection of a session. It carries nothing but `data`, in answer to wants that came over
 * the session's first connection, where everything else is said. So the order between lanes does not matter.
 *
 *     join ▶ ◀ joined ▶ data* …
 */
export class Lane<Event> extends FrameTalk<Event | LaneEvent> {
  protected dialogue: Dialogue<Event>;
  readonly #isDialler: boolean;

  constructor(init: LaneInit<Event>) {
    super(init);
    const { join, dialogue = silence } = init;
    this.dialogue = dialogue;
    this.#isDialler = join !== undefined;
    if (join !== undefined) this.sayBytes('join', 0, [encodeMessage('join', join)]);
  }

  /** Listener only: takes the connection into its session, whose `dialogue` is heard from now on. */
  admit(dialogue: Dialogue<Event>): void {
    this.requireAdmitting();
    this.dialogue = dialogue;
    this.sayBytes('joined', 0, []);
    this.open();
  }

  protected admitGreeting(name: FrameName): void {
    if (name !== (this.#isDialler ? 'joined' : 'join')) throw refusal(`${name} while joining`);
  }

  protected *handleGreeting(frame: Frame): Generator<LaneEvent> {
    if (this.#isDialler) {
      requireLength(frame, 0);
      this.open();
      yield { type: 'joined' };
    } else {
      this.introduced();
      yield { type: 'joining', join: this.read('join', frame) };
    }
  }
}

/** A dialogue in which the peer has nothing to say. */
const silence: Dialogue<never> = {
  admit(_header, name) {
    throw refusal(`${name} on a lane`);
  },
  // oxlint-disable-next-line require-yield -- nothing is admitted
  *handle() {
    throw refusal('a frame on a lane');
  },
};
