/** Facts for the doctor to judge: a machine on which all is well, and what differs on another. */
import type {
  Facts,
  NetworkInterface,
  PathEnd,
  PathFacts,
  PeerFacts,
  PortFacts,
} from '../../src/doctor/facts.ts';

export const PORT = 47_470;
export const ANNA = { name: 'Anna', fingerprint: 'a1'.repeat(32) };
export const BORIS = { name: 'Boris', fingerprint: 'b2'.repeat(32) };

export function network(name: string, address: string, prefixBits = 24): NetworkInterface {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return { name, isInternal: name === 'lo', addresses: [{ address, family, prefixBits }] };
}

export const LOOPBACK = network('lo', '127.0.0.1', 8);

export const RECEIVER_ON: PortFacts = {
  port: PORT,
  host: '',
  isReceiverOn: true,
  addresses: [`192.168.1.20:${PORT}`],
  opening: undefined,
  holder: undefined,
  ownPaths: [pathTo(`192.168.1.20:${PORT}`, 'ourselves')],
};

export const RECEIVER_OFF: PortFacts = {
  ...RECEIVER_ON,
  isReceiverOn: false,
  addresses: [],
  opening: { outcome: 'free', code: '' },
  ownPaths: [],
};

/** A Linux machine in a home network, whose receiver is on. */
export function healthy(more: Partial<Facts> = {}): Facts {
  return {
    system: {
      platform: 'linux',
      release: '6.8.0-45-generic',
      architecture: 'x64',
      version: '0.1.0',
      runtime: '24.21.0',
      program: '/usr/bin/node',
    },
    interfaces: [LOOPBACK, network('eth0', '192.168.1.20')],
    surroundings: { wsl: undefined, container: undefined, remote: undefined, firewalls: [] },
    port: RECEIVER_ON,
    multicast: { code: undefined, links: [{ name: 'eth0', family: 'IPv4', isHeard: true }], others: 2 },
    peer: undefined,
    ...more,
  };
}

export function pathTo(address: string, end: PathEnd, more: Partial<PathFacts> = {}): PathFacts {
  const isConnected = !['refused', 'timed-out', 'unreachable'].includes(end);
  return {
    address,
    end,
    code: '',
    connectMs: isConnected ? 1.6 : undefined,
    answering: undefined,
    ...more,
  };
}

/** A known peer, Boris, of whom these addresses were tried. */
export function known(...paths: readonly PathFacts[]): PeerFacts {
  return { name: BORIS.name, expected: [BORIS], lookups: [], paths };
}

/** An address that somebody typed. */
export function typed(...paths: readonly PathFacts[]): PeerFacts {
  return { name: undefined, expected: [], lookups: [], paths };
}

/** What was shown at the other end. */
export function answeringAs({ name, fingerprint }: typeof BORIS, isKnown = true): Partial<PathFacts> {
  return { answering: { fingerprint, knownAs: isKnown ? name : undefined } };
}
