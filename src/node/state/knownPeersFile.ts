import * as v from 'valibot';
import { CourierError } from '../../base/failure.ts';
import { distinctAddresses, formatAddress, parseAddress } from '../../peers/address.ts';
import type { Address } from '../../peers/address.ts';
import { parseFingerprint } from '../../peers/fingerprint.ts';
import type { Fingerprint } from '../../peers/fingerprint.ts';
import { isErrno } from '../disk/errno.ts';
import { readStateFile, replaceFile } from './stateFile.ts';

/** A fingerprint that the user trusts. */
export interface KnownPeer {
  readonly fingerprint: Fingerprint;
  /** The name it had when it was paired. */
  readonly name: string;
  /** Where it was reached, latest first; hints only. */
  readonly addresses: readonly Address[];
}

const schema = v.strictObject({
  version: v.literal(1),
  peers: v.array(
    v.strictObject({
      fingerprint: v.string(),
      name: v.pipe(v.string(), v.maxLength(256)),
      addresses: v.array(v.string()),
    }),
  ),
});

const MOST_ADDRESSES = 8;

/** The known peers of one state folder. Read afresh on each look: another process may have paired. */
export class KnownPeersFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** All known peers; throws `state-unusable` on a damaged file, which must never mean "trust nobody knows whom". */
  list(): readonly KnownPeer[] {
    let text: string;
    try {
      text = readStateFile(this.#file);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) return [];
      throw new CourierError('state-unusable', `${this.#file} cannot be read`, { cause });
    }
    try {
      return v.parse(schema, JSON.parse(text)).peers.map(({ fingerprint, name, addresses }) => {
        const parsed = parseFingerprint(fingerprint);
        if (parsed === undefined) throw new RangeError('not a fingerprint');
        return {
          fingerprint: parsed,
          name,
          addresses: addresses
            .map((address) => parseAddress(address))
            .filter((address) => address !== undefined),
        };
      });
    } catch (cause) {
      throw new CourierError('state-unusable', `${this.#file} is damaged`, { cause });
    }
  }

  find(fingerprint: Fingerprint): KnownPeer | undefined {
    return this.list().find((peer) => peer.fingerprint === fingerprint);
  }

  /** Adds a peer, or refreshes where it was reached. A name that the user knows it by stays. */
  remember(peer: KnownPeer): void {
    const peers = this.list();
    const known = peers.find(({ fingerprint }) => fingerprint === peer.fingerprint);
    const addresses = distinctAddresses([...peer.addresses, ...(known?.addresses ?? [])]).slice(
      0,
      MOST_ADDRESSES,
    );
    const name = known?.name ?? uniqueName(peer.name, peers);
    const others = peers.filter(({ fingerprint }) => fingerprint !== peer.fingerprint);
    const all = [...others, { fingerprint: peer.fingerprint, name, addresses }];
    const text = textOf(all);
    // Most often nothing is new. Then the first byte of a transfer does not wait for a disk that syncs.
    if (text !== textOf(peers)) replaceFile(this.#file, text);
  }
}

function textOf(peers: readonly KnownPeer[]): string {
  const stored = peers.map(({ fingerprint, name, addresses }) => ({
    fingerprint,
    name,
    addresses: addresses.map(formatAddress),
  }));
  return `${JSON.stringify({ version: 1, peers: stored }, undefined, 2)}\n`;
}

/** Two devices may call themselves the same; the user must be able to name one of them. */
function uniqueName(name: string, peers: readonly KnownPeer[]): string {
  const base = name === '' ? 'peer' : name;
  let candidate = base;
  for (let number = 2; peers.some((peer) => peer.name === candidate); number += 1) {
    candidate = `${base} (${number})`;
  }
  return candidate;
}
