import { isAbsolute, join } from 'node:path';
import type { EngineSettings } from '../../rpc/model.ts';

export const DEFAULT_PORT = 47_470;

/** The settings as they stand in the user's files: anything may be there. */
export interface RawSettings {
  readonly receiveFolder: unknown;
  readonly port: unknown;
  readonly host: unknown;
  readonly deviceName: unknown;
  readonly accept: unknown;
  readonly acceptLimit: unknown;
  readonly compression: unknown;
  readonly bandwidthLimit: unknown;
  readonly discovery: unknown;
}

/** A setting whose value makes no sense; its default counts. */
export type SettingProblem = 'receiveFolder' | 'port' | 'host' | 'acceptLimit' | 'bandwidthLimit';

const MOST_NAME_CHARACTERS = 64;
const HOST = /^(?:[\w.-]{1,253}|[0-9a-f:.]{2,45}(?:%[\w.-]+)?)$/iu;
const MEGABYTE = 1_000_000;
/** A megabit, in bytes. */
const MEGABIT = 125_000;

/** What the engine is told, and what in the settings had to be passed over. */
export function parseSettings(
  raw: RawSettings,
  home: string,
): { readonly settings: EngineSettings; readonly problems: readonly SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const passOver = <Value>(problem: SettingProblem, instead: Value): Value => {
    problems.push(problem);
    return instead;
  };
  const settings: EngineSettings = {
    receiveFolder: parseFolder(raw.receiveFolder, home) ?? passOver('receiveFolder', ''),
    port: parseInteger(raw.port, 1, 65_535) ?? passOver('port', DEFAULT_PORT),
    host: parseHost(raw.host) ?? passOver('host', ''),
    deviceName: parseName(raw.deviceName),
    accept: raw.accept === 'known' ? 'known' : 'ask',
    // A limit that cannot be read must not become "no limit".
    acceptLimitBytes: Math.round(
      (parseAmount(raw.acceptLimit) ?? passOver('acceptLimit', DEFAULT_ACCEPT_LIMIT)) * MEGABYTE,
    ),
    compression: raw.compression === 'off' ? 'off' : 'automatic',
    limitBytesPerSecond: Math.round(
      (parseAmount(raw.bandwidthLimit) ?? passOver('bandwidthLimit', 0)) * MEGABIT,
    ),
    discovery: raw.discovery === 'off' ? 'off' : 'automatic',
  };
  return { settings, problems };
}

/** In megabytes, as in package.json. */
const DEFAULT_ACCEPT_LIMIT = 100;

function parseFolder(value: unknown, home: string): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (text === '') return '';
  if (text === '~') return home;
  if (/^~[/\\]/u.test(text)) return join(home, text.slice(2));
  return isAbsolute(text) ? text : undefined;
}

function parseHost(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || HOST.test(text) ? text : undefined;
}

function parseName(value: unknown): string {
  return typeof value === 'string' ? [...value.trim()].slice(0, MOST_NAME_CHARACTERS).join('') : '';
}

function parseInteger(value: unknown, least: number, most: number): number | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  return value >= least && value <= most ? value : undefined;
}

function parseAmount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MOST_AMOUNT
    ? value
    : undefined;
}

const MOST_AMOUNT = 1_000_000_000;
