import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { REPLY_HEAD_BYTES } from '../../src/protocol/chunkReply.ts';
import { MemoryRandom } from '../support/memoryRandom.ts';
import {
  assertArrived,
  assertFailed,
  countFrames,
  framesIn,
  joinTransfers,
} from '../support/memoryTransfer.ts';
import type { JoinOptions, SentFrame } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';
import type { MemoryTree } from '../support/memoryTree.ts';

const KIB = 1024;
const random = new MemoryRandom(5);

/** Four ranges and a pack; noise travels as it is, text compressed. */
const noise = treeOf({ big: 1000 * KIB, small: 9000, tiny: 3 });
const prose: MemoryTree = new Map([
  ['big', { kind: 'file', bytes: random.bytes(1000 * KIB, false) }],
  ['small', { kind: 'file', bytes: random.bytes(9000, false) }],
  ['tiny', { kind: 'file', bytes: random.bytes(3) }],
]);

async function run(
  tree: MemoryTree,
  options: JoinOptions,
  lies: readonly number[] = [],
  refusals: readonly number[] = [],
) {
  const joined = joinTransfers(tree, options);
  joined.compression.receiver.lies = new Set(lies);
  joined.compression.receiver.refusals = new Set(refusals);
  return { joined, reports: await joined.run() };
}

/** It arrives all the same; so many chunks were asked for again. */
async function checkRepaired(
  tree: MemoryTree,
  options: JoinOptions,
  again: number,
  lies?: number[],
  refusals?: number[],
) {
  const { joined, reports } = await run(tree, options, lies, refusals);
  assertArrived(tree, joined, reports);
  assert.equal(countFrames(joined.link.toSender, 'want'), 5 + again);
  return joined;
}

async function checkGivenUp(tree: MemoryTree, options: JoinOptions, lies?: number[]): Promise<void> {
  const { joined, reports } = await run(tree, options, lies);
  assertFailed(joined, reports, 'protocol-error');
}

/** The replies with data that a transfer of `noise` sends. */
async function replies(options: JoinOptions = {}): Promise<SentFrame[]> {
  const { joined } = await run(noise, options);
  return framesIn(joined.link.toReceiver).filter(({ name }) => name === 'data');
}

suite('a damaged chunk is asked for once more', () => {
  for (const call of [1, 3, 5]) {
    test(`a codec that lies, in its call ${call}`, async () => {
      await checkRepaired(prose, {}, 1, [call]);
    });
    test(`a codec that refuses, in its call ${call}`, async () => {
      await checkRepaired(prose, {}, 1, [], [call]);
    });
  }

  test('every chunk, once', async () => {
    await checkRepaired(prose, {}, 5, [1, 2, 3, 4, 5]);
  });

  test('a bit of a body or of a digest, in each reply', async () => {
    for (const [at, { offset, payload }] of (await replies()).entries()) {
      for (const place of [0, 31, REPLY_HEAD_BYTES + 5, payload.length - 1]) {
        const joined = await checkRepaired(noise, { toReceiver: { flips: [offset + place] } }, 1);
        assert.equal(countFrames(joined.link.toReceiver, 'data'), 6, `reply ${at}, byte ${place}`);
      }
    }
  });
});

suite('a chunk that is damaged twice ends the transfer', () => {
  test('a codec that always lies', () =>
    checkGivenUp(
      prose,
      {},
      Array.from({ length: 99 }, (_, call) => call),
    ));

  test('a bit of the chunk, and of the one that replaces it', async () => {
    for (const { index, offset } of await replies()) {
      const first = offset + REPLY_HEAD_BYTES + 5;
      const again = (await replies({ toReceiver: { flips: [first] } })).filter(
        (reply) => reply.index === index,
      );
      assert.equal(again.length, 2);
      const flips = [first, (again[1]?.offset ?? 0) + REPLY_HEAD_BYTES + 6];
      await checkGivenUp(noise, { toReceiver: { flips } });
    }
  });
});

suite('a receipt that does not agree with what was sent', () => {
  const changes: Readonly<Record<string, (receipt: string) => string>> = {
    'another root': (receipt) =>
      receipt.replace(/"root":"./u, (root) => root.slice(0, -1) + (root.endsWith('0') ? '1' : '0')),
    'other counts': (receipt) =>
      receipt.replace('"published":3', '"published":2').replace('"skipped":0', '"skipped":1'),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(name, async () => {
      const { joined: reference } = await run(noise, {});
      const receipt = framesIn(reference.link.toSender).find((frame) => frame.name === 'receipt');
      assert.ok(receipt);
      const text = Buffer.from(receipt.payload).toString();
      assert.notEqual(change(text), text);
      const swaps = new Map([...Buffer.from(change(text))].map((byte, at) => [receipt.offset + at, byte]));
      const { joined, reports } = await run(noise, { toSender: { swaps } });
      assert.deepEqual(
        [reports.outgoing.end.close.code, reports.outgoing.receipt],
        ['protocol-error', undefined],
      );
      assert.equal(joined.outgoing.snapshot().state, 'failed');
      assert.ok(reports.incoming.receipt, 'there, everything is published');
    });
  }
});

test('case 10: a bit anywhere, in either direction: nothing wrong is written, both sides end', async () => {
  const reference = joinTransfers(noise);
  await reference.run();
  const { toReceiver, toSender } = reference.link;
  let arrived = 0;
  for (const [name, pipe] of Object.entries({ toReceiver, toSender })) {
    const frames = framesIn(pipe);
    const headers = frames.flatMap(({ offset }) => [offset - 16, offset - 12, offset - 5, offset - 1]);
    // Only TLS can tell that a name or a time in a page was another one, and a frame that has become a little
    // longer swallows the pings: such a session lives as long as they come.
    const isOut = (at: number): boolean =>
      frames.some(
        ({ name: frame, offset, payload }) =>
          (frame === 'page' && at >= offset && at < offset + payload.length) ||
          (at >= offset - 11 && at < offset - 8),
      );
    const spread = Array.from({ length: 60 }, (_, at) => Math.floor((at * pipe.sentBytes) / 60));
    for (const flip of [...headers, ...spread].filter((at) => !isOut(at))) {
      const joined = joinTransfers(noise, { [name]: { flips: [flip] } });
      await joined.start();
      const { outgoing, incoming } = await joined.finish().catch((cause: unknown) => {
        throw new Error(`${name}, byte ${flip}`, { cause });
      });
      if (outgoing.receipt !== undefined) {
        assert.equal(outgoing.receipt.root, incoming.receipt?.root, `${name} ${flip}`);
        arrived += 1;
      }
      if (incoming.receipt === undefined) {
        assert.equal(joined.destination.isPublished, false, `${name} ${flip}`);
      }
    }
  }
  assert.ok(arrived > 50, `${arrived} of them were repaired`);
});
