import { LocalProtocolError, RemoteProtocolError } from '../base/failure.ts';
import type { Frame, FrameName } from './frame.ts';
import { FrameTalk, refusal } from './frameTalk.ts';
import type { ClosedEvent, Dialogue, FrameTalkInit } from './frameTalk.ts';
import { limits } from './limits.ts';
import type { Hello } from './messages.ts';

export type ConversationEvent =
  /** Listener only: the peer has introduced itself; answer with `admit` or `close`. */
  | { readonly type: 'introduced'; readonly hello: Hello }
  /** Both sides have greeted each other. */
  | { readonly type: 'opened'; readonly hello: Hello }
  | ClosedEvent;

export interface ConversationInit extends FrameTalkInit {
  readonly isDialler: boolean;
  /** What we say of ourselves. */
  readonly hello: Hello;
}

/**
 * A session's talk, whichever role it plays: a {@link FrameTalk} that begins with a hello from each side. The dialler
 * offers nothing before it has heard the listener's.
 */
export class Conversation<Event> extends FrameTalk<Event | ConversationEvent> {
  // Immutable.
  readonly #init: ConversationInit;
  protected readonly dialogue: Dialogue<Event>;

  // Mutable.
  #peer: Hello | undefined;

  constructor(init: ConversationInit, dialogue: Dialogue<Event>) {
    super(init);
    this.#init = init;
    this.dialogue = dialogue;
    if (init.isDialler) this.say('hello', init.hello);
  }

  /** Listener only: lets the peer in. */
  *admit(): Generator<ConversationEvent> {
    this.requireAdmitting();
    if (this.#peer === undefined) throw new LocalProtocolError('nobody to admit');
    this.say('hello', this.#init.hello);
    this.open();
    yield { type: 'opened', hello: this.#peer };
  }

  protected admitGreeting(name: FrameName): void {
    if (name !== 'hello') throw refusal(`${name} while greeting`);
  }

  protected *handleGreeting(frame: Frame): Generator<ConversationEvent> {
    const hello = this.read('hello', frame);
    const [oldest, newest] = hello.versions;
    if (newest < limits.oldestVersion || oldest > limits.version) {
      throw new RemoteProtocolError('version-mismatch', `the peer speaks versions ${oldest} to ${newest}`);
    }
    if (hello.role === this.#init.hello.role) throw refusal(`both sides want to be the ${hello.role}`);
    this.#peer = hello;
    if (this.#init.isDialler) {
      this.open();
      yield { type: 'opened', hello };
    } else {
      this.introduced();
      yield { type: 'introduced', hello };
    }
  }
}
