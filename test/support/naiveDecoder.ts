/**
 * A second frame decoder, written from the picture in `src/protocol/frame.ts` and not from its code: it
 * keeps the whole stream and parses it from the start in the most obvious way.
 */
export interface NaiveFrame {
  readonly type: number;
  readonly length: number;
  readonly index: number;
  readonly payload: Uint8Array;
}

export interface NaiveResult {
  /** The frames before the first error. */
  readonly frames: readonly NaiveFrame[];
  readonly isRefused: boolean;
  /** Whether the stream ends inside a frame. */
  readonly isCut: boolean;
}

/** Decodes all of `stream`; `mostBytes` is the limit of every payload. */
export function decodeNaively(stream: Uint8Array, mostBytes: number): NaiveResult {
  const rest = Buffer.from(stream);
  const frames: NaiveFrame[] = [];
  let at = 0;
  while (rest.length - at >= 16) {
    const type = rest.readUInt8(at);
    const length = rest.readUInt32BE(at + 4);
    const index = rest.readBigUInt64BE(at + 8);
    const isKnown = type >= 1 && type <= 21;
    const isPlain = rest[at + 1] === 0 && rest[at + 2] === 0 && rest[at + 3] === 0;
    if (!isKnown || !isPlain || index >= 2n ** 53n || length > mostBytes) {
      return { frames, isRefused: true, isCut: false };
    }
    if (rest.length - at - 16 < length) break;
    const payload = new Uint8Array(rest.subarray(at + 16, at + 16 + length));
    frames.push({ type, length, index: Number(index), payload });
    at += 16 + length;
  }
  return { frames, isRefused: false, isCut: at < rest.length };
}
