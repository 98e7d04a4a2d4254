import type { SimScheduler } from './simScheduler.ts';

/** Who has less room than this part of a buffer says that there is none: else bytes trickle (RFC 9293 § 3.8.6.2). */
const SILLY_PART = 8;

/** What a path is like. */
export interface PathConditions {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  /** What the sending kernel takes before a process has to wait. */
  readonly sendBufferBytes: number;
  /** What may be under way or unread at once. */
  readonly windowBytes: number;
  /** How many bytes travel together next. */
  readonly segmentBytes: () => number;
}

/** What the two ends of a pipe hear of it. */
export interface PipeEvents {
  /** There is something to read, or the end of it. */
  readonly onReadable: () => void;
  /** The kernel has taken bytes: who waits to send may look again. */
  readonly onRoom: () => void;
  /** Bytes came to an end that is not there any more. */
  readonly onRefused: () => void;
}

interface Segment {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/**
 * One direction of a simulated TCP connection: bytes arrive in order, none is invented, and they are cut
 * anywhere. What the process has sent lies in the sender's kernel until it has arrived.
 */
export class SimPipe {
  // Immutable.
  readonly name: string;
  readonly #scheduler: SimScheduler;
  readonly #conditions: PathConditions;
  readonly #events: PipeEvents;

  // Mutable.
  /** Pieces that the kernel has taken and not put on the path. */
  readonly #taken: Uint8Array[] = [];
  /** Bytes in the sending kernel, those on the path included. */
  #takenBytes = 0;
  #onPath: Segment[] = [];
  #onPathBytes = 0;
  readonly #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  /** The sender's process will send no more. */
  #isEnding = false;
  /** … and the path has taken the last byte of it. */
  #hasLast = false;
  #isEnded = false;
  #isBroken = false;
  /** Nothing arrives. */
  #isBlocked = false;
  /** Arrivals that fell into a block. */
  #missed = 0;
  #busyUntil = 0;
  #lastArrival = 0;
  /** Whether the receiving end's kernel has the connection; else what comes is refused. */
  hasReader = true;
  /** Bytes that arrived. */
  arrivedBytes = 0;

  constructor(name: string, scheduler: SimScheduler, conditions: PathConditions, events: PipeEvents) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#conditions = conditions;
    this.#events = events;
  }

  /** As much of `bytes` as the sending kernel takes now; their memory is free afterwards. */
  take(bytes: Uint8Array): number {
    const { sendBufferBytes } = this.#conditions;
    const room = sendBufferBytes - this.#takenBytes;
    const count = Math.min(room, bytes.length);
    if (count < bytes.length && room < sendBufferBytes / SILLY_PART) return 0;
    this.#taken.push(bytes.slice(0, count));
    this.#takenBytes += count;
    this.#transmit();
    return count;
  }

  /** No more comes after what was taken. */
  end(): void {
    this.#isEnding = true;
    this.#transmit();
  }

  /** The next bytes; `ended` after the last, `undefined` while there are none. */
  read(): Uint8Array | 'ended' | undefined {
    const bytes = this.#unread.shift();
    if (bytes === undefined) return this.#isEnded ? 'ended' : undefined;
    this.#unreadBytes -= bytes.length;
    this.#transmit();
    return bytes;
  }

  get hasUnread(): boolean {
    return this.#unreadBytes > 0;
  }

  /** Everything on it is lost. */
  break(): void {
    this.#isBroken = true;
    this.#onPath = [];
    this.#taken.length = 0;
    this.#unread.length = 0;
  }

  block(): void {
    this.#isBlocked = true;
  }

  /** What was held up is sent again after a while. */
  unblock(retransmitMs: number): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    for (let count = this.#missed; count > 0; count -= 1) this.#arriveAfter(retransmitMs);
    this.#missed = 0;
  }

  #transmit(): void {
    const { windowBytes, bytesPerMs, latencyMs, jitterMs } = this.#conditions;
    while (!this.#isBroken) {
      const room = windowBytes - this.#onPathBytes - this.#unreadBytes;
      if (room < windowBytes / SILLY_PART) return;
      const bytes = this.#cut(room);
      const isLast = this.#isEnding && !this.#hasLast && this.#taken.length === 0;
      if (bytes === undefined && !isLast) return;
      if (isLast) this.#hasLast = true;
      const length = bytes?.length ?? 0;
      this.#onPath.push({ bytes: bytes ?? new Uint8Array(0), isLast });
      this.#onPathBytes += length;
      const { now } = this.#scheduler;
      this.#busyUntil = Math.max(now, this.#busyUntil) + length / bytesPerMs;
      // The same jitter for the same bytes, without a draw: what overtakes is put in order again by TCP.
      const jitter = (jitterMs * (length % 17)) / 17;
      this.#lastArrival = Math.max(this.#lastArrival, this.#busyUntil + latencyMs + jitter);
      this.#arriveAfter(this.#lastArrival - now);
    }
  }

  /** The next piece to travel. */
  #cut(most: number): Uint8Array | undefined {
    const [first] = this.#taken;
    if (first === undefined) return undefined;
    const length = Math.min(first.length, most, Math.max(1, this.#conditions.segmentBytes()));
    if (length === first.length) this.#taken.shift();
    else this.#taken[0] = first.subarray(length);
    return first.subarray(0, length);
  }

  #arriveAfter(delayMs: number): void {
    // No label: what arrives says so itself.
    this.#scheduler.after(delayMs, '', () => this.#arrive());
  }

  /** The foremost segment arrives, if anything can. */
  #arrive(): void {
    if (this.#isBroken) return;
    if (this.#isBlocked) {
      this.#missed += 1;
      return;
    }
    const segment = this.#onPath.shift();
    if (segment === undefined) return;
    const { bytes, isLast } = segment;
    this.#onPathBytes -= bytes.length;
    this.#takenBytes -= bytes.length;
    this.#scheduler.note(`${this.name} ${bytes.length}${isLast ? ' and the end' : ''} ${headOf(bytes)}`);
    if (!this.hasReader) {
      if (bytes.length > 0) this.#events.onRefused();
      return;
    }
    this.arrivedBytes += bytes.length;
    if (bytes.length > 0) {
      this.#unread.push(bytes);
      this.#unreadBytes += bytes.length;
    }
    if (isLast) this.#isEnded = true;
    this.#events.onReadable();
    this.#events.onRoom();
    this.#transmit();
  }
}

/** Enough of a segment for a trace to differ when its content does. */
function headOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8)).toString('hex');
}
