import assert from 'node:assert/strict';
import { concatBytes, toHex } from '../../../../src/base/bytes.ts';
import { RemoteProtocolError } from '../../../../src/base/failure.ts';
import { nodeHashing } from '../../../../src/node/hashing.ts';
import { fingerprintOf } from '../../../../src/peers/fingerprint.ts';
import { Pairing } from '../../../../src/peers/pairing.ts';
import { commitment } from '../../../../src/peers/pairingCode.ts';
import { requireLength } from '../../../../src/protocol/frameTalk.ts';
import { encodeHeader, frameName, FrameType, HEADER_BYTES } from '../../../../src/protocol/frame.ts';
import type { Frame, FrameHeader, FrameName } from '../../../../src/protocol/frame.ts';
import { FrameDecoder } from '../../../../src/protocol/frameDecoder.ts';
import { Lane } from '../../../../src/protocol/lane.ts';
import { limits } from '../../../../src/protocol/limits.ts';
import type { ReceiverEvent } from '../../../../src/protocol/receiverSession.ts';
import { encodeMessage } from '../../../../src/protocol/messages.ts';
import type { MessageName } from '../../../../src/protocol/messages.ts';
import { messageNames } from '../../../support/messageChecks.ts';
import { isRemoteError, rawFrame, sampleFrames } from '../../../support/samples.ts';
import {
  RECEIVER_STATES,
  receiverIn,
  SENDER_STATES,
  senderIn,
  soundFrame,
} from '../../../support/sessionStates.ts';
import { Dice } from '../dice.ts';
import { mutateBytes } from '../mutateBytes.ts';
import { NASTY_WORDS } from '../nasty.ts';
import type { FuzzTarget, Verdict } from '../target.ts';
import { messageSeeds, mutatedMessage } from './message.ts';

const DATA_BYTES = 40 + 64 * 1024;
/** The most bytes of each type that a session takes in any state, as `docs/protocol.md` § 4 lists them. */
const MOST_BYTES: Readonly<Record<FrameName, number>> = {
  hello: limits.greetingBytes,
  offer: limits.controlBytes,
  page: limits.pageBytes,
  offerEnd: limits.controlBytes,
  answer: limits.controlBytes,
  want: limits.wantBytes,
  data: DATA_BYTES,
  same: 0,
  failed: limits.controlBytes,
  progress: limits.controlBytes,
  outcome: limits.controlBytes,
  receipt: limits.controlBytes,
  close: limits.controlBytes,
  alive: 0,
  join: limits.greetingBytes,
  joined: 0,
  lost: limits.controlBytes,
  commit: limits.greetingBytes,
  nonce: limits.greetingBytes,
  reveal: limits.greetingBytes,
  agree: limits.greetingBytes,
};

const STREAM = 'stream';
const STATES = [
  ...SENDER_STATES.map((state) => ['sender', state] as const),
  ...RECEIVER_STATES.map((state) => ['receiver', state] as const),
];

/** A further lane: of one that listens, one that has dialled, and one that was taken into a session that pulls. */
const LANE_STATES = ['lane listening', 'lane dialling', 'lane taken'] as const;

/** A pairing: of one that listens, one that has dialled, and one whose user compares the code. */
const PAIRING_STATES = ['pairing listening', 'pairing dialling', 'pairing comparing'] as const;

/**
 * Streams of frames: through the decoder, and through whole sessions, lanes and pairings in each of their states, which must
 * neither throw nor go on after they have ended, whatever they are told.
 */
export function frameTarget(): FuzzTarget {
  return {
    kinds: [STREAM, ...STATES.map((state) => state.join(' ')), ...LANE_STATES, ...PAIRING_STATES],
    generate(dice) {
      // A session costs as much as fifty decoders.
      if (dice.isLess(0.98)) return { kind: STREAM, bytes: mutatedStream(dice, () => someFrame(dice)) };
      if (dice.isLess(0.2)) {
        const frames = mutatedStream(dice, () =>
          dice.isLess(0.5) ? someFrame(dice) : soundIn('receiver', dice),
        );
        return { kind: dice.pick([...LANE_STATES, ...PAIRING_STATES]), bytes: frames };
      }
      const [role, state] = dice.pick(STATES);
      const bytes = mutatedStream(dice, () => (dice.isLess(0.5) ? someFrame(dice) : soundIn(role, dice)));
      return { kind: `${role} ${state}`, bytes };
    },
    check({ kind, bytes }) {
      if (kind === STREAM) return checkStream(bytes);
      const lane = LANE_STATES.find((each) => each === kind);
      if (lane !== undefined) return checkLane(lane, bytes);
      const pairing = PAIRING_STATES.find((each) => each === kind);
      return pairing === undefined ? checkSession(kind, bytes) : checkPairing(pairing, bytes);
    },
  };
}

function someFrame(dice: Dice): Uint8Array {
  if (dice.isLess(0.3)) return dice.pick(sampleFrames)[1];
  const name = dice.pick(messageNames);
  const payload = dice.isLess(0.5)
    ? dice.pick(messageSeeds.get(name) ?? []).bytes
    : mutatedMessage(name, dice);
  const index = dice.isLess(0.5) ? 0 : dice.pick(NASTY_WORDS) * (dice.isLess(0.5) ? 1 : 2 ** 21);
  return rawFrame(FrameType[name], index, payload);
}

const SMALL_FRAMES: readonly MessageName[] = messageNames;

function soundIn(role: 'sender' | 'receiver', dice: Dice): Uint8Array {
  return soundFrame(dice.pick([...SMALL_FRAMES, 'same', 'alive']), role, dice.below(2));
}

/** Frames one after the other, two thirds of them with something wrong in their headers or anywhere. */
function mutatedStream(dice: Dice, make: () => Uint8Array): Uint8Array {
  const frames = Array.from({ length: 1 + dice.below(4) }, make);
  if (dice.isLess(0.3)) mutateHeader(frames, dice);
  const stream = concatBytes(frames);
  return dice.isLess(0.4) ? mutateBytes(stream, dice, make()) : stream;
}

function mutateHeader(frames: Uint8Array[], dice: Dice): void {
  const at = dice.below(frames.length);
  const frame = Uint8Array.from(frames[at] ?? []);
  const view = new DataView(frame.buffer);
  const offset = dice.pick([0, 1, 2, 3, 4, 8, 12]);
  if (offset < 4) view.setUint8(offset, dice.pick([0, 1, 14, 15, 0x80, 0xff, dice.below(256)]));
  else view.setUint32(offset, dice.pick(NASTY_WORDS));
  frames[at] = frame;
}

interface Decoded {
  readonly frames: readonly Frame[];
  readonly isRefused: boolean;
}

function decode(pieces: readonly Uint8Array[]): Decoded {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder({
    admit: (header: FrameHeader) => requireLength(header, MOST_BYTES[frameName(header.type)]),
  });
  try {
    for (const piece of pieces) for (const frame of decoder.push(piece)) frames.push(frame);
    return { frames, isRefused: false };
  } catch (error) {
    if (!isRemoteError('protocol-error', 'limit-exceeded')(error)) throw error;
    // After an error it refuses everything, also what is sound.
    assert.equal(decoder.isBetweenFrames, false);
    assert.throws(() => Array.from(decoder.push(NOTHING)), RemoteProtocolError);
    assert.throws(() => Array.from(decoder.push(SOUND)), RemoteProtocolError);
    return { frames, isRefused: true };
  }
}

const NOTHING = new Uint8Array(0);
const SOUND = rawFrame(FrameType.alive, 0, new Uint8Array(0));

/** However a stream is cut, it says the same; and what is taken of it is, byte for byte, what would be said. */
function checkStream(bytes: Uint8Array): Verdict {
  const whole = decode([bytes]);
  const said = whole.frames.flatMap((frame) => [encodeHeader(frame), frame.payload]);
  const taken = concatBytes(said);
  assert.equal(Buffer.compare(taken, bytes.subarray(0, taken.length)), 0);
  if (!whole.isRefused) assert.ok(bytes.length - taken.length < HEADER_BYTES + limits.pageBytes);
  const cut = decode(piecesOf(bytes));
  assert.equal(cut.isRefused, whole.isRefused);
  assert.equal(
    Buffer.compare(concatBytes(cut.frames.flatMap((frame) => [encodeHeader(frame), frame.payload])), taken),
    0,
  );
  return whole.isRefused ? 'refused' : 'taken';
}

/** Cut at places that follow from the bytes alone, mostly near the ends of headers. */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const dice = new Dice(bytes.length, bytes.at(-1));
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = dice.pick([1, 2, 15, 16, 17, 1 + dice.below(bytes.length)]);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

function checkLane(state: (typeof LANE_STATES)[number], bytes: Uint8Array): Verdict {
  const session = receiverIn('pulling').receiver;
  const join = { session: '0f'.repeat(16), lane: 7, mac: 'ab'.repeat(32) };
  const lane = new Lane<ReceiverEvent>({ now: 0, ...(state === 'lane dialling' ? { join } : {}) });
  const closes: string[] = [];
  let saidBytes = 0;
  const feed = (piece: Uint8Array): void => {
    for (const event of lane.receive(piece, 0)) {
      assert.equal(closes.length, 0, 'something after the end');
      if (event.type === 'closed') closes.push(`${event.origin} ${event.close.code}`);
      if (event.type === 'joining') lane.admit(session.joinLane());
    }
    saidBytes += concatBytes(lane.takeOutput()).length;
  };
  if (state === 'lane taken') feed(rawFrame(FrameType.join, 0, encodeMessage('join', join)));
  for (const piece of piecesOf(bytes)) feed(piece);
  for (const event of lane.handleTime(limits.deadAfterMs)) closes.push(event.close.code);
  assert.ok(closes.length <= 1, closes.join(', '));
  assert.ok(saidBytes < 1024, `it said ${saidBytes} bytes`);
  return closes.some((ending) => ending.startsWith('local')) ? 'refused' : 'taken';
}

const PAIR = {
  dialler: fingerprintOf(new Uint8Array(32).fill(1)),
  listener: fingerprintOf(new Uint8Array(32).fill(2)),
  exporter: new Uint8Array(32).fill(3),
};
const [OURS, THEIRS] = [new Uint8Array(32).fill(4), new Uint8Array(32).fill(5)];
/** What a dialler says until both sides have come to a code. */
const COMPARING = [
  rawFrame(
    FrameType.commit,
    0,
    encodeMessage('commit', { commitment: toHex(commitment(nodeHashing, THEIRS, PAIR)) }),
  ),
  rawFrame(FrameType.reveal, 0, encodeMessage('reveal', { nonce: toHex(THEIRS) })),
];

/** Nobody who knows neither key nor nonce gets to a yes, even if our user says one. */
function checkPairing(state: (typeof PAIRING_STATES)[number], bytes: Uint8Array): Verdict {
  const pairing = new Pairing({
    hashing: nodeHashing,
    now: 0,
    side: state === 'pairing dialling' ? 'dialler' : 'listener',
    pair: PAIR,
    nonce: OURS,
    name: 'we',
  });
  const closes: string[] = [];
  let saidBytes = 0;
  const feed = (piece: Uint8Array): void => {
    for (const event of pairing.receive(piece, 0)) {
      assert.equal(closes.length, 0, 'something after the end');
      if (event.type === 'closed') closes.push(`${event.origin} ${event.close.code}`);
      if (event.type === 'asked') pairing.admit();
      assert.notEqual(event.type, 'paired');
    }
    saidBytes += concatBytes(pairing.takeOutput()).length;
  };
  if (state === 'pairing comparing') {
    for (const each of COMPARING) feed(each);
    assert.deepEqual([...pairing.agree()], []);
  }
  for (const piece of piecesOf(bytes)) feed(piece);
  for (const event of pairing.handleTime(limits.deadAfterMs)) closes.push(event.close.code);
  assert.ok(closes.length <= 1, closes.join(', '));
  assert.ok(saidBytes < 2048, `it said ${saidBytes} bytes`);
  return closes.some((ending) => ending.startsWith('local')) ? 'refused' : 'taken';
}

function checkSession(kind: string, bytes: Uint8Array): Verdict {
  const [role, state] = kind.split(' ');
  const pair =
    role === 'sender'
      ? senderIn(SENDER_STATES.find((each) => each === state) ?? assert.fail(kind))
      : receiverIn(RECEIVER_STATES.find((each) => each === state) ?? assert.fail(kind));
  const end = pair.ends[role === 'sender' ? 'sender' : 'receiver'];
  for (const piece of piecesOf(bytes)) pair.feed(role === 'sender' ? 'sender' : 'receiver', piece);
  end.speak();
  pair.turn(limits.aliveEveryMs);
  assert.ok(end.endings.length <= 1, end.endings.join(', '));
  if (end.endings.length === 1) assert.equal(end.types.at(-1), 'closed');
  assert.ok(end.sent.length < 64 * 1024, `it said ${end.sent.length} bytes`);
  // A mistake of ours would be called `internal`.
  assert.ok(!end.endings.includes('local internal'));
  return end.endings.some((ending) => ending.startsWith('local')) ? 'refused' : 'taken';
}
