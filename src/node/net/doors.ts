import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import { isErrno } from '../disk/errno.ts';

/**
 * The listening sockets of one port. Node takes up one connection from each in a turn of its event loop, and while
 * data flows a turn takes long: with a single socket, some hundred connections a second fill its queue, and whoever
 * comes then gets no answer. Linux deals out what comes to several sockets of one port; elsewhere there is one.
 */
export interface DoorsInit {
  /** Absent: every interface, IPv6 and IPv4. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly onConnection: (socket: Socket) => void;
  readonly onError: (error: Error) => void;
}

const DOORS = 8;
/** Connections that one socket keeps until we come to it. In a flood a long queue is a long wait: rather none. */
const QUEUED = 64;

export class Doors {
  readonly #servers: readonly Server[];

  private constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /** Opens the port for this process alone; rejects with the system's error if it is taken. */
  static async open(init: DoorsInit): Promise<Doors> {
    if (process.platform !== 'linux') return new Doors([await openDoor(init, {})]);
    // Sockets that share a port would share it with another process of this user, too: one that does not must find it
    // free. A port that the system chooses is free.
    if (init.port !== 0) await closeDoor(await openDoor(init, {}));
    const first = await openShared(init);
    const servers = [first];
    const port = addressOf(first)?.port ?? init.port;
    while (servers.length < DOORS) {
      try {
        servers.push(await openDoor({ ...init, port }, { reusePort: true }));
      } catch {
        // A system that cannot share ports; one is enough to work.
        break;
      }
    }
    return new Doors(servers);
  }

  /** Where it listens; `undefined` once closed. */
  get address(): AddressInfo | undefined {
    const [first] = this.#servers;
    return first === undefined ? undefined : addressOf(first);
  }

  /** Connections that were taken up stay. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** The first of several, or the only one where ports cannot be shared. */
async function openShared(init: DoorsInit): Promise<Server> {
  try {
    return await openDoor(init, { reusePort: true });
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES')) throw error;
    return openDoor(init, {});
  }
}

async function closeDoor(door: Server): Promise<void> {
  door.close();
  await once(door, 'close');
}

function addressOf(server: Server): AddressInfo | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address : undefined;
}

async function openDoor(
  { host, port, onConnection, onError }: DoorsInit,
  options: Pick<ListenOptions, 'reusePort'>,
): Promise<Server> {
  const server = createServer(onConnection);
  server.listen({ port, backlog: QUEUED, ...(host === undefined ? {} : { host }), ...options });
  // Rejects with the error that comes in its place.
  await once(server, 'listening');
  server.on('error', onError);
  return server;
}
