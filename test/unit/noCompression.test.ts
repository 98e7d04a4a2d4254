import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CourierError } from '../../src/base/failure.ts';
import { greeting } from '../../src/engine/greeting.ts';
import { noCompression } from '../../src/node/codec/noCompression.ts';
import { ReceiverSession } from '../../src/protocol/receiverSession.ts';
import { SenderSession } from '../../src/protocol/senderSession.ts';
import { IncomingTransfer } from '../../src/transfer/incomingTransfer.ts';
import { OutgoingTransfer } from '../../src/transfer/outgoingTransfer.ts';
import type { Compression } from '../../src/transfer/ports.ts';
import { MemoryLink } from '../support/memoryChannel.ts';
import { MemoryClock, quiet } from '../support/memoryClock.ts';
import { MemoryDestination } from '../support/memoryDestination.ts';
import { MemoryCompression, MemoryPageStore, memoryHashing } from '../support/memoryPorts.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { MemorySource } from '../support/memorySource.ts';
import { TRANSFER_ID } from '../support/memoryTransfer.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const random = new MemoryRandom(11);
/** It would shrink to next to nothing. */
const tree: MemoryTree = new Map([
  ['big', { kind: 'file', bytes: random.bytes(1_500_000, false) }],
  ['small', { kind: 'file', bytes: random.bytes(20_000, false) }],
]);

/** Sends {@link tree} and says how many bytes that took. */
async function transfer(sender: Compression, receiver: Compression): Promise<number> {
  const clock = new MemoryClock();
  const link = new MemoryLink(clock);
  const destination = new MemoryDestination({ expected: tree });
  const shared = { clock, hashing: memoryHashing };
  const outgoing = new OutgoingTransfer({
    ...shared,
    session: new SenderSession({
      isDialler: true,
      hello: greeting('sender', 'the sender', sender),
      now: 0,
    }),
    channel: link.sender,
    compression: sender,
    source: new MemorySource(tree),
    pages: new MemoryPageStore(),
    transfer: TRANSFER_ID,
    label: 'things',
  });
  const incoming = new IncomingTransfer({
    ...shared,
    session: new ReceiverSession({
      isDialler: false,
      hello: greeting('receiver', 'the receiver', receiver),
      now: 0,
    }),
    channel: link.receiver,
    compression: receiver,
    judge: () => undefined,
    openPages: () => new MemoryPageStore(),
    consent: () => Promise.resolve(destination),
    keepsInterrupted: false,
  });
  const reports = Promise.all([outgoing.run(), incoming.run()]);
  // All that can happen has, before the clock is turned for who waits at the end.
  await quiet();
  await clock.advance(10_000);
  const [sent, received] = await reports;
  assert.deepEqual([sent.end.close.code, received.end.close.code], ['done', 'done']);
  assert.equal(sent.receipt?.counts.published, tree.size);
  for (const [path, node] of tree) {
    assert.ok(
      node.kind === 'file' && Buffer.from(node.bytes).equals(destination.published.get(path) ?? Buffer.of()),
    );
  }
  return link.toReceiver.sentBytes;
}

test('what compresses is compressed, if nobody has switched that off', async () => {
  const both = [new MemoryCompression(), new MemoryCompression()] as const;
  assert.ok((await transfer(...both)) < 200_000);
  assert.deepEqual([both[0].calls.compress > 1, both[1].calls.decompress > 1], [true, true]);
});

for (const [name, sender, receiver] of [
  ['the sender', noCompression, new MemoryCompression()],
  ['the receiver', new MemoryCompression(), noCompression],
  ['both', noCompression, noCompression],
] as const) {
  test(`all arrives as it is when ${name} switched compression off`, async () => {
    assert.ok((await transfer(sender, receiver)) > 1_520_000);
    const untouched = { measure: 0, compress: 0, decompress: 0 };
    for (const side of [sender, receiver]) {
      assert.deepEqual(side instanceof MemoryCompression ? side.calls : untouched, untouched);
    }
  });
}

test('it has no codec, and decodes for nobody', async () => {
  assert.deepEqual(noCompression.codecs, []);
  const isRefusal = (error: unknown): boolean => CourierError.is(error, 'protocol-error');
  await assert.rejects(noCompression.decompress('gzip', new Uint8Array(3), 3), isRefusal);
  await assert.rejects(noCompression.compress('gzip', new Uint8Array(3), 0), isRefusal);
});
