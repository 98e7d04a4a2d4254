import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { backgroundClock } from '../node/clock.ts';
import { loadIdentity } from '../node/identity/identityFile.ts';
import type { Identity } from '../node/identity/identity.ts';
import { InviteFiles } from '../node/state/inviteFiles.ts';
import { KnownPeers } from '../node/state/knownPeers.ts';
import { readStateFile, replaceFile } from '../node/state/stateFile.ts';
import { formatAddress, parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { TrustWatch } from './trustWatch.ts';

const listeningSchema = v.strictObject({
  // Below 1 an id stands for a whole group of processes.
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  addresses: v.array(v.string()),
});

/** How long nothing has been added to pages whose owner is taken for gone. */
const QUIET_MS = 24 * 3_600_000;

/** What one device keeps: its identity, the peers it knows, its invites, what it is sending. */
export class StateFolder {
  readonly location: string;
  readonly peers: KnownPeers;
  /** Ends what runs with peers that are not known any more. */
  readonly trust: TrustWatch;
  readonly invites: InviteFiles;
  /** Invites to what is shared; one of the others is never looked for among them. */
  readonly shares: InviteFiles;
  /** Where the identity lies, if it is kept in this folder. */
  readonly identityFile: string;
  readonly #identity: () => Promise<Identity>;

  /** `identity` is where it comes from if it is not kept in a file of this folder. */
  constructor(location: string, identity?: () => Promise<Identity>) {
    this.location = location;
    this.identityFile = join(location, 'identity.pem');
    this.#identity = identity ?? (() => loadIdentity(this.identityFile));
    this.peers = new KnownPeers(join(location, 'peers'));
    this.trust = new TrustWatch(backgroundClock, this.peers);
    this.invites = new InviteFiles(join(location, 'invites'));
    this.shares = new InviteFiles(join(location, 'shares'));
  }

  identity(): Promise<Identity> {
    return this.#identity();
  }

  /**
   * Whether the identity is about to be made anew though this device has paired before: then its key is gone, and
   * whoever knows it will not know it any more.
   */
  get hasLostIdentity(): boolean {
    return !existsSync(this.identityFile) && this.peers.list().length > 0;
  }

  /** Where the pages of one outgoing transfer are kept while it runs in this process. */
  outgoingFolder(transfer: string): string {
    return join(this.location, 'outgoing', `${process.pid}-${transfer}`);
  }

  /** Where the pages of one incoming session are kept while it runs in this process; `session` is its alone. */
  incomingFolder(session: string): string {
    return join(this.location, 'incoming', `${process.pid}-${session}`);
  }

  /**
   * Removes the pages that processes left which were killed. Several processes may share this folder, also from
   * other machines or containers, where a process id says nothing: so only what has been quiet for a day goes.
   */
  sweep(): void {
    for (const kind of ['incoming', 'outgoing']) {
      const parent = join(this.location, kind);
      for (const name of namesIn(parent)) {
        const folder = join(parent, name);
        try {
          const quietMs = Date.now() - lstatSync(folder).mtimeMs;
          if (quietMs > QUIET_MS && !isRunning(Number(/^(\d+)-/u.exec(name)?.[1] ?? 0))) {
            rmSync(folder, { recursive: true, force: true });
          }
        } catch {
          // Another process sweeps too, or it stays until the next time.
        }
      }
    }
  }

  /** Says where this device's receiver listens, for `peer-courier invite`. */
  recordListening(addresses: readonly Address[]): void {
    const text = JSON.stringify({ pid: process.pid, addresses: addresses.map(formatAddress) });
    replaceFile(this.#listeningFile, text);
  }

  /** The receiver has stopped; another one's record stays. */
  forgetListening(): void {
    if (this.#readListening()?.pid === process.pid) rmSync(this.#listeningFile, { force: true });
  }

  /** Where this device's receiver listens; empty if none runs. */
  listeningAddresses(): readonly Address[] {
    const listening = this.#readListening();
    if (listening === undefined || !isRunning(listening.pid)) return [];
    return listening.addresses
      .map((address) => parseAddress(address))
      .filter((address) => address !== undefined);
  }

  get #listeningFile(): string {
    return join(this.location, 'listening.json');
  }

  #readListening(): v.InferOutput<typeof listeningSchema> | undefined {
    try {
      return v.parse(listeningSchema, JSON.parse(readStateFile(this.#listeningFile)));
    } catch {
      return undefined;
    }
  }
}

/** Where the terminal program keeps its state when it is not told. */
export function defaultStateFolder(): string {
  const home = homedir();
  switch (process.platform) {
    case 'win32':
      return join(process.env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'peer-courier');
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'peer-courier');
    default:
      return join(process.env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'peer-courier');
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  // Zero stands for the group of this process.
  if (pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
