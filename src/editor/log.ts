import type { Disposable, LogOutputChannel } from 'vscode';
import { printableLines } from '../base/printable.ts';

/** The log that users can read. What is written into it may quote peers, and is made inert here, in one place. */
export class Log implements Disposable {
  readonly #channel: LogOutputChannel;

  constructor(channel: LogOutputChannel) {
    this.#channel = channel;
  }

  debug(text: string): void {
    this.#channel.debug(printableLines(text));
  }

  info(text: string): void {
    this.#channel.info(printableLines(text));
  }

  warn(text: string): void {
    this.#channel.warn(printableLines(text));
  }

  error(text: string): void {
    this.#channel.error(printableLines(text));
  }

  show(): void {
    this.#channel.show();
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
