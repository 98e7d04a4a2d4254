import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeReplyHead } from '../../src/protocol/chunkReply.ts';
import { FrameType } from '../../src/protocol/frame.ts';
import type { FrameName } from '../../src/protocol/frame.ts';
import { frame } from '../support/samples.ts';
import type { SessionPair, Role } from '../support/sessionPair.ts';
import {
  DIGEST,
  LAYOUT,
  PACK,
  PAGE,
  RANGE,
  RANGE_REPLY,
  RECEIPT,
  RECEIVER_STATES,
  receiverIn,
  SENDER_STATES,
  senderIn,
  soundFrame,
  TRANSFER,
} from '../support/sessionStates.ts';
import type { ReceiverState, SenderState } from '../support/sessionStates.ts';

const frameNames = Object.keys(FrameType) as FrameName[];

/** What a receiver understands, besides what comes at any time once it is open. */
const RECEIVER_TAKES: Readonly<Record<ReceiverState, readonly FrameName[]>> = {
  greeting: ['hello', 'close'],
  admitting: ['close'],
  waiting: ['offer', 'close', 'alive'],
  listing: ['page', 'offerEnd', 'close', 'alive'],
  pulling: ['page', 'offerEnd', 'data', 'same', 'failed', 'close', 'alive'],
  listed: ['close', 'alive'],
  receipted: ['close', 'alive'],
  closed: [],
};

const SENDER_TAKES: Readonly<Record<SenderState, readonly FrameName[]>> = {
  greeting: ['hello', 'close'],
  admitting: ['close'],
  idle: ['close', 'alive'],
  offering: ['answer', 'progress', 'outcome', 'close', 'alive'],
  serving: ['want', 'progress', 'outcome', 'close', 'alive'],
  wanted: ['progress', 'outcome', 'close', 'alive'],
  offered: ['want', 'progress', 'outcome', 'receipt', 'close', 'alive'],
  received: ['close', 'alive'],
  closed: [],
};

/** Feeds one frame of each type to an end in `state`: it takes what it may, and ends at the rest. */
function check(role: Role, state: string, takes: readonly FrameName[], build: () => SessionPair): void {
  test(`case 12, a ${role} that is ${state} takes ${takes.join(', ') || 'nothing'}, and no other frame`, () => {
    for (const name of frameNames) {
      const pair = build();
      const end = pair.ends[role];
      const before = end.events.length;
      pair.feed(role, soundFrame(name, role, state === 'waiting' ? 0 : 1));
      const told = end.types.slice(before);
      const endings = end.endings.slice(state === 'closed' ? 1 : 0);
      if (state === 'closed') assert.deepEqual([told, end.speak().length], [[], 0], name);
      else if (name === 'close') assert.deepEqual(endings, ['remote cancelled']);
      else if (takes.includes(name)) {
        assert.deepEqual(endings, [], `${name} is refused`);
        assert.equal(told.length > 0, name !== 'alive', `${name} tells ${told.join()}`);
      } else {
        assert.deepEqual([told, endings], [['closed'], ['local protocol-error']], `${name} is taken`);
        assert.ok(end.speak().length > 0, 'says why it ends');
      }
    }
  });
}

for (const state of RECEIVER_STATES) check('receiver', state, RECEIVER_TAKES[state], () => receiverIn(state));
for (const state of SENDER_STATES) check('sender', state, SENDER_TAKES[state], () => senderIn(state));

/** Local commands by the states in which they are right; anywhere else they are a mistake of ours. */
function checkCommand<State extends string>(
  role: Role,
  what: string,
  states: readonly State[],
  legal: readonly State[],
  build: (state: State) => SessionPair,
  command: (pair: SessionPair) => void,
): void {
  test(`${what} is right while ${legal.join(', ') || 'never'}`, () => {
    for (const state of states) {
      const pair = build(state);
      const run = (): void => command(pair);
      if (legal.includes(state)) {
        assert.doesNotThrow(run, state);
        continue;
      }
      const isOpen = !['greeting', 'admitting', 'closed'].includes(state);
      // Against a session that is not open there may be a race; against its own state only a bug.
      assert.throws(
        run,
        isOpen ? { name: 'LocalProtocolError', code: 'internal' } : { code: 'connection-lost' },
        state,
      );
      assert.equal(pair.ends[role].speak().length, 0, `${state}: says it all the same`);
    }
  });
}

function checkReceiver(
  what: string,
  legal: readonly ReceiverState[],
  command: (pair: SessionPair) => void,
): void {
  checkCommand('receiver', what, RECEIVER_STATES, legal, receiverIn, command);
}

function checkSender(
  what: string,
  legal: readonly SenderState[],
  command: (pair: SessionPair) => void,
): void {
  checkCommand('sender', what, SENDER_STATES, legal, senderIn, command);
}

checkReceiver('answering the first page', ['listing', 'listed'], ({ receiver }) =>
  receiver.answer(0, ['take', 'skip', 'same']),
);
checkReceiver('answering another page', [], ({ receiver }) => receiver.answer(1, ['take', 'take', 'take']));
checkReceiver('answering too few entries', [], ({ receiver }) => receiver.answer(0, ['take', 'take']));
checkReceiver('wanting what is wanted', ['waiting', 'listing', 'listed'], ({ receiver }) =>
  receiver.want(RANGE),
);
checkReceiver('confirming', ['listing', 'pulling', 'listed'], ({ receiver }) => receiver.confirm(1, 1));
checkReceiver('reporting failures', ['listing', 'pulling', 'listed'], ({ receiver }) =>
  receiver.reportFailures([[0, 0, 'disk-error']]),
);
checkReceiver('the receipt', [], ({ receiver }) => receiver.sendReceipt(RECEIPT));

checkSender('offering', ['idle'], ({ sender }) => sender.offer(TRANSFER, 'x'));
checkSender('sending a page', ['offering', 'serving'], ({ sender }) => void sender.sendPage(PAGE));
checkSender('sending an empty page', [], ({ sender }) => void sender.sendPage([]));
checkSender(
  'sending a page of 4,097 entries',
  [],
  ({ sender }) => void sender.sendPage(Array.from({ length: 4097 }, () => RANGE_ENTRY)),
);
checkSender('ending the offer', ['offering', 'serving'], ({ sender }) => sender.endOffer(0));
checkSender('sending a chunk', ['wanted'], ({ sender }) => sender.sendChunk(0, RANGE_REPLY));
checkSender('sending another chunk than the one wanted', [], ({ sender }) =>
  sender.sendChunk(1, RANGE_REPLY),
);
checkSender('saying that a chunk is the same', ['wanted'], ({ sender }) => sender.sendSame(0));
checkSender('saying that a chunk failed', ['wanted'], ({ sender }) => sender.sendFailed(0, 'source-changed'));

const [RANGE_ENTRY] = PAGE as [(typeof PAGE)[number]];

test('the receipt follows the last answer and the last reply', () => {
  const pair = receiverIn('pulling');
  const isEarly = { name: 'LocalProtocolError' };
  pair.feed('receiver', soundFrame('offerEnd', 'receiver'));
  assert.throws(() => pair.receiver.sendReceipt(RECEIPT), isEarly);
  pair.feed('receiver', soundFrame('same', 'receiver'));
  assert.throws(() => pair.receiver.sendReceipt(RECEIPT), isEarly);
  pair.receiver.want(RANGE);
  const statuses = ['source-vanished', 'source-vanished'] as const;
  pair.feed('receiver', frame('data', encodeReplyHead({ ...RANGE_REPLY, rawLength: 0, statuses }), 1));
  pair.feed('receiver', soundFrame('failed', 'receiver'));
  pair.receiver.sendReceipt(RECEIPT);
  assert.deepEqual(pair.ends.receiver.types.slice(-3), ['chunk-same', 'chunk', 'chunk-failed']);
});

test('a want is replied to once, and may come again after that', () => {
  const pair = senderIn('wanted');
  pair.sender.sendSame(0);
  assert.throws(() => pair.sender.sendSame(0), { name: 'LocalProtocolError' });
  pair.feed('sender', soundFrame('want', 'sender'));
  pair.sender.sendChunk(0, RANGE_REPLY);
  assert.throws(() => pair.sender.sendFailed(0, 'source-changed'), { name: 'LocalProtocolError' });
});

test('a receiver never wants more than the limit at once', () => {
  const { receiver } = receiverIn('listing');
  for (let index = 0; index < 64; index += 1) receiver.want({ ...RANGE, index });
  assert.equal(receiver.openWantCount, 64);
  assert.throws(() => receiver.want({ ...RANGE, index: 64 }), { name: 'LocalProtocolError' });
});

test('a want tells its digests only if it has any', () => {
  const said = (have: readonly (Uint8Array | undefined)[]): Uint8Array => {
    const pair = receiverIn('listing');
    pair.receiver.want(PACK, have);
    return pair.ends.receiver.speak();
  };
  const digest = Buffer.from(DIGEST).toString('hex');
  assert.deepEqual(said([]), frame('want', undefined, 1));
  assert.deepEqual(said([undefined, undefined]), frame('want', undefined, 1));
  assert.deepEqual(said([undefined, DIGEST]), frame('want', { have: [null, digest] }, 1));
  assert.equal(LAYOUT.endChunk, 2);
});
