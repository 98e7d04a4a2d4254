import { parseArgs } from 'node:util';
import { printable } from '../base/printable.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { PeerPolicy } from '../peers/policy.ts';
import { limits } from '../protocol/limits.ts';
import { RETRY_FOR_MS } from '../transfer/retryPolicy.ts';

/** What the user asked for, checked. */
export type Command =
  | ReceiveCommand
  | SendCommand
  | ResumeCommand
  | DiscardCommand
  | TransfersCommand
  | PairCommand
  | NearbyCommand
  | PeersCommand
  | DoctorCommand
  | {
      readonly name: 'invite';
      readonly state: string | undefined;
      readonly inviteFile: string | undefined;
      readonly isJson: boolean;
    }
  | { readonly name: 'help' }
  | { readonly name: 'version' };

export interface ReceiveCommand {
  readonly name: 'receive';
  readonly folder: string;
  /** Holds an invite to what another device shares: that is dialled, and nobody is waited for. */
  readonly fromFile: string | undefined;
  /** How long it dials again after an interruption, without any progress. */
  readonly retryForMs: number;
  readonly host: string | undefined;
  readonly port: number;
  readonly inviteFile: string | undefined;
  readonly accept: 'known' | 'ask';
  readonly onConflict: ConflictPolicy;
  readonly state: string | undefined;
  readonly isOnce: boolean;
  /** Not announced on the local network. */
  readonly isHidden: boolean;
  readonly isJson: boolean;
}

export interface SendCommand {
  readonly name: 'send';
  readonly paths: readonly string[];
  readonly inviteFile: string | undefined;
  readonly to: string | undefined;
  /** Nobody is dialled: whoever redeems an invite gets it. */
  readonly share: ShareWords | undefined;
  readonly effort: Effort;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

/** Where whoever redeems an invite comes to, and where that invite is written. */
export interface ShareWords {
  /** Absent: it is printed. */
  readonly file: string | undefined;
  readonly host: string | undefined;
  readonly port: number;
}

/** What sending may cost. */
export interface Effort {
  /** How long it is tried again after an interruption, without any progress. */
  readonly retryForMs: number;
  /** `undefined` for no limit. */
  readonly limitBytesPerSecond: number | undefined;
  /** Connections that a transfer may use at once. */
  readonly mostLanes: number;
}

export interface ResumeCommand {
  readonly name: 'resume';
  /** The beginning of one. */
  readonly id: string;
  readonly inviteFile: string | undefined;
  readonly to: Address | undefined;
  readonly effort: Effort;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

export interface DiscardCommand {
  readonly name: 'discard';
  /** The beginning of one. */
  readonly id: string;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

export interface PairCommand {
  readonly name: 'pair';
  /** The other device, which waits; absent, this one waits. */
  readonly to: string | undefined;
  readonly host: string | undefined;
  readonly port: number;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

export interface NearbyCommand {
  readonly name: 'nearby';
  /** How long it is looked. */
  readonly forMs: number;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

export interface PeersCommand {
  readonly name: 'peers';
  readonly action: PeersAction;
  readonly state: string | undefined;
  readonly isJson: boolean;
}

/** What becomes of the known peers; `peer` is a name, or the beginning of a fingerprint. */
export type PeersAction =
  | { readonly kind: 'list' }
  | { readonly kind: 'rename'; readonly peer: string; readonly to: string }
  | { readonly kind: 'forget'; readonly peer: string }
  | { readonly kind: 'policy'; readonly peer: string; readonly policy: PeerPolicy };

export interface DoctorCommand {
  readonly name: 'doctor';
  /** A known peer's name, or `HOST[:PORT]`; absent, only this device is looked at. */
  readonly target: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly state: string | undefined;
  /** Without what says whose machine it is. */
  readonly isRedacted: boolean;
  readonly isJson: boolean;
}

export interface TransfersCommand {
  readonly name: 'transfers';
  readonly state: string | undefined;
  readonly isJson: boolean;
}

/** Arguments that make no sense; the message says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Peer Courier sends files and folders straight to another machine: encrypted and verified.

  peer-courier receive --folder DIR [options]     wait for transfers and receive them into DIR
      --invite-file FILE       write an invite to FILE: hand it to the sender; one use, ten minutes
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
      --accept known|ask       known: accept from paired and invited peers; ask: ask for each offer
      --on-conflict POLICY     a name is taken: skip, keep-both (default) or replace
      --once                   stop after the first transfer that has ended
      --hidden                 do not announce this receiver on the local network
  peer-courier receive --folder DIR --from-file FILE
                               fetch what another device shares: FILE holds its invite ("-": read it from input)
      --retry-for DURATION     as below

  peer-courier send PATH... --invite-file FILE    send to whoever made the invite ("-": read it from input)
  peer-courier send PATH... --to NAME|HOST:PORT   send to a peer that is known from an invite
  peer-courier send PATH... --share               send to whoever uses an invite, by dialling this machine
      --share-file FILE        write the invite to FILE instead of printing it; one use, ten minutes
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
      --retry-for DURATION     after an interruption, try so long without progress:
                               90s, 10m (default), 2h; 0: never
      --limit MBIT             send at most so many megabits per second (default: no limit)
      --lanes N                use at most N connections, 1 to ${limits.lanes} (default: as many as help)

  peer-courier transfers                          list what was interrupted here and can go on
  peer-courier resume ID                          go on with one that was sent or fetched from here
      --to HOST:PORT           the receiver is there now
      --invite-file FILE       … or where this invite says
      --retry-for, --limit, --lanes   as above
  peer-courier discard ID                         give one up, and remove what is held of it

  peer-courier pair                               wait for another device, and compare a code with its user
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
  peer-courier pair HOST[:PORT]                   the same, with the device that waits there

  peer-courier nearby                             list the devices of this network that answer now
      --for DURATION           look so long (default: 3s)

  peer-courier invite                             make one more invite for the receiver that runs here
      --invite-file FILE       write it to FILE instead of printing it

  peer-courier peers                              list the known peers, and what they may do
  peer-courier peers rename NAME NEW              call one otherwise; NAME may also be a fingerprint's beginning
  peer-courier peers forget NAME                  make one a stranger, and give up what has not ended with it
  peer-courier peers accept NAME --up-to SIZE --folder DIR
                                                  receive its offers up to SIZE (500MB, 2GB) into DIR, unasked
  peer-courier peers ask NAME                     ask about each of its offers
  peer-courier peers block NAME                   let it in no more, and send nothing to it
  peer-courier peers default NAME                 no rule of its own: as receive --accept says

  peer-courier doctor                             look what keeps others from reaching this device
      --host ADDRESS, --port N   … if it listened there
  peer-courier doctor NAME|HOST[:PORT]            … and what lies between it and that peer
      --redacted               leave out what says whose machine it is, for a report that others read

  All take --state DIR (identity, known peers, what was interrupted)
  and --json (one JSON object a line, for programs).
  Every failure has an exit status of its own; the README lists them.
`;

/** Parses the words after the program's name; throws a {@link UsageError}. */
export function parseCommand(words: readonly string[]): Command {
  const [name, ...rest] = words;
  switch (name) {
    case 'receive':
      return parseReceive(rest);
    case 'send':
      return parseSend(rest);
    case 'resume':
      return parseResume(rest);
    case 'discard':
      return parseDiscard(rest);
    case 'transfers':
      return parseTransfers(rest);
    case 'invite':
      return parseInvite(rest);
    case 'pair':
      return parsePair(rest);
    case 'nearby':
      return parseNearby(rest);
    case 'peers':
      return parsePeers(rest);
    case 'doctor':
      return parseDoctor(rest);
    case '--version':
      return { name: 'version' };
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return { name: 'help' };
    default:
      throw new UsageError(
        `There is no command "${name}". Commands: receive, send, transfers, resume, discard, invite, pair, nearby, peers, doctor.`,
      );
  }
}

const common = {
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const whereTo = {
  'invite-file': { type: 'string' },
  to: { type: 'string' },
  'retry-for': { type: 'string' },
  limit: { type: 'string' },
  lanes: { type: 'string' },
} as const;

function parseReceive(words: readonly string[]): Command {
  const { values } = parse(() =>
    parseArgs({
      args: [...words],
      options: {
        ...common,
        folder: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        'invite-file': { type: 'string' },
        accept: { type: 'string', default: 'known' },
        'on-conflict': { type: 'string', default: 'keep-both' },
        once: { type: 'boolean', default: false },
        hidden: { type: 'boolean', default: false },
        'from-file': { type: 'string' },
        'retry-for': { type: 'string' },
      },
    }),
  );
  if (values.help) return { name: 'help' };
  const fromFile = values['from-file'];
  const waits = [values.host, values.port, values['invite-file']].some((value) => value !== undefined);
  if (fromFile !== undefined && (waits || values.once)) {
    throw new UsageError(
      'With --from-file the other device is dialled: --host, --port, --invite-file and --once are for waiting.',
    );
  }
  if (fromFile === '-' && values.accept === 'ask') {
    throw new UsageError('--accept ask needs the terminal for its question: give --from-file a file.');
  }
  if (fromFile === undefined && values['retry-for'] !== undefined) {
    throw new UsageError('--retry-for needs --from-file: without it the sender comes back by itself.');
  }
  return {
    name: 'receive',
    folder: required(values.folder, 'receive needs --folder DIR, the folder to receive into.'),
    fromFile,
    retryForMs: parseRetryFor(values['retry-for']),
    host: values.host,
    port: parsePort(values.port),
    inviteFile: values['invite-file'],
    accept: oneOf(values.accept, ['known', 'ask'], '--accept'),
    onConflict: oneOf(values['on-conflict'], ['skip', 'keep-both', 'replace'], '--on-conflict'),
    state: values.state,
    isOnce: values.once,
    isHidden: values.hidden,
    isJson: values.json,
  };
}

function parseSend(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({
      args: [...words],
      options: {
        ...common,
        ...whereTo,
        share: { type: 'boolean', default: false },
        'share-file': { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
      },
      allowPositionals: true,
    }),
  );
  if (values.help) return { name: 'help' };
  if (positionals.length === 0) {
    throw new UsageError('send needs at least one PATH: the file or folder to send.');
  }
  const ways = [values['invite-file'], values.to, values.share ? 'share' : undefined];
  if (ways.filter((way) => way !== undefined).length !== 1) {
    throw new UsageError('send needs either --invite-file FILE or --to NAME|HOST:PORT, or --share.');
  }
  const listens = [values['share-file'], values.host, values.port].some((value) => value !== undefined);
  if (listens && !values.share) {
    throw new UsageError('--share-file, --host and --port need --share: nobody is waited for without it.');
  }
  return {
    name: 'send',
    paths: positionals,
    inviteFile: values['invite-file'],
    to: values.to,
    share: values.share
      ? { file: values['share-file'], host: values.host, port: parsePort(values.port) }
      : undefined,
    effort: parseEffort(values),
    state: values.state,
    isJson: values.json,
  };
}

function parseResume(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({ args: [...words], options: { ...common, ...whereTo }, allowPositionals: true }),
  );
  if (values.help) return { name: 'help' };
  if (values.to !== undefined && values['invite-file'] !== undefined) {
    throw new UsageError('resume takes --to HOST:PORT or --invite-file FILE, not both.');
  }
  return {
    name: 'resume',
    id: parseId(positionals, 'resume'),
    inviteFile: values['invite-file'],
    to: values.to === undefined ? undefined : parseTo(values.to),
    effort: parseEffort(values),
    state: values.state,
    isJson: values.json,
  };
}

function parseDiscard(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({ args: [...words], options: common, allowPositionals: true }),
  );
  if (values.help) return { name: 'help' };
  return {
    name: 'discard',
    id: parseId(positionals, 'discard'),
    state: values.state,
    isJson: values.json,
  };
}

function parseTransfers(words: readonly string[]): Command {
  const { values } = parse(() => parseArgs({ args: [...words], options: common }));
  if (values.help) return { name: 'help' };
  return { name: 'transfers', state: values.state, isJson: values.json };
}

function parseInvite(words: readonly string[]): Command {
  const { values } = parse(() =>
    parseArgs({ args: [...words], options: { ...common, 'invite-file': { type: 'string' } } }),
  );
  if (values.help) return { name: 'help' };
  return { name: 'invite', state: values.state, inviteFile: values['invite-file'], isJson: values.json };
}

function parsePair(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({
      args: [...words],
      options: { ...common, host: { type: 'string' }, port: { type: 'string' } },
      allowPositionals: true,
    }),
  );
  if (values.help) return { name: 'help' };
  const [to, ...more] = positionals;
  if (more.length > 0) throw new UsageError('pair takes one HOST[:PORT], not several.');
  if (to !== undefined && (values.host !== undefined || values.port !== undefined)) {
    throw new UsageError('--host and --port say where to wait; with HOST[:PORT] the other device waits.');
  }
  if (to !== undefined && parseAddress(to, DEFAULT_PORT) === undefined) {
    throw new UsageError(`pair takes HOST[:PORT], not "${to}".`);
  }
  return {
    name: 'pair',
    to,
    host: values.host,
    port: parsePort(values.port),
    state: values.state,
    isJson: values.json,
  };
}

const LOOK_FOR = '3s';

function parseNearby(words: readonly string[]): Command {
  const { values } = parse(() =>
    parseArgs({ args: [...words], options: { ...common, for: { type: 'string', default: LOOK_FOR } } }),
  );
  if (values.help) return { name: 'help' };
  const forMs = durationOf(values.for);
  if (forMs === undefined || forMs === 0) {
    throw new UsageError(`--for takes a duration such as 3s or 1m, not "${values.for}".`);
  }
  return { name: 'nearby', forMs, state: values.state, isJson: values.json };
}

function parseDoctor(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({
      args: [...words],
      options: {
        ...common,
        host: { type: 'string' },
        port: { type: 'string' },
        redacted: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    }),
  );
  if (values.help) return { name: 'help' };
  const [target, ...more] = positionals;
  if (more.length > 0) throw new UsageError('doctor takes one NAME or HOST[:PORT], not several.');
  if (values.port === '0') throw new UsageError('doctor needs a --port from 1 to 65535.');
  return {
    name: 'doctor',
    target,
    host: values.host,
    port: values.port === undefined ? undefined : parsePort(values.port),
    state: values.state,
    isRedacted: values.redacted,
    isJson: values.json,
  };
}

function parsePeers(words: readonly string[]): Command {
  const { values, positionals } = parse(() =>
    parseArgs({
      args: [...words],
      options: { ...common, 'up-to': { type: 'string' }, folder: { type: 'string' } },
      allowPositionals: true,
    }),
  );
  if (values.help) return { name: 'help' };
  const { 'up-to': upTo, folder } = values;
  if (positionals[0] !== 'accept' && (upTo !== undefined || folder !== undefined)) {
    throw new UsageError('--up-to and --folder belong to "peers accept".');
  }
  const action = parsePeersAction(positionals, { upTo, folder });
  return { name: 'peers', action, state: values.state, isJson: values.json };
}

function parsePeersAction(
  [kind, peer, ...more]: readonly string[],
  { upTo, folder }: { readonly upTo: string | undefined; readonly folder: string | undefined },
): PeersAction {
  if (kind === undefined) return { kind: 'list' };
  const verb = oneOf(kind, ['rename', 'forget', 'accept', 'ask', 'block', 'default'], 'peers');
  const isWhole = more.length === (verb === 'rename' ? 1 : 0);
  if (peer === undefined || peer === '' || !isWhole) {
    throw new UsageError(
      `peers ${verb} takes ${verb === 'rename' ? 'NAME and NEW, two words' : 'one NAME'}.`,
    );
  }
  switch (verb) {
    case 'rename':
      return { kind: 'rename', peer, to: parseNewName(more[0]) };
    case 'forget':
      return { kind: 'forget', peer };
    case 'accept': {
      const into = required(folder, 'peers accept needs --folder DIR, the folder to receive into.');
      return { kind: 'policy', peer, policy: { kind: 'accept', upToBytes: parseSize(upTo), folder: into } };
    }
    case 'ask':
    case 'block':
    case 'default':
      return { kind: 'policy', peer, policy: { kind: verb } };
  }
}

function parseNewName(text = ''): string {
  const name = printable(text.trim(), 64);
  if (name === '') throw new UsageError('peers rename needs a new name that is not empty.');
  return name;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

function parseSize(text: string | undefined): number {
  const { amount = '', unit = '' } =
    /^(?<amount>\d{1,6}(?:\.\d{1,3})?) ?(?<unit>[kmgt]b)$/iu.exec(text ?? '')?.groups ?? {};
  const bytes = Math.round(Number(amount) * (SIZE_UNITS[unit.toLowerCase()] ?? 0));
  if (bytes < 1) {
    const what = text === undefined ? 'it is missing' : `not "${text}"`;
    throw new UsageError(`--up-to takes a size such as 500MB or 1.5GB: ${what}.`);
  }
  return bytes;
}

function parse<Parsed>(parseWords: () => Parsed): Parsed {
  try {
    return parseWords();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function required(value: string | undefined, message: string): string {
  if (value === undefined || value === '') throw new UsageError(message);
  return value;
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) {
    throw new UsageError(`--port takes a number from 0 to 65535, not "${text}".`);
  }
  return port;
}

/** As many characters as name a transfer among those that one machine has left lying. */
const SHORTEST_ID = 4;

function parseId(positionals: readonly string[], command: string): string {
  const [id = '', ...more] = positionals;
  if (more.length > 0) throw new UsageError(`${command} takes one ID, not several.`);
  if (id.length < SHORTEST_ID || !/^[0-9a-f]{1,32}$/u.test(id)) {
    throw new UsageError(
      `${command} needs the ID of a transfer, or its first ${SHORTEST_ID} characters at least, as "peer-courier transfers" lists them.`,
    );
  }
  return id;
}

function parseTo(text: string): Address {
  const address = parseAddress(text, DEFAULT_PORT);
  if (address === undefined) throw new UsageError(`resume takes --to HOST:PORT, not "${text}".`);
  return address;
}

function parseEffort(values: {
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

function parseRetryFor(text: string | undefined): number {
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
function durationOf(text: string): number | undefined {
  const { amount = '', unit = '' } = /^(?<amount>\d{1,6})(?<unit>[smh])$/u.exec(text)?.groups ?? {};
  const unitMs = UNITS_MS[unit];
  return unitMs === undefined ? undefined : Number(amount) * unitMs;
}

function oneOf<Choice extends string>(text: string, choices: readonly Choice[], option: string): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option} takes ${choices.join(' or ')}, not "${text}".`);
  return found;
}
