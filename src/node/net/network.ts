/** Leading groups of an IPv6 address that name a network; the others are anybody's to choose inside it. */
const NETWORK_GROUPS = 4;
const ADDRESS_GROUPS = 8;

/** A peer's address as the system reports it, with IPv4 written as IPv4, whatever kind of socket it came through. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(address)?.[1] ?? address;
}

/**
 * What counts as one origin of connections: an IPv4 address, or an IPv6 network of 64 bits, inside which one machine
 * has as many addresses as it likes (RFC 7421). Takes what {@link plainAddress} returns.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  if (!plain.includes(':')) return plain;
  const [front = [], back = []] = plain.split('::').map((part) => part.split(':').filter(Boolean));
  const missing = Math.max(0, ADDRESS_GROUPS - front.length - back.length);
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back];
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
