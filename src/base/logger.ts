/** Port to the log. Messages are for developers; secrets never go in, peers' strings only escaped. */
export interface Logger {
  debug(message: string): void;
  warn(message: string): void;
}

/** A logger that keeps nothing. */
export const silentLogger: Logger = { debug: () => undefined, warn: () => undefined };
