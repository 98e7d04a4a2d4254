import type { InterfaceAddress, NetworkInterface } from './facts.ts';
import type { InterfaceKind } from './report.ts';

/** What addresses and the names of interfaces say about a network. Pure guessing from public conventions. */

export type AddressScope = 'loopback' | 'link-local' | 'private' | 'public' | 'name';

/** Parts of an address, each a number below `2 ** bits`. */
interface Parts {
  readonly parts: readonly number[];
  readonly bits: 8 | 16;
}

/** How far an address reaches; takes it without brackets, with or without a zone. */
export function scopeOf(address: string): AddressScope {
  const read = partsOf(address);
  if (read === undefined) return 'name';
  const [first = 0, second = 0] = read.parts;
  if (read.bits === 8) {
    if (first === 127) return 'loopback';
    if (first === 169 && second === 254) return 'link-local';
    const isPrivate =
      first === 10 ||
      (first === 172 && second >= 16 && second < 32) ||
      (first === 192 && second === 168) ||
      // Carriers and overlay networks (RFC 6598).
      isShared(read);
    return isPrivate ? 'private' : 'public';
  }
  if (read.parts.slice(0, 7).every((part) => part === 0) && read.parts[7] === 1) return 'loopback';
  if (first >= 0xfe80 && first < 0xfec0) return 'link-local';
  // Unique local addresses (RFC 4193).
  return first >= 0xfc00 && first < 0xfe00 ? 'private' : 'public';
}

/** Whether an address belongs to the network of one of this machine's. */
export function isInNetwork(address: string, { address: own, prefixBits }: InterfaceAddress): boolean {
  const [one, other] = [partsOf(address), partsOf(own)];
  if (one === undefined || other === undefined || one.bits !== other.bits) return false;
  let left = prefixBits;
  for (const [at, part] of one.parts.entries()) {
    if (left <= 0) return true;
    const unit = 2 ** Math.max(0, one.bits - left);
    if (Math.floor(part / unit) !== Math.floor((other.parts[at] ?? -1) / unit)) return false;
    left -= one.bits;
  }
  return true;
}

/** What an interface is for. */
export function kindOf({ name, isInternal, addresses }: NetworkInterface): InterfaceKind {
  if (isInternal || addresses.every(({ address }) => scopeOf(address) === 'loopback')) return 'loopback';
  if (VIRTUAL.test(name)) return 'virtual';
  if (TUNNEL.test(name)) return 'tunnel';
  if (addresses.some(({ address }) => isSharedAddress(address))) return 'tunnel';
  return addresses.every(({ address }) => scopeOf(address) === 'link-local') ? 'link-local' : 'lan';
}

/** Bridges and cables inside this machine: to Docker, Podman, libvirt, LXC, VirtualBox, VMware, Hyper-V. */
const VIRTUAL =
  /^(?:docker|br-[0-9a-f]{12}$|veth|cni|podman|virbr|lxc|lxd|vboxnet|vmnet|vEthernet|VMware|VirtualBox|loopback0)/u;
/** WireGuard, OpenVPN, the tunnels of macOS, PPP, Tailscale, ZeroTier, IPsec. */
const TUNNEL = /^(?:wg|tun|tap|utun|ppp|tailscale|zt|ipsec|nordlynx|proton)\w*|tailscale|wireguard|vpn/iu;

function isSharedAddress(address: string): boolean {
  const read = partsOf(address);
  return read !== undefined && isShared(read);
}

function isShared({ parts: [first = 0, second = 0], bits }: Parts): boolean {
  return bits === 8 && first === 100 && second >= 64 && second < 128;
}

/** `HOST:PORT`, with or without brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replaceAll(/[[\]]/gu, ''), port: Number(address.slice(at + 1)) };
}

/** The parts of a numeric address; `undefined` for a name. */
function partsOf(address: string): Parts | undefined {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(plain)?.[1];
  const four = (mapped ?? plain).split('.');
  if (four.length === 4 && four.every((part) => /^\d{1,3}$/u.test(part) && Number(part) < 256)) {
    return { parts: four.map(Number), bits: 8 };
  }
  if (!plain.includes(':')) return undefined;
  const halves = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const [front = [], back = []] = halves;
  const missing = 8 - front.length - back.length;
  if (halves.length > 2 || missing < 0 || (halves.length === 1 && missing !== 0)) return undefined;
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/iu.test(group))) return undefined;
  return { parts: groups.map((group) => Number.parseInt(group, 16)), bits: 16 };
}
