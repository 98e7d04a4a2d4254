import type { Logger } from '../base/logger.ts';
import { pacedLogger } from '../base/pacedLogger.ts';
import { printable, printableJson } from '../base/printable.ts';
import { backgroundClock } from '../node/clock.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import { progressLine } from './progressLine.ts';

/**
 * Where the program speaks. A port, so that commands can be run without a process around them. Whatever a text
 * holds, it stays one line and does nothing to the terminal: that is seen to here and not by each caller.
 */
export interface Output {
  /** An event for programs; nothing without `--json`. */
  event(name: string, fields: Readonly<Record<string, unknown>>): void;
  /** A line for people; nothing with `--json`. */
  line(text: string): void;
  /** A line for people on the error stream; an `error` event says the same with `--json`. */
  problem(text: string): void;
  /** Shows progress while it lasts; `read` is called a few times a second. */
  watch(read: () => ProgressSnapshot | undefined): void;
  unwatch(): void;
}

/** How often progress is told. */
const PROGRESS_EVERY_MS = 250;

/** Lines of JSON on the standard output. */
export class JsonOutput implements Output {
  #timer: NodeJS.Timeout | undefined;

  event(name: string, fields: Readonly<Record<string, unknown>>): void {
    process.stdout.write(`${printableJson({ event: name, ...fields })}\n`);
  }

  line(): void {
    // People are not listening.
  }

  problem(): void {
    // The event has said it.
  }

  watch(read: () => ProgressSnapshot | undefined): void {
    this.unwatch();
    this.#timer = setInterval(() => {
      const snapshot = read();
      if (snapshot !== undefined) this.event('progress', { ...snapshot });
    }, PROGRESS_EVERY_MS);
  }

  unwatch(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Text for people; a progress line that redraws itself when the output is a terminal. */
export class TextOutput implements Output {
  #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;

  event(): void {
    // Programs are not listening.
  }

  line(text: string): void {
    this.#erase();
    process.stdout.write(`${wholeLine(text)}\n`);
  }

  problem(text: string): void {
    this.#erase();
    process.stderr.write(`${wholeLine(text)}\n`);
  }

  watch(read: () => ProgressSnapshot | undefined): void {
    this.unwatch();
    if (!process.stdout.isTTY) return;
    this.#timer = setInterval(() => {
      const snapshot = read();
      if (snapshot === undefined) return;
      this.#erase();
      // 0 columns: a terminal that does not know its width.
      const { columns } = process.stdout;
      process.stdout.write(progressLine(snapshot, columns > 0 ? columns : undefined));
      this.#isDrawn = true;
    }, PROGRESS_EVERY_MS);
  }

  unwatch(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #erase(): void {
    if (!this.#isDrawn) return;
    // Carriage return, then erase to the end of the line (ECMA-48 EL).
    process.stdout.write('\r\u001b[K');
    this.#isDrawn = false;
  }
}

/** Printable and not cut: what of it may be long is cut where it is put in. */
export function wholeLine(text: string): string {
  return printable(text, Number.POSITIVE_INFINITY);
}

/** A log of which programs hear, and people do not. */
export function logTo(output: Output): Logger {
  const log = (level: string) => (message: string) =>
    output.event('log', { level, message: printable(message) });
  return pacedLogger({ debug: log('debug'), warn: log('warn') }, backgroundClock);
}
