import { RemoteProtocolError } from '../base/failure.ts';
import { decodeHeader, HEADER_BYTES } from './frame.ts';
import type { Frame, FrameHeader } from './frame.ts';

export interface FrameDecoderInit {
  /**
   * Called with each header before a byte of its payload is kept; throws to refuse the frame. This is
   * where lengths meet their limits.
   */
  readonly admit: (header: FrameHeader) => void;
  /** Where payloads are put; `length` has been admitted. */
  readonly allocate?: (length: number) => Uint8Array;
}

/**
 * Turns a byte stream, cut anywhere, into frames. Sans-io: bytes go in, frames come out, and frames are
 * decoded one by one as they are taken, so that what one frame changes is in force for the next header.
 * After an error the decoder refuses further use.
 */
export class FrameDecoder {
  // Immutable.
  readonly #admit: (header: FrameHeader) => void;
  readonly #allocate: (length: number) => Uint8Array;

  // Mutable: the header being collected, then the payload being filled.
  readonly #headerBytes = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #header: FrameHeader | undefined;
  #payload: Uint8Array = new Uint8Array(0);
  #payloadFilled = 0;
  #isBroken = false;

  constructor({ admit, allocate = (length) => new Uint8Array(length) }: FrameDecoderInit) {
    this.#admit = admit;
    this.#allocate = allocate;
  }

  /** Whether the stream may end here: no frame is half-way. */
  get isBetweenFrames(): boolean {
    return this.#headerFilled === 0 && !this.#isBroken;
  }

  /** Takes `bytes` if the payload that is being filled has room for them and for one more: they complete no frame. */
  absorb(bytes: Uint8Array): boolean {
    if (this.#header === undefined || this.#isBroken) return false;
    if (bytes.length >= this.#payload.length - this.#payloadFilled) return false;
    this.#fillPayload(bytes, 0);
    return true;
  }

  /** The frames that `bytes` completes. Take all of them before the next call. */
  *push(bytes: Uint8Array): Generator<Frame> {
    if (this.#isBroken) throw new RemoteProtocolError('protocol-error', 'the stream broke earlier');
    let offset = 0;
    try {
      while (offset < bytes.length) {
        offset +=
          this.#header === undefined ? this.#fillHeader(bytes, offset) : this.#fillPayload(bytes, offset);
        const frame = this.#takeFrame();
        if (frame !== undefined) yield frame;
      }
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  #fillHeader(bytes: Uint8Array, offset: number): number {
    const count = Math.min(HEADER_BYTES - this.#headerFilled, bytes.length - offset);
    this.#headerBytes.set(bytes.subarray(offset, offset + count), this.#headerFilled);
    this.#headerFilled += count;
    if (this.#headerFilled === HEADER_BYTES) {
      const header = decodeHeader(this.#headerBytes);
      this.#admit(header);
      this.#header = header;
      this.#payload = this.#allocate(header.length);
      this.#payloadFilled = 0;
    }
    return count;
  }

  #fillPayload(bytes: Uint8Array, offset: number): number {
    const count = Math.min(this.#payload.length - this.#payloadFilled, bytes.length - offset);
    this.#payload.set(bytes.subarray(offset, offset + count), this.#payloadFilled);
    this.#payloadFilled += count;
    return count;
  }

  #takeFrame(): Frame | undefined {
    if (this.#header === undefined || this.#payloadFilled < this.#payload.length) return undefined;
    const frame = { ...this.#header, payload: this.#payload };
    this.#header = undefined;
    this.#headerFilled = 0;
    return frame;
  }
}
