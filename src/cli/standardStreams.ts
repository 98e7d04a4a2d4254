import { SUCCESS, UNSAID_STATUS } from './failures.ts';
import { wholeLine } from './output.ts';

/**
 * The program's two streams, where what it says may find no room or nobody to hear it. What it does is worth more than
 * what it says of it: a transfer goes on. A reader that has heard enough (`| head -1`) is no failure; a full disk below
 * a log is one, and is told at the end.
 */
export class StandardStreams {
  #failure: string | undefined;

  constructor() {
    process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') this.#failure ??= message;
    });
    // There is nowhere left to tell that.
    process.stderr.on('error', () => undefined);
  }

  /**
   * Ends the process as soon as everything is written, and does not wait until Node has taken itself apart: after a big
   * file that is ten milliseconds.
   */
  async end(status: number): Promise<never> {
    await written(process.stdout);
    const failure = this.#failure;
    if (failure !== undefined) {
      process.stderr.write(
        `${wholeLine(`Not everything that was to be said could be written: ${failure}`)}\n`,
      );
    }
    await written(process.stderr);
    process.exit(failure !== undefined && status === SUCCESS ? UNSAID_STATUS : status);
  }
}

/** Resolves when a stream has written what it was given, or cannot. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Nothing is written that need not be: even nothing does not fit on a full disk.
    if (stream.writableLength === 0 || stream.destroyed) setImmediate(resolve);
    else stream.write('', () => resolve());
  });
}
