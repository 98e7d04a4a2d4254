import { readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { loadIdentity } from '../node/identity/identityFile.ts';
import type { Identity } from '../node/identity/identity.ts';
import { InviteFiles } from '../node/state/inviteFiles.ts';
import { KnownPeersFile } from '../node/state/knownPeersFile.ts';
import { replaceFile } from '../node/state/stateFile.ts';
import { formatAddress, parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';

const listeningSchema = v.strictObject({
  // Below 1 an id stands for a whole group of processes.
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  addresses: v.array(v.string()),
});

/** What one device keeps: its identity, the peers it knows, its invites, what it is sending. */
export class StateFolder {
  readonly location: string;
  readonly peers: KnownPeersFile;
  readonly invites: InviteFiles;

  constructor(location: string) {
    this.location = location;
    this.peers = new KnownPeersFile(join(location, 'known-peers.json'));
    this.invites = new InviteFiles(join(location, 'invites'));
  }

  identity(): Promise<Identity> {
    return loadIdentity(join(this.location, 'identity.pem'));
  }

  /** Where the pages of one outgoing transfer are kept while it runs. */
  outgoingFolder(transfer: string): string {
    return join(this.location, 'outgoing', transfer);
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
      return v.parse(listeningSchema, JSON.parse(readFileSync(this.#listeningFile, 'utf8')));
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
