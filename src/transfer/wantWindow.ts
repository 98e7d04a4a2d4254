import { Semaphore } from '../base/semaphore.ts';
import type { Chunk } from '../protocol/chunkLayout.ts';

/**
 * How much a receiver asks for at once. What is open fills the path, and is what memory and an interruption may cost:
 * so it is as large as the path needs and no larger. A path holds its rate times its round trip; a window of that much
 * keeps it full, and twice that keeps it full while chunks are still being written.
 *
 * Sans-io: events and the time go in. Times are in milliseconds.
 */

/** Bytes that may be open on any path … */
const LEAST_BYTES = 16 * 1024 * 1024;
/** … and on the longest and fastest. */
const MOST_BYTES = 48 * 1024 * 1024;
/** What all transfers of a process may have open together; each at least one chunk. */
const TOGETHER_BYTES = 80 * 1024 * 1024;
/** The product of rate and delay is counted so often. */
const HEADROOM = 2;
/** A chunk for each lane is under way and the next one asked for. */
const CHUNKS_A_LANE = 2;
/**
 * What each file of a pack takes of the window at least. The ledger keeps the pages that the window reaches into in
 * memory, and a page of files of a few bytes each is longer than all their content.
 */
const LEAST_FILE_BYTES = 1024;

export class WantWindow {
  // Immutable.
  readonly #room = new Semaphore(LEAST_BYTES);

  // Mutable.
  #lanes = 1;
  /** Transfers that share the memory. */
  #members = 1;
  /** The longest chunk that was asked for. */
  #chunkBytes = 0;
  /** The shortest time from a want to its reply: nearly the round trip. `undefined` before the first reply. */
  #delayMs: number | undefined;
  #bytesPerSecond = 0;

  /** Resolves when there is room for a chunk; it is inside then. */
  async acquire(chunk: Chunk): Promise<void> {
    const bytes = windowBytes(chunk);
    if (bytes > this.#chunkBytes) {
      this.#chunkBytes = bytes;
      this.#resize();
    }
    await this.#room.acquire(bytes);
  }

  release(chunk: Chunk): void {
    this.#room.release(windowBytes(chunk));
  }

  /** Over so many connections chunks come now. */
  spread(lanes: number): void {
    this.#lanes = lanes;
    this.#resize();
  }

  /** So many transfers run in this process now. */
  share(members: number): void {
    this.#members = members;
    this.#resize();
  }

  /** A reply came after so long. */
  replied(afterMs: number): void {
    this.#delayMs = Math.min(this.#delayMs ?? Number.POSITIVE_INFINITY, afterMs);
  }

  /** Data comes at this rate. */
  flows(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#resize();
  }

  #resize(): void {
    const path = (HEADROOM * this.#bytesPerSecond * (this.#delayMs ?? 0)) / 1000;
    const lanes = this.#lanes === 1 ? 0 : CHUNKS_A_LANE * this.#lanes * this.#chunkBytes;
    const part = TOGETHER_BYTES / this.#members;
    this.#room.resize(Math.min(MOST_BYTES, part, Math.max(LEAST_BYTES, path, lanes)));
  }
}

/** What an open want for this chunk takes of the window. */
function windowBytes(chunk: Chunk): number {
  if (chunk.kind === 'range') return chunk.length;
  return chunk.sizes.reduce((sum, size) => sum + Math.max(size, LEAST_FILE_BYTES), 0);
}
