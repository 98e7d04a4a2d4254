/**
 * Sessions in each of their states, and one frame of each type that is sound in itself, so that it is
 * refused for the state and for nothing else.
 */
import assert from 'node:assert/strict';
import { concatBytes, toHex } from '../../src/base/bytes.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { PageLayout } from '../../src/protocol/chunkLayout.ts';
import type { Chunk } from '../../src/protocol/chunkLayout.ts';
import { encodeReplyHead } from '../../src/protocol/chunkReply.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import { file, frame } from './samples.ts';
import { helloOf, SessionPair } from './sessionPair.ts';
import type { Role } from './sessionPair.ts';

const BIG = 256 * 1024;
export const TRANSFER = '00112233445566778899aabbccddeeff';

/** A page with a range, chunk 0, and a pack of two files, chunk 1. */
export const PAGE: readonly Entry[] = [file('a', BIG), file('b', 5), file('c', 6)];
export const LAYOUT = PageLayout.of(PAGE, ['take', 'take', 'take'], 0);
export const RANGE: Chunk = LAYOUT.chunkAt(0);
export const PACK: Chunk = LAYOUT.chunkAt(1);

const BODY = new Uint8Array(BIG).fill(3);
export const DIGEST = nodeHashing.sha256(BODY);
export const TOTALS = { pages: 1, entries: 3, files: 3, bytes: BIG + 11, leftOut: 0 };
export const RECEIPT = { root: toHex(DIGEST), published: 3, same: 0, skipped: 0, failed: 0, bytes: BIG + 11 };
export const RANGE_REPLY = {
  digest: DIGEST,
  rawLength: BIG,
  codec: 'stored',
  statuses: [],
  body: BODY,
} as const;
export const PAGE_MESSAGE = {
  entries: PAGE.map((entry) => (entry.kind === 'file' ? ['f', entry.path, entry.size, 0, false] : [])),
};

/** One sound frame of each type; `index` is that of the next page. */
export function soundFrame(name: FrameName, to: Role, page = 0): Uint8Array {
  const payloads: { readonly [Name in FrameName]?: unknown } = {
    hello: helloOf(to === 'sender' ? 'receiver' : 'sender'),
    offer: { transfer: TRANSFER, label: 'x' },
    page: { entries: [['f', 'd', 7, 0, false]] },
    offerEnd: TOTALS,
    answer: { decisions: [['take', 3]] },
    data: concatBytes([encodeReplyHead(RANGE_REPLY), BODY]),
    failed: { reason: 'source-changed' },
    progress: { bytes: 0, entries: 0 },
    outcome: { failures: [[0, 0, 'disk-error']] },
    receipt: RECEIPT,
    close: { code: 'cancelled' },
  };
  return frame(name, payloads[name], name === 'page' ? page : 0);
}

export const RECEIVER_STATES = [
  'greeting',
  'admitting',
  'waiting',
  'listing',
  'pulling',
  'listed',
  'receipted',
  'closed',
] as const;
export type ReceiverState = (typeof RECEIVER_STATES)[number];

/** A pair whose receiver is in `state`. */
export function receiverIn(state: ReceiverState): SessionPair {
  const pair = new SessionPair({ dialler: 'sender', admits: state !== 'admitting' });
  const { receiver } = pair;
  const reached = (...states: readonly ReceiverState[]): boolean => states.includes(state);
  const say = (name: FrameName, payload: unknown, index = 0): void =>
    pair.feed('receiver', frame(name, payload, index));
  if (!reached('greeting')) say('hello', helloOf('sender'));
  if (reached('listing', 'pulling', 'listed', 'receipted')) {
    say('offer', { transfer: TRANSFER, label: 'x' });
    say('page', PAGE_MESSAGE, 0);
  }
  if (reached('pulling')) {
    receiver.answer(0, ['take', 'take', 'take']);
    receiver.want(RANGE, [DIGEST]);
    receiver.want(PACK, [undefined, DIGEST]);
  }
  if (reached('listed', 'receipted')) say('offerEnd', TOTALS);
  if (reached('receipted')) {
    receiver.answer(0, ['skip', 'skip', 'skip']);
    receiver.sendReceipt({ ...RECEIPT, published: 0, skipped: 3, bytes: 0 });
  }
  if (reached('closed')) say('close', { code: 'cancelled' });
  assert.deepEqual(pair.ends.receiver.endings, reached('closed') ? ['remote cancelled'] : []);
  pair.ends.receiver.speak();
  return pair;
}

export const SENDER_STATES = [
  'greeting',
  'admitting',
  'idle',
  'offering',
  'serving',
  'wanted',
  'offered',
  'received',
  'closed',
] as const;
export type SenderState = (typeof SENDER_STATES)[number];

/** A pair whose sender is in `state`. */
export function senderIn(state: SenderState): SessionPair {
  const pair = new SessionPair({ dialler: 'receiver', admits: state !== 'admitting' });
  const { sender } = pair;
  const reached = (...states: readonly SenderState[]): boolean => states.includes(state);
  const say = (name: FrameName, payload?: unknown, index = 0): void =>
    pair.feed('sender', frame(name, payload, index));
  if (!reached('greeting')) say('hello', helloOf('receiver'));
  if (reached('offering', 'serving', 'wanted', 'offered', 'received')) {
    sender.offer(TRANSFER, 'x');
    sender.sendPage(PAGE);
  }
  if (reached('serving', 'wanted', 'offered', 'received')) {
    say('answer', { decisions: [['take', 3]] }, 0);
    sender.serveUpTo(LAYOUT.endChunk);
  }
  if (reached('wanted', 'offered', 'received')) sender.endOffer(0);
  if (reached('wanted')) say('want', undefined, 0);
  if (reached('received')) say('receipt', RECEIPT);
  if (reached('closed')) say('close', { code: 'cancelled' });
  assert.deepEqual(pair.ends.sender.endings, reached('closed') ? ['remote cancelled'] : []);
  pair.ends.sender.speak();
  return pair;
}
