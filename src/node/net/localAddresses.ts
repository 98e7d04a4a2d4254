import { networkInterfaces } from 'node:os';
import type { Address } from '../../peers/address.ts';

/** Hosts that stand for every interface. */
const ANY_HOSTS = new Set(['::', '0.0.0.0']);

/**
 * Where others may reach a listener: its own address, or those of all interfaces if it listens on every
 * one; private IPv4 first, link-local addresses left out (they mean nothing without the peer's zone),
 * loopback last for a peer on the same machine.
 */
export function reachableAddresses({ host, port }: Address): readonly Address[] {
  if (!ANY_HOSTS.has(host)) return [{ host, port }];
  const all = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address, family }) => !address.startsWith('fe80:') && (host === '::' || family === 'IPv4'));
  const rank = ({ internal, family }: (typeof all)[number]): number =>
    (internal ? 2 : 0) + (family === 'IPv4' ? 0 : 1);
  return all
    .toSorted((left, right) => rank(left) - rank(right))
    .map(({ address }) => ({ host: address, port }));
}
