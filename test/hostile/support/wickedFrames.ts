/**
 * The frames of docs/protocol.md § 4, written down once more, so that a mistake in `src/` is not made here,
 * too. Nothing is checked: each field may be anything that has room in its bytes.
 */

export const HEADER_BYTES = 16;

export const TYPES = {
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
} as const;

export type FrameName = keyof typeof TYPES;

export interface WickedFrame {
  readonly type: number;
  readonly flags?: number;
  readonly reserved?: number;
  /** What the header says; by default what is true. */
  readonly length?: number;
  readonly index?: number | bigint;
  readonly payload?: Uint8Array;
}

/** A frame with a JSON payload, or with none. */
export function message(name: FrameName, value?: unknown, more: Partial<WickedFrame> = {}): WickedFrame {
  const payload = value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
  return { type: TYPES[name], payload, ...more };
}

export function encode(frame: WickedFrame): Buffer {
  const { type, flags = 0, reserved = 0, index = 0, payload = Buffer.alloc(0) } = frame;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt16BE(reserved, 2);
  header.writeUInt32BE(frame.length ?? payload.length, 4);
  header.writeBigUInt64BE(BigInt(index), 8);
  return Buffer.concat([header, payload]);
}

/** A frame that came from the other side, which is taken at its word. */
export interface SeenFrame {
  readonly name: FrameName | undefined;
  readonly type: number;
  readonly index: number;
  readonly payload: Buffer;
}

/** The first frame in `bytes`, if all of it is there. */
export function decodeFirst(bytes: Buffer): { readonly frame: SeenFrame; readonly size: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const size = HEADER_BYTES + bytes.readUInt32BE(4);
  if (bytes.length < size) return undefined;
  const type = bytes.readUInt8(0);
  const name = NAMES.find((each) => TYPES[each] === type);
  const index = Number(bytes.readBigUInt64BE(8));
  return { frame: { name, type, index, payload: bytes.subarray(HEADER_BYTES, size) }, size };
}

const NAMES = [
  'hello',
  'offer',
  'page',
  'offerEnd',
  'answer',
  'want',
  'data',
  'same',
  'failed',
  'progress',
  'outcome',
  'receipt',
  'close',
  'alive',
  'join',
  'joined',
  'lost',
] as const satisfies readonly FrameName[];

/** What a frame with JSON in it says. */
export function said(frame: SeenFrame): unknown {
  return frame.payload.length === 0 ? undefined : JSON.parse(frame.payload.toString('utf8'));
}
