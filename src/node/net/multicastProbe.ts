import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import type { MulticastFacts, MulticastLink, NetworkInterface } from '../../doctor/facts.ts';
import { errnoOf } from '../disk/errno.ts';
import { messageNumber, multicastQuestion } from './multicastQuestion.ts';
import { plainAddress } from './network.ts';

/** The group and the port of mDNS. */
const GROUPS = { IPv4: '224.0.0.251', IPv6: 'ff02::fb' } as const;
const PORT = 5353;
/** How long answers are waited for; who answers a question of all takes up to half a second (RFC 6762 § 6). */
const LISTEN_MS = 2000;
const MOST_LINKS = 16;
const MOST_OTHERS = 64;

type Family = MulticastLink['family'];

/** One interface in one family of addresses. */
interface Link {
  readonly name: string;
  readonly family: Family;
  /** What the system calls it in calls about multicast. */
  readonly interface: string;
  /** Of the question that went out on it. */
  readonly id: number;
  isHeard: boolean;
}

/**
 * Asks all in each network who is there, and hears whether the question comes back and who answers. Nothing of what
 * comes is read but its number and its sender. Never rejects but when the signal goes off.
 */
export async function probeMulticast(
  interfaces: readonly NetworkInterface[],
  { signal }: { readonly signal: AbortSignal },
): Promise<MulticastFacts> {
  const links = linksOf(interfaces);
  const own = new Set(
    interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => unzoned(address))),
  );
  const others = new Set<string>();
  const hear = (bytes: Uint8Array, { address }: RemoteInfo): void => {
    const id = messageNumber(bytes);
    const link = links.find((each) => each.id === id);
    if (link !== undefined) link.isHeard = true;
    const sender = unzoned(plainAddress(address));
    if (!own.has(sender) && others.size < MOST_OTHERS) others.add(sender);
  };
  const codes: string[] = [];
  const sockets = await Promise.all(
    links.map(async (link) => {
      try {
        return await ask(link, hear);
      } catch (error) {
        codes.push(errnoOf(error) ?? 'EIO');
        return undefined;
      }
    }),
  );
  const isOpen = sockets.some((socket) => socket !== undefined);
  try {
    if (isOpen) await pause(signal);
  } finally {
    for (const socket of sockets) socket?.close();
  }
  return {
    code: isOpen || links.length === 0 ? undefined : codes[0],
    links: links.map(({ name, family, isHeard }) => ({ name, family, isHeard })),
    others: others.size,
  };
}

function linksOf(interfaces: readonly NetworkInterface[]): readonly Link[] {
  const all = interfaces
    .filter(({ isInternal }) => !isInternal)
    .flatMap(({ name, addresses }) =>
      (['IPv4', 'IPv6'] as const).flatMap((family): Link[] => {
        // In IPv6 the group is one of the link, and so is the address that leads to it.
        const found = addresses.find(
          (each) => each.family === family && (family === 'IPv4' || each.address.startsWith('fe80:')),
        );
        if (found === undefined) return [];
        const zone = found.address.split('%')[1];
        return [
          {
            name,
            family,
            interface: family === 'IPv4' ? found.address : `::%${zone ?? name}`,
            id: randomInt(1, 2 ** 16),
            isHeard: false,
          },
        ];
      }),
    );
  return all.slice(0, MOST_LINKS);
}

/** Joins the group on one interface and asks there; the socket hears until it is closed. */
async function ask(link: Link, hear: (bytes: Uint8Array, from: RemoteInfo) => void): Promise<Socket> {
  const isIpv4 = link.family === 'IPv4';
  // Whoever answers questions on this machine has the port, too.
  const socket = createSocket(
    isIpv4 ? { type: 'udp4', reuseAddr: true } : { type: 'udp6', reuseAddr: true, ipv6Only: true },
  );
  try {
    socket.bind({ port: PORT, exclusive: true });
    await once(socket, 'listening');
    // A datagram that cannot be delivered is told here; that nothing came is told by the outcome.
    socket.on('error', () => undefined);
    socket.on('message', hear);
    socket.addMembership(GROUPS[link.family], link.interface);
    socket.setMulticastInterface(link.interface);
    socket.setMulticastLoopback(true);
    socket.setMulticastTTL(255);
    await new Promise<void>((resolve, reject) => {
      socket.send(multicastQuestion(link.id), PORT, GROUPS[link.family], (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException('stopped', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, LISTEN_MS);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function unzoned(address: string): string {
  return address.split('%')[0] ?? address;
}
