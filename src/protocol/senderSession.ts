import { LocalProtocolError, RemoteProtocolError } from '../base/failure.ts';
import type { SourceFailure } from '../base/failure.ts';
import type { Decision } from './chunkLayout.ts';
import { encodeReplyHead } from './chunkReply.ts';
import type { ChunkReply } from './chunkReply.ts';
import { Conversation } from './conversation.ts';
import type { ConversationEvent, ConversationInit } from './conversation.ts';
import type { Frame, FrameHeader, FrameName } from './frame.ts';
import { requireLength } from './frameTalk.ts';
import type { Dialogue } from './frameTalk.ts';
import { limits } from './limits.ts';
import type { Entry, ManifestTotals } from './manifest.ts';
import { addTotals, emptyTotals } from './manifest.ts';
import { decisionsFromWire, entryToWire, haveFromWire } from './messages.ts';
import type { Message, Receipt } from './messages.ts';

export type SenderEvent =
  | ConversationEvent
  /** The receiver has decided on every entry of a page. Pages are answered in order. */
  | { readonly type: 'answered'; readonly page: number; readonly decisions: readonly Decision[] }
  /** The receiver asks for a chunk; reply exactly once with `sendChunk`, `sendSame` or `sendFailed`. */
  | { readonly type: 'wanted'; readonly index: number; readonly have: readonly (Uint8Array | undefined)[] }
  /** So much is verified and written over there. */
  | { readonly type: 'confirmed'; readonly bytes: number; readonly entries: number }
  /** Entries that the receiver could not finish. */
  | { readonly type: 'failures'; readonly failures: Message<'outcome'>['failures'] }
  /** The final statement. Check its root, then `close`. */
  | { readonly type: 'receipt'; readonly receipt: Receipt };

/** Where a chunk can be said: the session's first connection, or another lane. */
export interface ChunkOutlet {
  sayBytes(name: 'data', index: number, pieces: readonly Uint8Array[]): void;
}

/**
 * The sender's half of the protocol. All its transitions are in this file.
 *
 *     offer ▶ page* ▶ offerEnd          (as they become known)
 *              ◀ answer*                (one a page, in order; after it, wants for the page's chunks)
 *              ◀ want  ▶ data | same | failed
 *              ◀ progress*, outcome*, receipt ▶ close(done)
 *
 * `data` may go over any lane of the session; `lost` then says which of it may not have arrived, and may be wanted
 * again.
 */
export class SenderSession implements Dialogue<SenderEvent> {
  readonly conversation: Conversation<SenderEvent>;

  #phase: 'idle' | 'offering' | 'offered' | 'received' = 'idle';
  #totals: ManifestTotals = emptyTotals;
  /** Number of entries of each page that is not answered yet, from page `#answered` on. */
  readonly #unanswered: number[] = [];
  #pages = 0;
  #answered = 0;
  /** Chunks with an index below this may be wanted. */
  #servable = 0;
  readonly #openWants = new Set<number>();
  #confirmedBytes = 0;

  constructor(init: ConversationInit) {
    this.conversation = new Conversation(init, this);
  }

  /** Opens the offer. */
  offer(transfer: string, label: string): void {
    this.#require(this.#phase === 'idle', 'offer');
    this.#phase = 'offering';
    this.conversation.say('offer', { transfer, label: label.slice(0, limits.textLength).toWellFormed() });
  }

  /** Sends the next page; returns its number. */
  sendPage(entries: readonly Entry[]): number {
    const isPage = entries.length > 0 && entries.length <= limits.pageEntries;
    this.#require(this.#phase === 'offering' && isPage, 'page');
    const page = this.#pages;
    this.#totals = addTotals(this.#totals, entries);
    this.#unanswered.push(entries.length);
    this.#pages += 1;
    this.conversation.say('page', { entries: entries.map(entryToWire) }, page);
    return page;
  }

  /** Everything is listed; `leftOut` things could not be. */
  endOffer(leftOut: number): void {
    this.#require(this.#phase === 'offering', 'offerEnd');
    this.#phase = 'offered';
    this.conversation.say('offerEnd', { pages: this.#pages, ...this.#totals, leftOut });
  }

  /** The layout of the pages answered so far has this many chunks; tell it in handling `answered`. */
  serveUpTo(chunkCount: number): void {
    this.#servable = chunkCount;
  }

  sendChunk(index: number, reply: ChunkReply, outlet: ChunkOutlet = this.conversation): void {
    this.#answerWant(index);
    outlet.sayBytes('data', index, [encodeReplyHead(reply), reply.body]);
  }

  /** A lane is gone, with the latest chunks that were sent on it. */
  tellLost(lane: number, chunks: readonly number[]): void {
    this.conversation.requireOpen();
    this.conversation.say('lost', { lane, chunks: [...chunks] });
  }

  /** What the receiver has in that place is already right. */
  sendSame(index: number): void {
    this.#answerWant(index);
    this.conversation.sayBytes('same', index, []);
  }

  /** The file of this range cannot be read as it was offered. */
  sendFailed(index: number, reason: SourceFailure): void {
    this.#answerWant(index);
    this.conversation.say('failed', { reason }, index);
  }

  admit(header: FrameHeader, name: FrameName): void {
    switch (name) {
      case 'answer':
        this.#expect(this.#answered < this.#pages && header.index === this.#answered, name);
        requireLength(header, limits.controlBytes);
        return;
      case 'want':
        this.#expect(this.#phase !== 'received', name);
        this.#expect(header.index < this.#servable && !this.#openWants.has(header.index), name);
        if (this.#openWants.size >= limits.openWants) {
          throw new RemoteProtocolError('limit-exceeded', 'too many wants at once');
        }
        requireLength(header, limits.wantBytes);
        return;
      case 'progress':
      case 'outcome':
        this.#expect(this.#phase === 'offering' || this.#phase === 'offered', name);
        requireLength(header, limits.controlBytes);
        return;
      case 'receipt':
        this.#expect(
          this.#phase === 'offered' && this.#answered === this.#pages && this.#openWants.size === 0,
          name,
        );
        requireLength(header, limits.controlBytes);
        return;
      default:
        this.#expect(false, name);
    }
  }

  *handle(frame: Frame, name: FrameName): Generator<SenderEvent> {
    switch (name) {
      case 'answer': {
        const entryCount = this.#unanswered.shift() ?? 0;
        const { decisions } = this.conversation.read('answer', frame);
        this.#answered += 1;
        yield { type: 'answered', page: frame.index, decisions: decisionsFromWire(decisions, entryCount) };
        return;
      }
      case 'want': {
        const have = frame.payload.length === 0 ? [] : (this.conversation.read('want', frame).have ?? []);
        this.#openWants.add(frame.index);
        yield { type: 'wanted', index: frame.index, have: haveFromWire(have) };
        return;
      }
      case 'progress': {
        const { bytes, entries } = this.conversation.read('progress', frame);
        this.#expect(bytes >= this.#confirmedBytes && bytes <= this.#totals.bytes, name);
        this.#expect(entries <= this.#totals.entries, name);
        this.#confirmedBytes = bytes;
        yield { type: 'confirmed', bytes, entries };
        return;
      }
      case 'outcome':
        yield { type: 'failures', failures: this.conversation.read('outcome', frame).failures };
        return;
      case 'receipt': {
        const receipt = this.conversation.read('receipt', frame);
        const { published, same, skipped, failed } = receipt;
        this.#expect(published + same + skipped + failed === this.#totals.entries, name);
        this.#phase = 'received';
        yield { type: 'receipt', receipt };
        return;
      }
      default:
        this.#expect(false, name);
    }
  }

  #answerWant(index: number): void {
    this.#require(this.#openWants.delete(index), 'reply');
  }

  #require(isLegal: boolean, name: string): void {
    this.conversation.requireOpen();
    if (!isLegal) throw new LocalProtocolError(`${name} while ${this.#phase}`);
  }

  #expect(isLegal: boolean, name: FrameName): void {
    if (!isLegal) throw new RemoteProtocolError('protocol-error', `unexpected ${name} while ${this.#phase}`);
  }
}
