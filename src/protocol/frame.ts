import { RemoteProtocolError } from '../base/failure.ts';

/**
 * A frame is a header of 16 bytes, big-endian, and a payload:
 *
 *     0        1        2                 4                          8                         16
 *     | type   | flags  | reserved (0)    | payload length           | index                    |
 *
 * `index` is the chunk's or page's number where a message has one, otherwise 0.
 */
export const HEADER_BYTES = 16;

/** The types of frame; the numbers are the wire. */
export const FrameType = {
  hello: 1,
  offer: 2,
  page: 3,
  offerEnd: 4,
  answer: 5,
  want: 6,
  data: 7,
  same: 8,
  failed: 9,
  progress: 10,
  outcome: 11,
  receipt: 12,
  close: 13,
  alive: 14,
  join: 15,
  joined: 16,
  lost: 17,
  commit: 18,
  nonce: 19,
  reveal: 20,
  agree: 21,
} as const;

export type FrameName = keyof typeof FrameType;
export type FrameType = (typeof FrameType)[FrameName];

export interface FrameHeader {
  readonly type: FrameType;
  /** Payload bytes. */
  readonly length: number;
  /** A safe integer. */
  readonly index: number;
}

export interface Frame extends FrameHeader {
  readonly payload: Uint8Array;
}

const namesByType = new Map<number, FrameName>(
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- entries() forgets the type of the keys
  Object.entries(FrameType).map(([name, type]) => [type, name as FrameName]),
);

export function frameName(type: FrameType): FrameName {
  const name = namesByType.get(type);
  if (name === undefined) throw new RangeError(`no such frame type: ${type}`);
  return name;
}

/** The 16 bytes that stand before a payload of `length` bytes. */
export function encodeHeader({ type, length, index }: FrameHeader): Uint8Array {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`not an index: ${index}`);
  if (!Number.isSafeInteger(length) || length < 0 || length >= 2 ** 32) {
    throw new RangeError(`not a length: ${length}`);
  }
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, type);
  view.setUint32(4, length);
  // Two halves by division: bit operators would cut the index at 2^32.
  view.setUint32(8, Math.floor(index / 2 ** 32));
  view.setUint32(12, index % 2 ** 32);
  return header;
}

/** Parses a header; refuses types, flags and indices that this version does not know. */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const type = view.getUint8(0);
  if (!isFrameType(type)) throw new RemoteProtocolError('protocol-error', `unknown frame type ${type}`);
  if (view.getUint8(1) !== 0 || view.getUint16(2) !== 0) {
    throw new RemoteProtocolError('protocol-error', 'unknown frame flags');
  }
  const index = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  if (!Number.isSafeInteger(index)) {
    throw new RemoteProtocolError('protocol-error', 'frame index out of range');
  }
  return { type, length: view.getUint32(4), index };
}

function isFrameType(type: number): type is FrameType {
  return namesByType.has(type);
}
