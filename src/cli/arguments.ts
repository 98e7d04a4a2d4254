import { parseArgs } from 'node:util';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { PeerPolicy } from '../peers/policy.ts';
import {
  common,
  durationOf,
  oneOf,
  parse,
  parseEffort,
  parseId,
  parsePort,
  parseRetryFor,
  parseTo,
  required,
  UsageError,
} from './argumentValues.ts';
import { parsePeers } from './peersArguments.ts';

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
