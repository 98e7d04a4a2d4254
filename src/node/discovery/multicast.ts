import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { Logger } from '../../base/logger.ts';
import { errnoOf } from '../disk/errno.ts';

/** The groups and the port of Multicast DNS (RFC 6762 § 3). */
const GROUPS = { IPv4: '224.0.0.251', IPv6: 'ff02::fb' } as const;
const PORT = 5353;
/** Shows the receiver that a packet has not come through a router (RFC 6762 § 11). */
const HOPS = 255;

type Family = keyof typeof GROUPS;

/** One address family of one interface: what a packet goes out of. */
export interface Link {
  readonly family: Family;
  /** The addresses of the interface, of both families; link-local ones too. */
  readonly addresses: readonly string[];
  /** As the system names it where a group is joined. */
  readonly scope: string;
}

export interface MulticastInit {
  /** `from`: the host it came from, with its zone if it needs one. */
  readonly onPacket: (bytes: Buffer, from: string) => void;
  readonly logger: Logger;
}

/**
 * Sends to and hears the local networks of all interfaces, over IPv4 and IPv6. Each has a socket of its own, because
 * a socket sends out of one interface only. All share the port with whatever else speaks the protocol here.
 */
export class Multicast {
  // Immutable.
  readonly #init: MulticastInit;

  // Mutable.
  #sockets: readonly { readonly link: Link; readonly socket: Socket }[] = [];
  /** Counts openings, so that one that was overtaken leaves nothing open. */
  #openings = 0;

  constructor(init: MulticastInit) {
    this.#init = init;
  }

  /** Opens the interfaces that there are now, in place of those that there were. Resolves when they can be sent to. */
  async open(): Promise<void> {
    this.close();
    const opening = this.#openings;
    const opened = await Promise.all(
      linksNow().map(async (link) => {
        const socket = await this.#open(link);
        return socket === undefined ? [] : [{ link, socket }];
      }),
    );
    if (opening === this.#openings) this.#sockets = opened.flat();
    else for (const { socket } of opened.flat()) socket.close();
  }

  /** Sends to each network what `packetFor` makes for it; resolves when that has left. What cannot leave is lost. */
  async send(packetFor: (link: Link) => Uint8Array | undefined): Promise<void> {
    const sent = this.#sockets.map(({ link, socket }) => {
      const packet = packetFor(link);
      return new Promise<void>((done) => {
        if (packet === undefined) {
          done();
          return;
        }
        socket.send(packet, PORT, GROUPS[link.family], (error) => {
          if (error !== null) this.#tell(link, error);
          done();
        });
      });
    });
    await Promise.all(sent);
  }

  close(): void {
    for (const { socket } of this.#sockets) socket.close();
    this.#sockets = [];
    this.#openings += 1;
  }

  #open(link: Link): Promise<Socket | undefined> {
    return new Promise((done) => {
      const socket = createSocket({
        type: link.family === 'IPv4' ? 'udp4' : 'udp6',
        reuseAddr: true,
        ipv6Only: link.family === 'IPv6',
      });
      const fail = (error: Error): void => {
        this.#tell(link, error);
        socket.close();
        done(undefined);
      };
      socket.once('error', fail);
      socket.bind({ port: PORT, exclusive: true }, () => {
        try {
          socket.addMembership(GROUPS[link.family], link.scope);
          socket.setMulticastInterface(link.scope);
          socket.setMulticastTTL(HOPS);
          // Others on this machine hear it, too; we know our own by its instance.
          socket.setMulticastLoopback(true);
        } catch (error) {
          fail(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        socket.off('error', fail);
        socket.on('error', (error) => this.#tell(link, error));
        socket.on('message', (bytes, { address }) => this.#init.onPacket(bytes, address));
        socket.unref();
        done(socket);
      });
    });
  }

  #tell({ family, scope }: Link, error: Error): void {
    this.#init.logger.debug(`discovery over ${family}, ${scope}: ${errnoOf(error) ?? error.message}`);
  }
}

/** Loopback is left out: who is on this machine is heard through its other interfaces. */
function linksNow(): readonly Link[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all = []]) => {
    const own = all.filter(({ internal }) => !internal);
    const addresses = own.map(({ address }) => address);
    const v4 = own.find(({ family }) => family === 'IPv4');
    const v6 = own.find(({ family, address }) => family === 'IPv6' && address.startsWith('fe80:'));
    const links: Link[] = [];
    if (v4 !== undefined) links.push({ family: 'IPv4', addresses, scope: v4.address });
    if (v6 !== undefined) {
      // Windows knows interfaces by their numbers.
      const zone = process.platform === 'win32' ? v6.scopeid : name;
      links.push({ family: 'IPv6', addresses, scope: `::%${zone}` });
    }
    return links;
  });
}
