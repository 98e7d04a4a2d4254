import assert from 'node:assert/strict';
import { concatBytes } from '../../../../src/base/bytes.ts';
import type { Chunk } from '../../../../src/protocol/chunkLayout.ts';
import { decodeReply, encodeReplyHead, replyLimit } from '../../../../src/protocol/chunkReply.ts';
import { isRemoteError } from '../../../support/samples.ts';
import { Dice } from '../dice.ts';
import { mutateBytes } from '../mutateBytes.ts';
import { someReply } from '../sound.ts';
import type { FuzzTarget, Verdict } from '../target.ts';

/** What the replies are to; their kind is the name. */
const CHUNKS: Readonly<Record<string, Chunk>> = {
  range: { kind: 'range', index: 3, entry: 0, offset: 4096, length: 10, ordinal: 1 },
  'longest range': { kind: 'range', index: 3, entry: 0, offset: 0, length: 2 ** 22, ordinal: 0 },
  pack: { kind: 'pack', index: 4, entries: [1, 2, 5], sizes: [4, 0, 6] },
  'fullest pack': {
    kind: 'pack',
    index: 5,
    entries: Array.from({ length: 1024 }, (_, at) => at),
    sizes: Array.from({ length: 1024 }, () => 1024),
  },
};

const SEEDS_OF_EACH = 40;
const seeds = new Map(
  ['range', 'pack'].map((kind) => {
    const chunk = CHUNKS[kind] ?? assert.fail();
    const replies = Array.from({ length: SEEDS_OF_EACH }, (_, at) => someReply(new Dice(0, at), chunk));
    return [kind, replies.map((reply) => concatBytes([encodeReplyHead(reply), reply.body]))];
  }),
);

/** Payloads of `data`. The large chunks are for fixtures and for replies to small ones, which do not fit them. */
export function replyTarget(): FuzzTarget {
  const kinds = Object.keys(CHUNKS);
  return {
    kinds,
    generate(dice) {
      const kind = dice.isLess(0.95) ? dice.pick(['range', 'pack']) : dice.pick(kinds);
      const from = seeds.get(kind) ?? seeds.get('pack') ?? [];
      const other = seeds.get(dice.pick(['range', 'pack'])) ?? [];
      return { kind, bytes: mutateBytes(dice.pick(from), dice, dice.pick(other)) };
    },
    check({ kind, bytes }) {
      return checkReply(bytes, CHUNKS[kind] ?? assert.fail(`no chunk ${kind}`));
    },
  };
}

/** The encoding has one form: what is taken is, byte for byte, what would be said. */
function checkReply(bytes: Uint8Array, chunk: Chunk): Verdict {
  try {
    const reply = decodeReply(bytes, chunk);
    assert.ok(bytes.length <= replyLimit(chunk));
    const again = concatBytes([encodeReplyHead(reply), reply.body]);
    assert.equal(Buffer.compare(again, bytes), 0);
    return 'taken';
  } catch (error) {
    if (isRemoteError('protocol-error')(error)) return 'refused';
    throw error;
  }
}
