import { concatBytes } from '../../src/base/bytes.ts';
import type { Conversation, ConversationEvent } from '../../src/protocol/conversation.ts';
import type { Close, Hello } from '../../src/protocol/messages.ts';
import { ReceiverSession } from '../../src/protocol/receiverSession.ts';
import type { ReceiverEvent } from '../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import type { SenderEvent } from '../../src/protocol/senderSession.ts';

export type Role = 'sender' | 'receiver';

export interface SessionPairInit {
  readonly dialler?: Role;
  /** Bytes arrive in pieces of this length; otherwise in one. */
  readonly pieceBytes?: number;
  /** Whether the listener lets the dialler in by itself. */
  readonly admits?: boolean;
  /** What differs in the greetings. */
  readonly hellos?: Partial<Record<Role, Partial<Hello>>>;
  /** One byte on the way from `from` is changed. */
  readonly flip?: { readonly from: Role; readonly at: number; readonly mask: number };
}

export function helloOf(role: Role, parts: Partial<Hello> = {}): Hello {
  return {
    versions: [1, 1],
    role,
    name: `the ${role}`,
    codecs: ['zstd'],
    limits: { openWants: 64 },
    ...parts,
  };
}

/** One end: a session, what it said in bytes, what it told in events, and who reacts to these. */
export class SessionEnd<Event extends { readonly type: string }> {
  readonly conversation: Conversation<Event>;
  readonly events: (Event | ConversationEvent)[] = [];
  sent: Uint8Array = new Uint8Array(0);
  react: (event: Event | ConversationEvent) => void = () => undefined;

  constructor(conversation: Conversation<Event>) {
    this.conversation = conversation;
  }

  take(events: Iterable<Event | ConversationEvent>): void {
    for (const event of events) {
      this.events.push(event);
      this.react(event);
    }
  }

  /** What it has to say, taken from it. */
  speak(): Uint8Array {
    const bytes = concatBytes(this.conversation.takeOutput());
    this.sent = concatBytes([this.sent, bytes]);
    return bytes;
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** How it ended: `local protocol-error`, for example. */
  get endings(): string[] {
    return this.closes.map(({ origin, close }) => `${origin} ${close.code}`);
  }

  get closes(): { readonly origin: string; readonly close: Close }[] {
    return this.events.flatMap((event) => (isClosed(event) ? [event] : []));
  }
}

function isClosed(event: { readonly type: string }): event is Extract<ConversationEvent, { type: 'closed' }> {
  return event.type === 'closed';
}

/** Lets in whoever introduces itself. */
function admitsAll<Event extends { readonly type: string }>(end: SessionEnd<Event>): void {
  end.react = ({ type }) => {
    if (type === 'introduced') end.take(end.conversation.admit());
  };
}

/** Two sessions joined in memory. Time stands still until it is turned. */
export class SessionPair {
  readonly sender: SenderSession;
  readonly receiver: ReceiverSession;
  readonly ends: { readonly sender: SessionEnd<SenderEvent>; readonly receiver: SessionEnd<ReceiverEvent> };
  now = 1_000_000;
  readonly #pieceBytes: number;
  readonly #flip: SessionPairInit['flip'];
  readonly #carried: Record<Role, number> = { sender: 0, receiver: 0 };

  constructor({ dialler = 'sender', pieceBytes, admits = true, hellos, flip }: SessionPairInit = {}) {
    const initOf = (role: Role) => ({
      isDialler: role === dialler,
      hello: helloOf(role, hellos?.[role]),
      now: this.now,
    });
    this.sender = new SenderSession(initOf('sender'));
    this.receiver = new ReceiverSession(initOf('receiver'));
    this.ends = {
      sender: new SessionEnd(this.sender.conversation),
      receiver: new SessionEnd(this.receiver.conversation),
    };
    this.#pieceBytes = pieceBytes ?? Number.MAX_SAFE_INTEGER;
    this.#flip = flip;
    if (!admits) return;
    admitsAll(this.ends.sender);
    admitsAll(this.ends.receiver);
  }

  /** Carries bytes both ways until nobody has anything to say. */
  exchange(): void {
    for (let isQuiet = false; !isQuiet;) {
      const toReceiver = this.ends.sender.speak();
      this.feed('receiver', this.#corrupt('sender', toReceiver));
      const toSender = this.ends.receiver.speak();
      this.feed('sender', this.#corrupt('receiver', toSender));
      isQuiet = toReceiver.length + toSender.length === 0;
    }
  }

  /** Bytes for one end that the other did not say. */
  feed(role: Role, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#pieceBytes) {
      const piece = bytes.subarray(at, at + this.#pieceBytes);
      if (role === 'sender') this.ends.sender.take(this.sender.conversation.receive(piece, this.now));
      else this.ends.receiver.take(this.receiver.conversation.receive(piece, this.now));
    }
  }

  /** Lets time pass at both ends. */
  turn(milliseconds: number): void {
    this.now += milliseconds;
    this.ends.sender.take(this.sender.conversation.handleTime(this.now));
    this.ends.receiver.take(this.receiver.conversation.handleTime(this.now));
  }

  #corrupt(from: Role, bytes: Uint8Array): Uint8Array {
    const start = this.#carried[from];
    this.#carried[from] += bytes.length;
    if (this.#flip?.from !== from) return bytes;
    const { at, mask } = this.#flip;
    return bytes.map((byte, place) => (start + place === at ? byte ^ mask : byte));
  }
}
