import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/base/bytes.ts';
import type { Chunk } from '../../src/protocol/chunkLayout.ts';
import {
  CODECS,
  decodeReply,
  encodeReplyHead,
  PACK_STATUSES,
  REPLY_HEAD_BYTES,
  replyLimit,
} from '../../src/protocol/chunkReply.ts';
import type { ChunkReply } from '../../src/protocol/chunkReply.ts';
import { testProperty } from '../support/random.ts';
import { isRemoteError } from '../support/samples.ts';

const range: Chunk = { kind: 'range', index: 3, entry: 0, offset: 4096, length: 10, ordinal: 1 };
const pack: Chunk = { kind: 'pack', index: 4, entries: [1, 2, 5], sizes: [4, 0, 6] };

function encode(reply: ChunkReply): Uint8Array {
  return concatBytes([encodeReplyHead(reply), reply.body]);
}

function replyOf(parts: Partial<ChunkReply>): ChunkReply {
  const body = parts.body ?? new Uint8Array(parts.rawLength ?? 10).fill(7);
  return { digest: new Uint8Array(32).fill(1), rawLength: 10, codec: 'stored', statuses: [], ...parts, body };
}

const rangeReply = replyOf({});
const packReply = replyOf({ statuses: ['bytes', 'same', 'bytes'] });

function checkRefused(what: string, chunk: Chunk, payload: Uint8Array): void {
  test(`refuses ${what}`, () => {
    assert.throws(() => decodeReply(payload, chunk), isRemoteError('protocol-error'));
  });
}

/** The payload of `reply` with one byte set. */
function withByte(reply: ChunkReply, at: number, value: number): Uint8Array {
  const payload = encode(reply);
  payload[at] = value;
  return payload;
}

test('a reply lies on the wire as its picture shows', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, at) => at);
  const reply = replyOf({
    digest,
    rawLength: 0x01020304,
    codec: 'gzip',
    statuses: ['source-vanished', 'bytes'],
  });
  assert.deepEqual(encodeReplyHead(reply), Uint8Array.of(...digest, 1, 2, 3, 4, 2, 0, 0, 0, 4, 0));
  assert.deepEqual(CODECS, ['stored', 'zstd', 'gzip']);
  assert.deepEqual(PACK_STATUSES, [
    'bytes',
    'same',
    'source-unreadable',
    'source-changed',
    'source-vanished',
  ]);
});

test('the limit of a reply is its head, its statuses and its raw bytes', () => {
  assert.equal(replyLimit(range), REPLY_HEAD_BYTES + 10);
  assert.equal(replyLimit(pack), REPLY_HEAD_BYTES + 3 + 10);
});

for (const [codec, length] of [
  ['stored', 10],
  ['zstd', 9],
  ['zstd', 10],
  ['gzip', 1],
] as const) {
  test(`a range of 10 bytes in ${length} bytes of ${codec} survives the wire`, () => {
    const reply = replyOf({ codec, body: new Uint8Array(length).fill(9) });
    assert.deepEqual(decodeReply(encode(reply), range), reply);
  });
}

testProperty(
  'a reply to a pack survives the wire, cut from a larger buffer',
  fc.record({
    files: fc.array(fc.tuple(fc.nat(50), fc.constantFrom(...PACK_STATUSES)), { minLength: 1, maxLength: 30 }),
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    codec: fc.constantFrom(...CODECS),
  }),
  ({ files, digest, codec }) => {
    const sizes = files.map(([size]) => size);
    const statuses = files.map(([, status]) => status);
    const rawLength = files.reduce((sum, [size, status]) => sum + (status === 'bytes' ? size : 0), 0);
    const body = new Uint8Array(codec === 'stored' ? rawLength : Math.floor(rawLength / 2)).fill(5);
    const reply = { digest, rawLength, codec, statuses, body };
    const chunk: Chunk = { kind: 'pack', index: 0, entries: sizes.map((_, at) => at), sizes };
    const payload = concatBytes([new Uint8Array(3), encode(reply)]).subarray(3);
    assert.ok(payload.length <= replyLimit(chunk));
    const decoded = decodeReply(payload, chunk);
    assert.deepEqual(
      { ...decoded, digest: Uint8Array.from(decoded.digest), body: Uint8Array.from(decoded.body) },
      reply,
    );
  },
);

test('case 20: refuses a reply cut anywhere, and one with a byte too many', () => {
  for (const [chunk, reply] of [
    [range, rangeReply],
    [pack, packReply],
  ] as const) {
    const sound = encode(reply);
    assert.doesNotThrow(() => decodeReply(sound, chunk));
    for (let length = 0; length < sound.length; length += 1) {
      assert.throws(
        () => decodeReply(sound.subarray(0, length), chunk),
        isRemoteError(),
        `${chunk.kind} at ${length}`,
      );
    }
    assert.throws(() => decodeReply(Uint8Array.of(...sound, 0), chunk), isRemoteError('protocol-error'));
  }
});

test('case 20: refuses every raw length but the one of the layout', () => {
  for (const rawLength of [0, 1, 9, 11, 2 ** 31, 2 ** 32 - 1]) {
    const body = new Uint8Array(Math.min(rawLength, 11));
    for (const codec of CODECS) {
      assert.throws(() => decodeReply(encode(replyOf({ rawLength, codec, body })), range), isRemoteError());
      assert.throws(
        () => decodeReply(encode({ ...packReply, rawLength, codec, body }), pack),
        isRemoteError(),
      );
    }
  }
});

test('case 11: refuses every unknown codec and status', () => {
  for (let value = 0; value < 256; value += 1) {
    if (value >= CODECS.length) {
      assert.throws(
        () => decodeReply(withByte(rangeReply, 36, value), range),
        isRemoteError(),
        `codec ${value}`,
      );
    }
    if (value >= PACK_STATUSES.length) {
      assert.throws(
        () => decodeReply(withByte(packReply, 41, value), pack),
        isRemoteError(),
        `status ${value}`,
      );
    }
  }
});

checkRefused('the first reserved byte', range, withByte(rangeReply, 37, 1));
checkRefused('the second reserved byte', range, withByte(rangeReply, 38, 128));
checkRefused('the third reserved byte', pack, withByte(packReply, 39, 255));
checkRefused('a status that leaves out bytes that are there', pack, withByte(packReply, 40, 1));
checkRefused(
  'a status that adds bytes that are not there',
  pack,
  encode(replyOf({ rawLength: 4, statuses: ['bytes', 'same', 'same'], body: new Uint8Array(10) })),
);
checkRefused(
  'a compressed body longer than the raw bytes',
  range,
  encode(replyOf({ codec: 'zstd', body: new Uint8Array(11) })),
);
checkRefused('a stored body shorter than the raw bytes', range, encode(replyOf({ body: new Uint8Array(9) })));
checkRefused('statuses in the reply to a range', range, encode(packReply));
checkRefused('no statuses in the reply to a pack', pack, encode(rangeReply));
checkRefused('a status too few', pack, encode(replyOf({ statuses: ['bytes', 'bytes'] })));
checkRefused('a status too many', pack, encode(replyOf({ statuses: ['bytes', 'bytes', 'bytes', 'bytes'] })));
