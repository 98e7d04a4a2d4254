/**
 * Port to the log. Messages are for developers; secrets never go in, peers' strings only escaped. A message says
 * what happened, always in the same words, and after a colon the particulars: so that what comes again and again
 * can be told by its beginning and held back.
 */
export interface Logger {
  debug(message: string): void;
  warn(message: string): void;
}

/** A logger that keeps nothing. */
export const silentLogger: Logger = { debug: () => undefined, warn: () => undefined };
