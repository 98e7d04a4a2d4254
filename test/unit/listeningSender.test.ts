/** A session in which the listener sends: everything after the greeting is as in any other. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ReceiverSession } from '../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import { encodeHeader, FrameType } from '../../src/protocol/frame.ts';
import { encodeMessage } from '../../src/protocol/messages.ts';
import { IncomingTransfer } from '../../src/transfer/incomingTransfer.ts';
import { dismiss, hearHello } from '../../src/transfer/introduction.ts';
import { OutgoingTransfer } from '../../src/transfer/outgoingTransfer.ts';
import { MemoryLink } from '../support/memoryChannel.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { MemoryDestination } from '../support/memoryDestination.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from '../support/memoryPorts.ts';
import { MemorySource } from '../support/memorySource.ts';
import { helloOf, TRANSFER_ID } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const TREE = treeOf({ notes: null, 'notes/a.txt': 13, 'notes/big.bin': 700_000 });

/** The dialler receives; what it says first is what the listener hears before anything else is decided. */
function dialler(link: MemoryLink, clock: MemoryClock, destination: MemoryDestination) {
  const opened: string[] = [];
  const transfer = new IncomingTransfer({
    clock,
    hashing: memoryHashing,
    session: new ReceiverSession({
      isDialler: true,
      hello: { ...helloOf('receiver'), transfer: TRANSFER_ID },
      now: 0,
    }),
    channel: link.receiver,
    compression: new MemoryCompression(),
    judge: () => 'internal',
    openPages: () => new MemoryPageStore(),
    consent: () => Promise.resolve(destination),
    keepsInterrupted: false,
    observer: { opened: (name) => opened.push(name) },
  });
  return { transfer, opened };
}

function listener(): SenderSession {
  return new SenderSession({ isDialler: false, hello: helloOf('sender'), now: 0 });
}

test('whoever has dialled is heard, let in, and receives', async () => {
  const clock = new MemoryClock();
  const link = new MemoryLink(clock, { pieceBytes: () => 5 }, { pieceBytes: () => 7 });
  const destination = new MemoryDestination({ expected: TREE });
  const { transfer: incoming, opened } = dialler(link, clock, destination);
  const received = incoming.run();
  const session = listener();
  const heard = await hearHello(session.conversation, link.sender, clock);
  assert.equal(heard?.hello.transfer, TRANSFER_ID);
  assert.deepEqual(opened, [], 'nothing is said before it is let in');
  const outgoing = new OutgoingTransfer({
    clock,
    hashing: memoryHashing,
    session,
    channel: heard.channel,
    compression: new MemoryCompression(),
    source: new MemorySource(TREE),
    pages: new MemoryPageStore(),
    transfer: TRANSFER_ID,
    label: 'things',
  });
  const sent = outgoing.run();
  await quiet();
  await clock.advance(10_000);
  const [there, here] = await Promise.all([sent, received]);
  assert.deepEqual(opened, ['the sender']);
  assert.ok(there.receipt && here.receipt, JSON.stringify([there.end, here.end]));
  assert.equal(there.receipt.root, here.receipt.root);
  assert.deepEqual(destination.misuse, []);
});

suite('nothing comes of a hello', () => {
  const frame = (name: 'hello' | 'close' | 'offer', message: object): Uint8Array[] => {
    // What is said is not always what may be said.
    const payload = encodeMessage('close', message as { code: 'cancelled' });
    return [encodeHeader({ type: FrameType[name], length: payload.length, index: 0 }), payload];
  };
  const hello = frame('hello', helloOf('receiver'));
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['of another sender', frame('hello', helloOf('sender'))],
    ['that is followed by an offer', [...hello, ...frame('offer', { transfer: TRANSFER_ID, label: '' })]],
    ['that is followed by its end', [...hello, ...frame('close', { code: 'cancelled' })]],
    ['that is none', [new Uint8Array(16).fill(255)]],
    ['that does not come', []],
  ];
  for (const [what, said] of cases) {
    test(what, async () => {
      const clock = new MemoryClock();
      const link = new MemoryLink(clock);
      const session = listener();
      const hearing = hearHello(session.conversation, link.sender, clock);
      await link.receiver.send([Buffer.concat(said)]);
      void link.receiver.close();
      await quiet();
      await clock.advance(10_000);
      assert.equal(await hearing, undefined);
    });
  }
});

test('who is turned away hears why, and nothing else', async () => {
  const clock = new MemoryClock();
  const link = new MemoryLink(clock);
  const { transfer, opened } = dialler(link, clock, new MemoryDestination({ expected: TREE }));
  const received = transfer.run();
  const session = listener();
  const heard = await hearHello(session.conversation, link.sender, clock);
  assert.ok(heard);
  void dismiss(session.conversation, heard.channel, 'invite-refused');
  await quiet();
  await clock.advance(10_000);
  assert.deepEqual((await received).end, { origin: 'remote', close: { code: 'invite-refused' } });
  assert.deepEqual(opened, []);
});
