import { createHash } from 'node:crypto';

/** A stretch of a file, and the bytes in it. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Digests of what was written: each piece is of bytes that a call wrote, or a stretch of those. */
const digests = new WeakMap<ArrayBufferLike, string>();

function digestOf(buffer: ArrayBufferLike): string {
  let digest = digests.get(buffer);
  if (digest === undefined) {
    digest = createHash('sha256').update(new Uint8Array(buffer)).digest('base64');
    digests.set(buffer, digest);
  }
  return digest;
}

/**
 * What is in a file: the pieces that were written, and zeros where none was. Immutable, so that the images of one
 * disk share it.
 */
export class SimContent {
  static readonly empty = new SimContent(0, []);

  readonly size: number;
  /** Disjoint, by offset. */
  readonly #pieces: readonly Piece[];
  #key: string | undefined;

  private constructor(size: number, pieces: readonly Piece[]) {
    this.size = size;
    this.#pieces = pieces;
  }

  /** With these bytes at `offset`. They are not copied: nobody may change them from now on. */
  write(offset: number, bytes: Uint8Array): SimContent {
    if (bytes.length === 0) return this;
    const end = offset + bytes.length;
    const pieces = [
      ...this.#pieces.flatMap((piece) => before(piece, offset)),
      { offset, bytes },
      ...this.#pieces.flatMap((piece) => after(piece, end)),
    ];
    return new SimContent(Math.max(this.size, end), pieces);
  }

  truncate(size: number): SimContent {
    const pieces = size < this.size ? this.#pieces.flatMap((piece) => before(piece, size)) : this.#pieces;
    return new SimContent(size, pieces);
  }

  /** Copies what lies at `position` into all of `into`; returns how many bytes there were. */
  read(into: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(into.length, this.size - position));
    into.fill(0, 0, length);
    for (const { offset, bytes } of this.#pieces) {
      const from = Math.max(offset, position);
      const to = Math.min(offset + bytes.length, position + length);
      if (from < to) into.set(bytes.subarray(from - offset, to - offset), from - position);
    }
    return length;
  }

  /** Whether exactly these bytes lie from `from` on, as far as `expected` goes. */
  has(expected: Uint8Array, from = 0): boolean {
    const end = from + expected.length;
    if (end > this.size) return false;
    let at = from;
    for (const { offset, bytes } of this.#pieces) {
      const [start, stop] = [Math.max(offset, from), Math.min(offset + bytes.length, end)];
      if (start >= stop) continue;
      if (!isZero(expected.subarray(at - from, start - from))) return false;
      const [mine, theirs] = [
        bytes.subarray(start - offset, stop - offset),
        expected.subarray(start - from, stop - from),
      ];
      if (Buffer.compare(mine, theirs) !== 0) return false;
      at = stop;
    }
    return isZero(expected.subarray(at - from));
  }

  /** How many bytes take room: not those of holes. */
  get allocatedBytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** The same for what was written by the same calls, in whichever image or session. */
  get key(): string {
    this.#key ??= [
      this.size,
      ...this.#pieces.map(
        ({ offset, bytes }) => `${offset}+${bytes.length}@${digestOf(bytes.buffer)}:${bytes.byteOffset}`,
      ),
    ].join(' ');
    return this.#key;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** What of a piece lies before `end`. */
function before(piece: Piece, end: number): Piece[] {
  const { offset, bytes } = piece;
  if (offset + bytes.length <= end) return [piece];
  return offset < end ? [{ offset, bytes: bytes.subarray(0, end - offset) }] : [];
}

/** What of a piece lies from `start` on. */
function after(piece: Piece, start: number): Piece[] {
  const { offset, bytes } = piece;
  if (offset >= start) return [piece];
  return offset + bytes.length > start ? [{ offset: start, bytes: bytes.subarray(start - offset) }] : [];
}
