import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import type { KnownPeer } from '../node/state/knownPeers.ts';
import { formatAddress, parseAddress } from '../peers/address.ts';
import { parseFingerprint } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { StoredPolicy } from '../peers/policy.ts';
import type { PeerPolicy, PeerSummary, TransferSummary } from '../rpc/model.ts';
import { requireNotBlocked } from './notBlocked.ts';
import type { StateFolder } from './stateFolder.ts';

/** The known peers as clients see them, and what clients may do to them. */
export class PeerBook {
  // Immutable.
  readonly #state: StateFolder;
  readonly #onChange: () => void;

  // Mutable.
  /** By fingerprint. A snapshot asks for them many times a second. */
  readonly #names = new Map<string, string>();

  constructor(state: StateFolder, onChange: () => void) {
    this.#state = state;
    this.#onChange = onChange;
  }

  list(): readonly PeerSummary[] {
    return this.#state.peers.list().map(summaryOf);
  }

  /** One that was there a moment ago. */
  get(peer: string): PeerSummary {
    const found = this.list().find(({ fingerprint }) => fingerprint === peer);
    if (found === undefined) throw new CourierError('internal', 'a peer vanished while it was added');
    return found;
  }

  /** One that is not known has no name; sending to it says so. */
  nameOf(peer: string): string {
    const cached = this.#names.get(peer);
    if (cached !== undefined) return cached;
    const name = this.#findName(peer);
    if (name !== undefined) this.#names.set(peer, name);
    return name ?? peer;
  }

  /** Its peer may have been renamed since it came. */
  underItsName(transfer: TransferSummary): TransferSummary {
    const { fingerprint, name } = transfer.peer;
    const now = this.nameOf(fingerprint);
    return { ...transfer, peer: { fingerprint, name: now === fingerprint ? name : now } };
  }

  policyOf(fingerprint: Fingerprint): StoredPolicy {
    return this.#state.peers.find(fingerprint)?.policy ?? { kind: 'ask' };
  }

  /** The user has compared the fingerprint. */
  add(given: { readonly address: string; readonly fingerprint: string; readonly name: string }): PeerSummary {
    const address = parseAddress(given.address);
    const fingerprint = parseFingerprint(given.fingerprint);
    if (address === undefined || fingerprint === undefined) {
      throw new CourierError('unreachable', printable(given.address));
    }
    requireNotBlocked(this.#state, fingerprint);
    this.#state.peers.remember({ fingerprint, name: printable(given.name, 64), addresses: [address] });
    this.changed();
    return this.get(fingerprint);
  }

  /** Throws `not-paired` if there is no such peer, `peer-name-taken` if another one has the name. */
  rename(peer: string, name: string): PeerSummary {
    const given = printable(name.trim(), 64);
    if (given === '') throw new CourierError('peer-name-taken', given);
    this.#state.peers.rename(knownBy(peer), given);
    this.changed();
    return this.get(peer);
  }

  /** Throws `not-paired` if there is no such peer, `destination-unwritable` if its folder cannot be used. */
  setPolicy(peer: string, policy: PeerPolicy): PeerSummary {
    // Whoever names a folder now hears at once that nothing can be received into it.
    const settled =
      policy.kind === 'accept' ? { ...policy, folder: ReceiveFolder.open(policy.folder).location } : policy;
    this.#state.peers.setPolicy(knownBy(peer), settled);
    this.#state.trust.look();
    this.changed();
    return this.get(peer);
  }

  /** Somebody came, or is called otherwise, or may do something else. Who was forgotten keeps a name in old rows. */
  changed(): void {
    for (const [peer, name] of this.#names) this.#names.set(peer, this.#findName(peer) ?? name);
    this.#onChange();
  }

  #findName(peer: string): string | undefined {
    try {
      return this.#state.peers.find(knownBy(peer))?.name;
    } catch {
      // The list of peers says what is wrong.
      return undefined;
    }
  }
}

/** A client's word for a peer; throws `not-paired` for what cannot be one. */
export function knownBy(peer: string): Fingerprint {
  const fingerprint = parseFingerprint(peer);
  if (fingerprint === undefined) throw new CourierError('not-paired', peer.slice(0, 16));
  return fingerprint;
}

function summaryOf({ fingerprint, name, addresses, policy }: KnownPeer): PeerSummary {
  return {
    fingerprint,
    name: printable(name, 64),
    addresses: addresses.map(formatAddress),
    policy,
  };
}
