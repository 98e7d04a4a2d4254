import { networkInterfaces } from 'node:os';
import type { InterfaceAddress, NetworkInterface } from '../../doctor/facts.ts';

/** This machine's interfaces and their addresses, IPv6 link-local ones with their zone. */
export function listInterfaces(): readonly NetworkInterface[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    isInternal: addresses.every(({ internal }) => internal),
    addresses: addresses.map(({ address, family, cidr }): InterfaceAddress => ({
      address: address.startsWith('fe80:') ? `${address}%${zoneOf(name, addresses)}` : address,
      family,
      prefixBits: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
    })),
  }));
}

/** By name, and on Windows by number. */
function zoneOf(name: string, addresses: readonly { readonly scopeid?: number | undefined }[]): string {
  if (process.platform !== 'win32') return name;
  const scope = addresses.find(({ scopeid }) => scopeid !== undefined && scopeid > 0)?.scopeid;
  return scope === undefined ? name : String(scope);
}
