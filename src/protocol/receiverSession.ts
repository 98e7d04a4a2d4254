import { LocalProtocolError, RemoteProtocolError } from '../base/failure.ts';
import type { SourceFailure } from '../base/failure.ts';
import { toHex } from '../base/bytes.ts';
import type { Chunk, Decision } from './chunkLayout.ts';
import { decodeReply, replyLimit } from './chunkReply.ts';
import type { ChunkReply } from './chunkReply.ts';
import { Conversation } from './conversation.ts';
import type { ConversationEvent, ConversationInit } from './conversation.ts';
import type { Frame, FrameHeader, FrameName } from './frame.ts';
import { requireLength } from './frameTalk.ts';
import type { Dialogue } from './frameTalk.ts';
import { limits } from './limits.ts';
import { addTotals, emptyTotals, ManifestOrder } from './manifest.ts';
import type { Entry, ManifestTotals } from './manifest.ts';
import { decisionsToWire, entryFromWire } from './messages.ts';
import type { Message, Receipt } from './messages.ts';

export type ReceiverEvent =
  | ConversationEvent
  | { readonly type: 'offered'; readonly transfer: string; readonly label: string }
  /** A page, checked: names, order, limits. */
  | { readonly type: 'page'; readonly page: number; readonly entries: readonly Entry[] }
  /** Everything has been listed. */
  | { readonly type: 'offer-ended'; readonly totals: ManifestTotals; readonly leftOut: number }
  /** The three replies to a want. */
  | {
      readonly type: 'chunk';
      readonly chunk: Chunk;
      readonly reply: ChunkReply;
      /** The memory that the reply lies in. */
      readonly payload: Uint8Array;
    }
  | { readonly type: 'chunk-same'; readonly chunk: Chunk }
  | { readonly type: 'chunk-failed'; readonly chunk: Chunk; readonly reason: SourceFailure }
  /** A lane is gone for the sender: nothing of `chunks` that has not arrived will. Drop the lane, want them again. */
  | { readonly type: 'lane-lost'; readonly lane: number; readonly chunks: readonly number[] };

interface OpenWant {
  readonly chunk: Chunk;
  /** Whether the want told a digest for everything in the chunk, so that `same` may answer it. */
  readonly isFullyHeld: boolean;
  /** Which files of a pack the want told a digest of; empty when none. */
  readonly held: readonly boolean[];
  /** Whether the reply's header has come, on some lane: no other reply may then, until it is wanted again. */
  isArriving: boolean;
}

/**
 * The receiver's half of the protocol; see {@link SenderSession} for the picture. The receiver decides
 * what is sent and when: no data arrives that it did not ask for, and none is buffered before the want
 * it answers is known.
 */
export class ReceiverSession implements Dialogue<ReceiverEvent> {
  readonly conversation: Conversation<ReceiverEvent>;

  #phase: 'waiting' | 'listing' | 'listed' | 'receipted' = 'waiting';
  #totals: ManifestTotals = emptyTotals;
  readonly #order = new ManifestOrder();
  /** Entry counts of the pages that we have not answered, from page `#answered` on. */
  readonly #unanswered: number[] = [];
  #pages = 0;
  #manifestBytes = 0;
  #answered = 0;
  readonly #openWants = new Map<number, OpenWant>();

  constructor(init: ConversationInit) {
    this.conversation = new Conversation(init, this);
  }

  /** How many wants are open. */
  get openWantCount(): number {
    return this.#openWants.size;
  }

  /** Answers the next page. */
  answer(page: number, decisions: readonly Decision[]): void {
    this.#require(page === this.#answered && this.#unanswered.shift() === decisions.length, 'answer');
    this.#answered += 1;
    this.conversation.say('answer', { decisions: decisionsToWire(decisions) }, page);
  }

  /** Asks for a chunk of an answered page; `have` names what is already there. */
  want(chunk: Chunk, have: readonly (Uint8Array | undefined)[] = []): void {
    const isFree = this.#openWants.size < limits.openWants && !this.#openWants.has(chunk.index);
    this.#require(isFree && this.#phase !== 'receipted', 'want');
    const held = have.map((digest) => digest !== undefined);
    const isFullyHeld = held.length > 0 && held.every(Boolean);
    this.#openWants.set(chunk.index, { chunk, isFullyHeld, held, isArriving: false });
    if (!held.some(Boolean)) this.conversation.sayBytes('want', chunk.index, []);
    else {
      const digests = have.map((digest) => (digest === undefined ? null : toHex(digest)));
      this.conversation.say('want', { have: digests }, chunk.index);
    }
  }

  /** Whether the reply to a want has still to come. */
  isAwaited(index: number): boolean {
    return this.#openWants.has(index);
  }

  /** Asks once more for a chunk whose reply was lost with its lane. */
  wantAgain(chunk: Chunk): void {
    this.#require(this.#openWants.delete(chunk.index), 'want');
    this.want(chunk);
  }

  /** What a further lane of this session hears: replies that bring data. */
  joinLane(): Dialogue<ReceiverEvent> {
    const admit = (header: FrameHeader, name: FrameName): void => {
      this.#expect(name === 'data', name);
      this.#admitData(header, name);
    };
    const handleData = (frame: Frame, name: FrameName): ReceiverEvent => this.#handleData(frame, name);
    return {
      admit,
      *handle(frame, name) {
        yield handleData(frame, name);
      },
    };
  }

  /** Tells what is verified and written so far. */
  confirm(bytes: number, entries: number): void {
    this.#require(this.#phase === 'listing' || this.#phase === 'listed', 'progress');
    this.conversation.say('progress', { bytes, entries });
  }

  /** Tells of entries that could not be finished here. */
  reportFailures(failures: Message<'outcome'>['failures']): void {
    this.#require(this.#phase === 'listing' || this.#phase === 'listed', 'outcome');
    this.conversation.say('outcome', { failures });
  }

  /** The final statement: all of this is verified, published and durable. */
  sendReceipt(receipt: Receipt): void {
    const isDone = this.#phase === 'listed' && this.#answered === this.#pages && this.#openWants.size === 0;
    this.#require(isDone, 'receipt');
    this.#phase = 'receipted';
    this.conversation.say('receipt', receipt);
  }

  admit(header: FrameHeader, name: FrameName): void {
    switch (name) {
      case 'offer':
        this.#expect(this.#phase === 'waiting', name);
        requireLength(header, limits.controlBytes);
        return;
      case 'page':
        this.#expect(this.#phase === 'listing' && header.index === this.#pages, name);
        requireLength(header, limits.pageBytes);
        if (this.#pages >= limits.pages || this.#manifestBytes + header.length > limits.manifestBytes) {
          throw new RemoteProtocolError('limit-exceeded', 'the manifest is too long');
        }
        return;
      case 'offerEnd':
        this.#expect(this.#phase === 'listing', name);
        requireLength(header, limits.controlBytes);
        return;
      case 'data':
        this.#admitData(header, name);
        return;
      case 'lost':
        this.#expect(this.#answered > 0 && this.#phase !== 'receipted', name);
        requireLength(header, limits.controlBytes);
        return;
      case 'same':
        this.#expect(this.#wantFor(header.index, name).isFullyHeld, name);
        requireLength(header, 0);
        return;
      case 'failed':
        this.#expect(this.#wantFor(header.index, name).chunk.kind === 'range', name);
        requireLength(header, limits.controlBytes);
        return;
      default:
        this.#expect(false, name);
    }
  }

  *handle(frame: Frame, name: FrameName): Generator<ReceiverEvent> {
    switch (name) {
      case 'offer': {
        const { transfer, label } = this.conversation.read('offer', frame);
        this.#phase = 'listing';
        yield { type: 'offered', transfer, label };
        return;
      }
      case 'page':
        yield* this.#handlePage(frame);
        return;
      case 'offerEnd':
        yield* this.#handleOfferEnd(this.conversation.read('offerEnd', frame));
        return;
      case 'data':
        yield this.#handleData(frame, name);
        return;
      case 'lost': {
        const { lane, chunks } = this.conversation.read('lost', frame);
        yield { type: 'lane-lost', lane, chunks };
        return;
      }
      case 'same':
        yield { type: 'chunk-same', chunk: this.#takeWant(frame.index, name).chunk };
        return;
      case 'failed': {
        const { reason } = this.conversation.read('failed', frame);
        yield { type: 'chunk-failed', chunk: this.#takeWant(frame.index, name).chunk, reason };
        return;
      }
      default:
        this.#expect(false, name);
    }
  }

  #admitData(header: FrameHeader, name: FrameName): void {
    const want = this.#wantFor(header.index, name);
    requireLength(header, replyLimit(want.chunk));
    // From here on its payload takes memory.
    want.isArriving = true;
  }

  #handleData(frame: Frame, name: FrameName): ReceiverEvent {
    const { chunk, held } = this.#takeWant(frame.index, name);
    const reply = decodeReply(frame.payload, chunk);
    this.#expect(!reply.statuses.some((status, at) => status === 'same' && held[at] !== true), name);
    return { type: 'chunk', chunk, reply, payload: frame.payload };
  }

  *#handlePage(frame: Frame): Generator<ReceiverEvent> {
    const entries = this.conversation.read('page', frame).entries.map(entryFromWire);
    for (const entry of entries) this.#order.add(entry);
    this.#totals = addTotals(this.#totals, entries);
    this.#pages += 1;
    this.#manifestBytes += frame.length;
    this.#unanswered.push(entries.length);
    yield { type: 'page', page: frame.index, entries };
  }

  *#handleOfferEnd(end: Message<'offerEnd'>): Generator<ReceiverEvent> {
    const { entries, files, bytes } = this.#totals;
    this.#expect(
      end.pages === this.#pages && end.entries === entries && end.files === files && end.bytes === bytes,
      'offerEnd',
    );
    this.#phase = 'listed';
    yield { type: 'offer-ended', totals: this.#totals, leftOut: end.leftOut };
  }

  /** The want that a reply of this name may answer now. */
  #wantFor(index: number, name: FrameName): OpenWant {
    const want = this.#openWants.get(index);
    if (want === undefined) {
      throw new RemoteProtocolError('protocol-error', `${name} for a chunk that was not wanted`);
    }
    this.#expect(!want.isArriving, name);
    return want;
  }

  #takeWant(index: number, name: FrameName): OpenWant {
    const want = this.#openWants.get(index);
    if (want === undefined) throw new LocalProtocolError(`${name} ${index} was not admitted`);
    this.#openWants.delete(index);
    return want;
  }

  #require(isLegal: boolean, name: string): void {
    this.conversation.requireOpen();
    if (!isLegal) throw new LocalProtocolError(`${name} while ${this.#phase}`);
  }

  #expect(isLegal: boolean, name: FrameName): void {
    if (!isLegal) throw new RemoteProtocolError('protocol-error', `unexpected ${name} while ${this.#phase}`);
  }
}
