/** Where a peer may be reached. A hint and nothing else: who answers is decided by its key. */
export interface Address {
  /** A host name, an IPv4 or an IPv6 address (without brackets, with a zone if it needs one). */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** `host:port`, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Parses what {@link formatAddress} makes; a missing port is `defaultPort`. `undefined` if it is neither. */
export function parseAddress(text: string, defaultPort?: number): Address | undefined {
  const match =
    /^(?:\[(?<v6>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/u.exec(
      text,
    );
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const portText = match?.groups?.['port'];
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === undefined || host.length > 253 || port === undefined || port < 1 || port > 65_535) {
    return undefined;
  }
  return { host, port };
}

/** Whether an address means this very machine, whoever reads it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host);
}

/** Each once, where it came first. */
export function distinctAddresses(addresses: readonly Address[]): readonly Address[] {
  // A map keeps each key where it came first.
  return [...new Map(addresses.map((address) => [formatAddress(address), address])).values()];
}
