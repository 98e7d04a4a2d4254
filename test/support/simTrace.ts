import { createHash } from 'node:crypto';

/** How many of the latest events are kept for people. */
const TAIL_LINES = 60;

/** Everything that happened in a history, in order: a digest of it, and the end of it in words. */
export class SimTrace {
  readonly #digest = createHash('sha256');
  readonly #tail: string[] = [];
  readonly #print: ((line: string) => void) | undefined;
  /** How many events there were. */
  events = 0;

  /** `print` gets each event as it happens. */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  add(nowMs: number, text: string): void {
    const line = `${nowMs.toFixed(3)} ${text}`;
    this.events += 1;
    this.#digest.update(line).update('\n');
    this.#tail.push(line);
    // In bulk: to move the rest at each line costs more than the rest of a trace.
    if (this.#tail.length > 4 * TAIL_LINES) this.#tail.splice(0, this.#tail.length - TAIL_LINES);
    this.#print?.(line);
  }

  get tail(): readonly string[] {
    return this.#tail.slice(-TAIL_LINES);
  }

  /** SHA-256 of all events, in hexadecimal; no further use. */
  finish(): string {
    return this.#digest.digest('hex');
  }
}
