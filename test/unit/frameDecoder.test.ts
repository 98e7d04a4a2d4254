import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/base/bytes.ts';
import { RemoteProtocolError } from '../../src/base/failure.ts';
import { encodeHeader } from '../../src/protocol/frame.ts';
import type { Frame, FrameHeader } from '../../src/protocol/frame.ts';
import { FrameDecoder } from '../../src/protocol/frameDecoder.ts';
import { decodeNaively } from '../support/naiveDecoder.ts';
import { testProperty } from '../support/random.ts';
import { frame, isRemoteError, rawFrame, sampleFrames } from '../support/samples.ts';

const MOST_BYTES = 4096;

/** A decoder with one limit for all, and what it was asked to allocate. */
function createDecoder(): { decoder: FrameDecoder; allocated: number[] } {
  const allocated: number[] = [];
  const decoder = new FrameDecoder({
    admit({ length }) {
      if (length > MOST_BYTES) throw new RemoteProtocolError('limit-exceeded', 'too long');
    },
    allocate(length) {
      allocated.push(length);
      return new Uint8Array(length);
    },
  });
  return { decoder, allocated };
}

interface Decoded {
  /** The frames before the first error. */
  readonly frames: Frame[];
  readonly isRefused: boolean;
  readonly isCut: boolean;
}

/** The same, whether pieces from the middle of a payload are absorbed or pushed like all others. */
function decode(pieces: readonly Uint8Array[]): Decoded {
  const decoded = decodeAbsorbing(pieces, true);
  assert.deepEqual(decodeAbsorbing(pieces, false), decoded);
  return decoded;
}

function decodeAbsorbing(pieces: readonly Uint8Array[], absorbs: boolean): Decoded {
  const { decoder } = createDecoder();
  const frames: Frame[] = [];
  try {
    for (const piece of pieces) {
      if (absorbs && decoder.absorb(piece)) continue;
      for (const each of decoder.push(piece)) frames.push(each);
    }
  } catch (error) {
    assert.ok(isRemoteError()(error));
    return { frames, isRefused: true, isCut: false };
  }
  return { frames, isRefused: false, isCut: !decoder.isBetweenFrames };
}

/** `bytes` cut before each of `cuts`. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const bounds = [
    0,
    ...cuts.map((at) => at % (bytes.length + 1)).toSorted((left, right) => left - right),
    bytes.length,
  ];
  return bounds.slice(1).map((end, at) => bytes.subarray(bounds[at], end));
}

for (const [name, bytes] of sampleFrames) {
  test(`case 6, 7: ${name} cut in two at each of ${bytes.length + 1} places, and into single bytes`, () => {
    const whole = decode([bytes]);
    assert.equal(whole.frames.length, 1);
    assert.deepEqual(whole.frames[0]?.payload, bytes.subarray(16));
    for (let at = 0; at <= bytes.length; at += 1) {
      assert.deepEqual(decode([bytes.subarray(0, at), bytes.subarray(at)]), whole, `at ${at}`);
    }
    assert.deepEqual(decode(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
  });
}

test('case 6: all samples in one stream, cut in two at each place', () => {
  const stream = concatBytes(sampleFrames.map(([, bytes]) => bytes));
  const whole = decode([stream]);
  assert.equal(whole.frames.length, sampleFrames.length);
  for (let at = 0; at <= stream.length; at += 1) {
    assert.deepEqual(decode(cut(stream, [at])), whole, `at ${at}`);
  }
});

test('case 8: 1,000 frames in one piece', () => {
  const frames = Array.from({ length: 1000 }, (_, index) =>
    frame('data', new Uint8Array(index % 7).fill(index), index),
  );
  const decoded = decode([concatBytes(frames)]);
  assert.deepEqual(
    decoded.frames.map(({ index, payload }) => [index, payload]),
    frames.map((_, index) => [index, new Uint8Array(index % 7).fill(index)]),
  );
});

test('a payload does not change when its buffers are used again', () => {
  const { decoder } = createDecoder();
  const piece = frame('data', Uint8Array.of(1, 2, 3));
  const [first] = decoder.push(piece);
  piece.fill(0, 16);
  Array.from(decoder.push(frame('data', Uint8Array.of(9, 9, 9))));
  assert.deepEqual(first?.payload, Uint8Array.of(1, 2, 3));
});

for (const length of [MOST_BYTES + 1, 2 ** 31, 2 ** 32 - 1]) {
  test(`case 2, 3: a length of ${length} is refused with its header, before anything is allocated`, () => {
    const { decoder, allocated } = createDecoder();
    const header = encodeHeader({ type: 1, length, index: 0 });
    assert.deepEqual(Array.from(decoder.push(header.subarray(0, 15))), []);
    assert.throws(() => Array.from(decoder.push(header.subarray(15))), isRemoteError('limit-exceeded'));
    assert.deepEqual(allocated, []);
  });
}

test('the length of the limit itself is taken, and allocated once', () => {
  const { decoder, allocated } = createDecoder();
  const bytes = frame('data', new Uint8Array(MOST_BYTES));
  for (const byte of bytes.subarray(0, -1)) {
    assert.deepEqual(Array.from(decoder.push(Uint8Array.of(byte))), []);
  }
  assert.equal(Array.from(decoder.push(Uint8Array.of(0))).length, 1);
  assert.deepEqual(allocated, [MOST_BYTES]);
});

test('nothing is allocated for a header that is not understood', () => {
  const { decoder, allocated } = createDecoder();
  assert.throws(
    () => Array.from(decoder.push(rawFrame(22, 0, new Uint8Array(8)))),
    isRemoteError('protocol-error'),
  );
  assert.deepEqual(allocated, []);
});

test('after an error it refuses further use', () => {
  const { decoder } = createDecoder();
  assert.equal(decoder.isBetweenFrames, true);
  assert.throws(() => Array.from(decoder.push(rawFrame(0, 0, new Uint8Array(0)))), isRemoteError());
  assert.equal(decoder.isBetweenFrames, false);
  assert.throws(() => Array.from(decoder.push(frame('alive'))), isRemoteError('protocol-error'));
  assert.throws(() => Array.from(decoder.push(new Uint8Array(0))), isRemoteError('protocol-error'));
});

test('knows whether it stands between two frames', () => {
  const { decoder } = createDecoder();
  const bytes = frame('data', Uint8Array.of(1, 2));
  const seen = Array.from(bytes, (byte) => {
    Array.from(decoder.push(Uint8Array.of(byte)));
    return decoder.isBetweenFrames;
  });
  assert.deepEqual(seen, [...Array.from({ length: bytes.length - 1 }, () => false), true]);
});

test('what one frame changes is in force for the next header of the same piece', () => {
  let most = 4;
  const seen: number[] = [];
  const decoder = new FrameDecoder({
    admit({ length }: FrameHeader) {
      if (length > most) throw new RemoteProtocolError('limit-exceeded', 'too long');
    },
  });
  const four = frame('data', new Uint8Array(4));
  const eight = frame('data', new Uint8Array(8));
  assert.throws(() => {
    for (const { length } of decoder.push(concatBytes([four, eight, eight, four]))) {
      seen.push(length);
      most = seen.length === 1 ? 8 : 4;
    }
  }, isRemoteError('limit-exceeded'));
  assert.deepEqual(seen, [4, 8]);
});

const streams = fc.record({
  frames: fc.array(
    fc.record({
      type: fc.integer({ min: 1, max: 14 }),
      index: fc.oneof(fc.nat(20), fc.maxSafeNat()),
      payload: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 12 },
  ),
  cuts: fc.array(fc.nat(), { maxLength: 8 }),
});

testProperty(
  'agrees with the naive decoder on sound streams',
  streams,
  ({ frames, cuts }) => {
    const stream = concatBytes(frames.map(({ type, index, payload }) => rawFrame(type, index, payload)));
    const decoded = decode(cut(stream, cuts));
    assert.deepEqual(decoded, decodeNaively(stream, MOST_BYTES));
    assert.equal(decoded.frames.length, frames.length);
  },
  1000,
);

type Mutation = (bytes: number[]) => void;

const mutation: fc.Arbitrary<Mutation> = fc
  .record({
    kind: fc.constantFrom('flip', 'insert', 'remove'),
    at: fc.nat(),
    bit: fc.nat(7),
    count: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ kind, at: anywhere, bit, count }) => (bytes) => {
    const at = anywhere % Math.max(1, bytes.length);
    if (kind === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (2 ** bit);
    else if (kind === 'insert') bytes.splice(at, 0, 2 ** bit);
    else bytes.splice(at, count);
  });

testProperty(
  'agrees with the naive decoder on broken streams: the same frames, then both refuse',
  fc.tuple(streams, fc.array(mutation, { minLength: 1, maxLength: 3 })),
  ([{ frames, cuts }, mutations]) => {
    const bytes = frames.flatMap(({ type, index, payload }) => Array.from(rawFrame(type, index, payload)));
    for (const mutate of mutations) mutate(bytes);
    const stream = Uint8Array.from(bytes);
    assert.deepEqual(decode(cut(stream, cuts)), decodeNaively(stream, MOST_BYTES));
  },
  4000,
);
