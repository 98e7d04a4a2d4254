import type { Clock } from './clock.ts';
import { LinePace } from './linePace.ts';
import type { Logger } from './logger.ts';

/** A logger that passes on only so much of the same: see {@link LinePace} and {@link Logger}. */
export function pacedLogger(logger: Logger, clock: Clock): Logger {
  const paced = (level: keyof Logger): ((message: string) => void) => {
    const pace = new LinePace(clock, (kind, count) => {
      logger[level](`${kind === '' ? 'others' : kind}: … and ${count} more like it`);
    });
    return (message) => {
      if (pace.passes(kindOf(message))) logger[level](message);
    };
  };
  return { debug: paced('debug'), warn: paced('warn') };
}

/** What happened, without the particulars. */
function kindOf(message: string): string {
  const colon = message.indexOf(':');
  return colon === -1 ? message : message.slice(0, colon);
}
