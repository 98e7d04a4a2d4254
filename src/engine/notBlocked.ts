import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import type { KnownPeer } from '../node/state/knownPeers.ts';
import { distinctAddresses } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { StateFolder } from './stateFolder.ts';

/** Whether the user wants nothing to do with a peer. */
export function isBlocked({ peers }: StateFolder, fingerprint: Fingerprint): boolean {
  return peers.find(fingerprint)?.policy.kind === 'block';
}

/** Throws `peer-blocked`, which names the peer. */
export function requireNotBlocked({ peers }: StateFolder, fingerprint: Fingerprint): void {
  requireUnblocked(peers.find(fingerprint));
}

/** A peer that something can be sent to; throws `not-paired` or `peer-blocked`. */
export function requirePartner({ peers }: StateFolder, fingerprint: Fingerprint): KnownPeer {
  const peer = peers.find(fingerprint);
  if (peer === undefined) throw new CourierError('not-paired', fingerprint.slice(0, 16));
  requireUnblocked(peer);
  return peer;
}

/** Where known peers were reached; nobody knocks at a blocked one's door. */
export function rememberedPlaces({ peers }: StateFolder): readonly Address[] {
  const partners = peers.list().filter(({ policy }) => policy.kind !== 'block');
  return distinctAddresses(partners.flatMap(({ addresses }) => addresses));
}

function requireUnblocked(peer: KnownPeer | undefined): void {
  if (peer?.policy.kind === 'block') throw new CourierError('peer-blocked', printable(peer.name));
}
