/** Capacities are multiples of this, so that chunks of nearly the same length share buffers. */
const GRAIN_BYTES = 256 * 1024;
/** Below this, making a buffer is cheaper than finding one. */
const SMALLEST_BYTES = 64 * 1024;
/** Idle memory that is kept unless somebody wants less: about what a window of open wants lies in. */
const MOST_IDLE_BYTES = 20 * 1024 * 1024;
/**
 * Large memory begins 16 bytes into a page with most allocators, behind their own notes. To copy a page of a file there
 * takes three times as long on AMD's Zen as to where a cache line begins (`rep movsb` with overlapping page offsets).
 */
const LEAD_BYTES = 48;

/**
 * Lends the large buffers that chunks pass through. Without it each chunk would touch fresh memory: page
 * faults on every one, and a collector that lets hundreds of megabytes pile up before it looks.
 */
export class BufferPool {
  // Immutable.
  readonly #mostIdleBytes: number;

  // Mutable.
  /** Idle buffers, by capacity. */
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;

  constructor(mostIdleBytes = MOST_IDLE_BYTES) {
    this.#mostIdleBytes = mostIdleBytes;
  }

  /** A buffer of this length with whatever was in it. */
  allocate(length: number): Uint8Array {
    if (length < SMALLEST_BYTES) return Buffer.allocUnsafe(length);
    const capacity = Math.ceil(length / GRAIN_BYTES) * GRAIN_BYTES;
    const buffer = this.#idle.get(capacity)?.pop();
    if (buffer === undefined) {
      return Buffer.allocUnsafeSlow(LEAD_BYTES + capacity).subarray(LEAD_BYTES, LEAD_BYTES + length);
    }
    this.#idleBytes -= capacity;
    return Buffer.from(buffer, LEAD_BYTES, length);
  }

  /** Takes a buffer back. Nobody may look at it any more. Buffers of other origin are let go. */
  recycle({ buffer, byteOffset }: Uint8Array): void {
    const capacity = buffer.byteLength - LEAD_BYTES;
    if (
      !(buffer instanceof ArrayBuffer) ||
      byteOffset !== LEAD_BYTES ||
      capacity % GRAIN_BYTES !== 0 ||
      capacity === 0
    ) {
      return;
    }
    if (this.#idleBytes + capacity > this.#mostIdleBytes) return;
    const idle = this.#idle.get(capacity) ?? [];
    idle.push(buffer);
    this.#idle.set(capacity, idle);
    this.#idleBytes += capacity;
  }
}
