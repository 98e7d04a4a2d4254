import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { limits } from '../protocol/limits.ts';
import { RETRY_FOR_MS } from '../transfer/retryPolicy.ts';
import type { Effort } from './arguments.ts';

/** What stands behind an option, checked; what makes no sense is a {@link UsageError}. */

/** Arguments that make no sense; the message says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Of all commands. */
export const common = {
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export function parse<Parsed>(parseWords: () => Parsed): Parsed {
  try {
    return parseWords();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function required(value: string | undefined, message: string): string {
  if (value === undefined || value === '') throw new UsageError(message);
  return value;
}

export function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) {
    throw new UsageError(`--port takes a number from 0 to 65535, not "${text}".`);
  }
  return port;
}

/** As many characters as name a transfer among those that one machine has left lying. */
const SHORTEST_ID = 4;

export function parseId(positionals: readonly string[], command: string): string {
  const [id = '', ...more] = positionals;
  if (more.length > 0) throw new UsageError(`${command} takes one ID, not several.`);
  if (id.length < SHORTEST_ID || !/^[0-9a-f]{1,32}$/u.test(id)) {
    throw new UsageError(
      `${command} needs the ID of a transfer, or its first ${SHORTEST_ID} characters at least, as "peer-courier transfers" lists them.`,
    );
  }
  return id;
}

export function parseTo(text: string): Address {
  const address = parseAddress(text, DEFAULT_PORT);
  if (address === undefined) throw new UsageError(`resume takes --to HOST:PORT, not "${text}".`);
  return address;
}

export function parseEffort(values: {
  readonly 'retry-for'?: string | undefined;
  readonly limit?: string | undefined;
  readonly lanes?: string | undefined;
}): Effort {
  return {
    retryForMs: parseRetryFor(values['retry-for']),
    limitBytesPerSecond: parseLimit(values.limit),
    mostLanes: parseLanes(values.lanes),
  };
}

const BYTES_A_MEGABIT = 125_000;

function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const megabits = /^\d{1,6}(?:\.\d{1,3})?$/u.test(text) ? Number(text) : 0;
  if (megabits === 0) {
    throw new UsageError(`--limit takes megabits per second, such as 50 or 0.5, not "${text}".`);
  }
  return megabits * BYTES_A_MEGABIT;
}

function parseLanes(text: string | undefined): number {
  if (text === undefined) return limits.lanes;
  const lanes = /^\d{1,2}$/u.test(text) ? Number(text) : 0;
  if (lanes < 1 || lanes > limits.lanes) {
    throw new UsageError(`--lanes takes a number from 1 to ${limits.lanes}, not "${text}".`);
  }
  return lanes;
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

export function parseRetryFor(text: string | undefined): number {
  if (text === undefined) return RETRY_FOR_MS;
  if (text === '0') return 0;
  const duration = durationOf(text);
  if (duration === undefined) {
    throw new UsageError(
      `--retry-for takes a duration such as 90s, 10m or 2h, or 0 for never, not "${text}".`,
    );
  }
  return duration;
}

/** Milliseconds. */
export function durationOf(text: string): number | undefined {
  const { amount = '', unit = '' } = /^(?<amount>\d{1,6})(?<unit>[smh])$/u.exec(text)?.groups ?? {};
  const unitMs = UNITS_MS[unit];
  return unitMs === undefined ? undefined : Number(amount) * unitMs;
}

export function oneOf<Choice extends string>(
  text: string,
  choices: readonly Choice[],
  option: string,
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option} takes ${choices.join(' or ')}, not "${text}".`);
  return found;
}
