import { BlockList, isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Where clouds keep what a machine may know about itself, secrets among it: nobody's peer. */
const METADATA = new Set(['169.254.169.254', 'fd00:ec2::254']);

/**
 * Whether an address belongs to a network that this machine is in. Only such a one is dialled because somebody has
 * announced it: an announcement comes from a neighbour, and must not have us knock at doors elsewhere.
 */
export function isOnLink(host: string, interfaces: Interfaces = networkInterfaces()): boolean {
  const [address = ''] = host.split('%');
  if (isIP(address) === 0 || METADATA.has(address)) return false;
  return networksOf(interfaces).check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

type Interfaces = ReturnType<typeof networkInterfaces>;

function networksOf(interfaces: Interfaces): BlockList {
  const networks = new BlockList();
  for (const { cidr, family, internal } of Object.values(interfaces).flatMap((each) => each ?? [])) {
    const [network, bits] = cidr?.split('/') ?? [];
    if (internal || network === undefined || bits === undefined) continue;
    networks.addSubnet(network, Number(bits), family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  return networks;
}
