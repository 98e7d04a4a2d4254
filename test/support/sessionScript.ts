/**
 * A whole transfer played by two scripts that react to the events of their sessions, as the engine
 * does: offer, answers by name, wants, replies of all kinds, verification, receipt.
 */
import { concatBytes, equalBytes, toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { PageLayout } from '../../src/protocol/chunkLayout.ts';
import type { Chunk, Decision, RangeChunk } from '../../src/protocol/chunkLayout.ts';
import type { PackStatus } from '../../src/protocol/chunkReply.ts';
import type { ConversationEvent } from '../../src/protocol/conversation.ts';
import { fileDigest, RootDigest } from '../../src/protocol/digest.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import type { ReceiverEvent, ReceiverSession } from '../../src/protocol/receiverSession.ts';
import type { SenderEvent, SenderSession } from '../../src/protocol/senderSession.ts';
import type { SessionPair } from './sessionPair.ts';

/** What is offered: entries in pages, and the bytes of each file. */
export interface Offer {
  readonly pages: readonly (readonly Entry[])[];
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Both scripts know by its name what is to happen to a file. */
function isFor(entry: Entry | undefined, fate: string): boolean {
  return entry?.path.includes(fate) === true;
}

const digests = new Map<Uint8Array, Map<number, Uint8Array>>();

/** The digest of a chunk of `content`; kept, since each byte of a session is flipped over the same contents. */
function digestAt(content: Uint8Array, offset: number, length: number): Uint8Array {
  const known = digests.get(content) ?? new Map<number, Uint8Array>();
  digests.set(content, known);
  const digest = known.get(offset) ?? nodeHashing.sha256(content.subarray(offset, offset + length));
  known.set(offset, digest);
  return digest;
}

class Ledger {
  readonly entries: Entry[][] = [];
  readonly decisions: Decision[][] = [];
  readonly layouts: PageLayout[] = [];
  /** Chunk digests by `page:position`. */
  readonly #chunkDigests = new Map<string, Uint8Array[]>();
  readonly failed = new Set<string>();

  get endChunk(): number {
    return this.layouts.at(-1)?.endChunk ?? 0;
  }

  decide(page: number, decisions: readonly Decision[]): void {
    this.decisions.push([...decisions]);
    this.layouts.push(PageLayout.of(this.entries[page] ?? [], decisions, this.endChunk));
  }

  pageOf(index: number): number {
    return this.layouts.findIndex((layout) => index < layout.endChunk);
  }

  record(page: number, position: number, ordinal: number, digest: Uint8Array): void {
    const known = this.#chunkDigests.get(`${page}:${position}`) ?? [];
    known[ordinal] = digest;
    this.#chunkDigests.set(`${page}:${position}`, known);
  }

  get root(): string {
    const root = new RootDigest(nodeHashing);
    for (const [page, entries] of this.entries.entries()) {
      for (const [position, entry] of entries.entries()) {
        if (this.decisions[page]?.[position] !== 'take' || this.failed.has(`${page}:${position}`)) continue;
        const chunks = this.#chunkDigests.get(`${page}:${position}`) ?? [];
        root.add(entry, entry.kind === 'file' ? fileDigest(nodeHashing, concatBytes(chunks)) : undefined);
      }
    }
    return toHex(root.finish());
  }
}

class SenderScript {
  readonly #session: SenderSession;
  readonly #offer: Offer;
  readonly #take: (events: Iterable<ConversationEvent>) => void;
  readonly #ledger = new Ledger();

  constructor(pair: SessionPair, offer: Offer) {
    this.#session = pair.sender;
    this.#offer = offer;
    this.#take = (events) => pair.ends.sender.take(events);
  }

  react(event: SenderEvent): void {
    if (event.type === 'introduced') this.#take(this.#session.conversation.admit());
    else if (event.type === 'opened') this.#list();
    else if (event.type === 'answered') {
      this.#ledger.decide(event.page, event.decisions);
      this.#session.serveUpTo(this.#ledger.endChunk);
    } else if (event.type === 'wanted') this.#serve(event.index, event.have);
    else if (event.type === 'failures') {
      for (const [page, position] of event.failures) this.#ledger.failed.add(`${page}:${position}`);
    } else if (event.type === 'receipt') {
      const isRight = event.receipt.root === this.#ledger.root;
      this.#take(this.#session.conversation.close({ code: isRight ? 'done' : 'protocol-error' }));
    }
  }

  #list(): void {
    this.#session.offer('00112233445566778899aabbccddeeff', 'A sample');
    for (const page of this.#offer.pages) {
      this.#ledger.entries.push([...page]);
      this.#session.sendPage(page);
    }
    this.#session.endOffer(1);
  }

  #serve(index: number, have: readonly (Uint8Array | undefined)[]): void {
    const page = this.#ledger.pageOf(index);
    const chunk = this.#ledger.layouts[page]?.chunkAt(index);
    if (chunk?.kind === 'range') this.#serveRange(page, chunk, have[0]);
    else if (chunk?.kind === 'pack') this.#servePack(page, index, chunk.entries, have);
  }

  #serveRange(
    page: number,
    { index, entry, offset, length, ordinal }: RangeChunk,
    held: Uint8Array | undefined,
  ): void {
    if (isFor(this.#ledger.entries[page]?.[entry], 'unreadable')) {
      this.#ledger.failed.add(`${page}:${entry}`);
      this.#session.sendFailed(index, 'source-unreadable');
      return;
    }
    const content = this.#contentOf(page, entry);
    const digest = digestAt(content, offset, length);
    this.#ledger.record(page, entry, ordinal, digest);
    if (held !== undefined && equalBytes(held, digest)) this.#session.sendSame(index);
    else {
      const body = content.subarray(offset, offset + length);
      this.#session.sendChunk(index, { digest, rawLength: length, codec: 'stored', statuses: [], body });
    }
  }

  #servePack(
    page: number,
    index: number,
    positions: readonly number[],
    have: readonly (Uint8Array | undefined)[],
  ): void {
    const bodies: Uint8Array[] = [];
    const sent: Uint8Array[] = [];
    const statuses = positions.map((position, at): PackStatus => {
      if (isFor(this.#ledger.entries[page]?.[position], 'vanished')) {
        this.#ledger.failed.add(`${page}:${position}`);
        return 'source-vanished';
      }
      const content = this.#contentOf(page, position);
      const digest = digestAt(content, 0, content.length);
      this.#ledger.record(page, position, 0, digest);
      const held = have[at];
      if (held !== undefined && equalBytes(held, digest)) return 'same';
      bodies.push(content);
      sent.push(digest);
      return 'bytes';
    });
    const body = concatBytes(bodies);
    const digest = nodeHashing.sha256(concatBytes(sent));
    this.#session.sendChunk(index, { digest, rawLength: body.length, codec: 'stored', statuses, body });
  }

  #contentOf(page: number, position: number): Uint8Array {
    return this.#offer.contents.get(this.#ledger.entries[page]?.[position]?.path ?? '') ?? new Uint8Array(0);
  }
}

class ReceiverScript {
  /** The files that arrived whole, by path. */
  readonly arrived = new Map<string, Uint8Array>();
  readonly #session: ReceiverSession;
  readonly #offer: Offer;
  readonly #take: (events: Iterable<ConversationEvent>) => void;
  readonly #ledger = new Ledger();
  readonly #queue: { readonly chunk: Chunk; readonly have: readonly (Uint8Array | undefined)[] }[] = [];
  #isListed = false;
  #bytes = 0;

  constructor(pair: SessionPair, offer: Offer) {
    this.#session = pair.receiver;
    this.#offer = offer;
    this.#take = (events) => pair.ends.receiver.take(events);
  }

  react(event: ReceiverEvent): void {
    if (event.type === 'introduced') this.#take(this.#session.conversation.admit());
    else if (event.type === 'page') this.#answer(event.page, event.entries);
    else if (event.type === 'chunk') this.#store(event);
    else if (event.type === 'chunk-same') this.#keep(event.chunk);
    else if (event.type === 'chunk-failed') this.#fail(event.chunk);
    else if (event.type === 'offer-ended') this.#isListed = true;
    if (this.#session.conversation.state === 'open') this.#goOn();
  }

  #answer(page: number, entries: readonly Entry[]): void {
    this.#ledger.entries.push([...entries]);
    const decisions = entries.map((entry): Decision => {
      if (isFor(entry, 'skipped')) return 'skip';
      if (isFor(entry, 'refused')) return 'refuse';
      return isFor(entry, 'kept') ? 'same' : 'take';
    });
    this.#session.answer(page, decisions);
    this.#ledger.decide(page, decisions);
    const layout = this.#ledger.layouts[page];
    for (
      let index = layout?.firstChunk ?? 0;
      index < (layout?.endChunk ?? 0) && this.#queue.length < 100;
      index += 1
    ) {
      const chunk = layout?.chunkAt(index);
      if (chunk !== undefined) this.#queue.push({ chunk, have: this.#haveOf(page, chunk) });
    }
  }

  #haveOf(page: number, chunk: Chunk): readonly (Uint8Array | undefined)[] {
    const heldAt = (position: number, offset: number, length: number): Uint8Array | undefined => {
      const entry = this.#ledger.entries[page]?.[position];
      const content = this.#offer.contents.get(entry?.path ?? '');
      return isFor(entry, 'held') && content !== undefined ? digestAt(content, offset, length) : undefined;
    };
    if (chunk.kind === 'range') return [heldAt(chunk.entry, chunk.offset, chunk.length)];
    return chunk.entries.map((position, at) => heldAt(position, 0, chunk.sizes[at] ?? 0));
  }

  #store({ chunk, reply }: Extract<ReceiverEvent, { type: 'chunk' }>): void {
    const page = this.#ledger.pageOf(chunk.index);
    if (chunk.kind === 'range') {
      const isRight = equalBytes(nodeHashing.sha256(reply.body), reply.digest);
      if (!isRight) return this.#take(this.#session.conversation.close({ code: 'protocol-error' }));
      return this.#record(page, chunk.entry, chunk.ordinal, reply.digest, reply.body);
    }
    const sent: Uint8Array[] = [];
    let offset = 0;
    const found = chunk.entries.map((position, at) => {
      if (reply.statuses[at] === 'same') return { position, content: this.#heldContent(page, position) };
      if (reply.statuses[at] !== 'bytes') return { position, content: undefined };
      const content = reply.body.subarray(offset, offset + (chunk.sizes[at] ?? 0));
      offset += content.length;
      sent.push(nodeHashing.sha256(content));
      return { position, content };
    });
    const isRight = equalBytes(nodeHashing.sha256(concatBytes(sent)), reply.digest);
    if (!isRight) return this.#take(this.#session.conversation.close({ code: 'protocol-error' }));
    for (const { position, content } of found) {
      if (content === undefined) this.#ledger.failed.add(`${page}:${position}`);
      else this.#record(page, position, 0, nodeHashing.sha256(content), content);
    }
    return undefined;
  }

  #keep(chunk: Chunk): void {
    const page = this.#ledger.pageOf(chunk.index);
    if (chunk.kind === 'pack') return;
    const content = this.#heldContent(page, chunk.entry);
    const digest = digestAt(content, chunk.offset, chunk.length);
    const bytes = content.subarray(chunk.offset, chunk.offset + chunk.length);
    this.#record(page, chunk.entry, chunk.ordinal, digest, bytes);
  }

  #fail(chunk: Chunk): void {
    if (chunk.kind === 'range') this.#ledger.failed.add(`${this.#ledger.pageOf(chunk.index)}:${chunk.entry}`);
  }

  #record(page: number, position: number, ordinal: number, digest: Uint8Array, content: Uint8Array): void {
    const path = this.#ledger.entries[page]?.[position]?.path ?? '';
    this.#ledger.record(page, position, ordinal, digest);
    this.#bytes += content.length;
    this.arrived.set(path, concatBytes([this.arrived.get(path) ?? new Uint8Array(0), content]));
  }

  #heldContent(page: number, position: number): Uint8Array {
    return this.#offer.contents.get(this.#ledger.entries[page]?.[position]?.path ?? '') ?? new Uint8Array(0);
  }

  #goOn(): void {
    while (this.#session.openWantCount < limits.openWants) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#session.want(next.chunk, next.have);
    }
    if (this.#isListed && this.#session.openWantCount === 0) this.#finish();
  }

  #finish(): void {
    this.#isListed = false;
    const entries = this.#ledger.entries.flatMap((page, at) =>
      page.map((entry, position) => ({
        entry,
        page: at,
        position,
        decision: this.#ledger.decisions[at]?.[position],
      })),
    );
    this.#session.confirm(this.#bytes, entries.length);
    const stuck = entries.filter(({ entry, decision }) => decision === 'take' && isFor(entry, 'stuck'));
    for (const { entry, page, position } of stuck) {
      this.#ledger.failed.add(`${page}:${position}`);
      this.arrived.delete(entry.path);
    }
    if (stuck.length > 0) {
      this.#session.reportFailures(stuck.map(({ page, position }) => [page, position, 'disk-error']));
    }
    const count = (...wanted: readonly Decision[]): number =>
      entries.filter(({ decision }) => decision !== undefined && wanted.includes(decision)).length;
    const failed = this.#ledger.failed.size;
    this.#session.sendReceipt({
      root: this.#ledger.root,
      published: count('take') - failed,
      same: count('same'),
      skipped: count('skip', 'refuse'),
      failed,
      bytes: this.#bytes,
    });
  }
}

/** Puts both scripts to the ends of `pair`; the transfer runs with the next exchange. */
export function playTransfer(
  pair: SessionPair,
  offer: Offer,
): { readonly arrived: ReadonlyMap<string, Uint8Array> } {
  const sender = new SenderScript(pair, offer);
  const receiver = new ReceiverScript(pair, offer);
  pair.ends.sender.react = (event) => sender.react(event);
  pair.ends.receiver.react = (event) => receiver.react(event);
  return receiver;
}
