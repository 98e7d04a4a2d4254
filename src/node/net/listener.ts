import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { CourierError } from '../../base/failure.ts';
import type { Logger } from '../../base/logger.ts';
import type { Address } from '../../peers/address.ts';
import { errnoOf, isErrno } from '../disk/errno.ts';
import type { Identity } from '../identity/identity.ts';
import { TlsChannel } from './tlsChannel.ts';
import { HANDSHAKE_TIMEOUT_MS, identifyPeer, tlsOptions } from './tlsOptions.ts';
import type { SecuredPeer } from './tlsOptions.ts';

/** An inbound connection whose key is proven; whether it may stay is not decided yet. */
export interface Inbound extends SecuredPeer {
  readonly channel: TlsChannel;
  readonly remoteAddress: string;
  /** To be called when the peer is let in: it no longer counts against the cap for strangers. */
  readonly admitted: () => void;
}

export interface ListenInit {
  readonly identity: Identity;
  /** Absent: every interface, IPv6 and IPv4. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly onInbound: (inbound: Inbound) => void;
  readonly logger: Logger;
}

/** Connections that may be open before they are let in, in all and from one address: what strangers can cost. */
const MOST_STRANGERS = 64;
const MOST_STRANGERS_PER_ADDRESS = 16;

/** Listens for peers. */
export class Listener {
  readonly #server: Server;
  readonly #init: ListenInit;
  /** By the peer's end of the connection: the raw socket is not to be had from its TLS socket. */
  readonly #strangers = new Map<string, Socket>();

  private constructor(init: ListenInit) {
    this.#init = init;
    this.#server = createServer({
      ...tlsOptions(init.identity),
      requestCert: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#server.on('connection', (socket: Socket) => this.#admitConnection(socket));
    this.#server.on('secureConnection', (socket) => this.#identify(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      init.logger.debug(`a connection that is not ours: ${errnoOf(error) ?? error.name}`);
      socket.destroy();
    });
  }

  /** Opens the port; rejects with `port-in-use` or `address-unavailable`. */
  static async open(init: ListenInit): Promise<Listener> {
    const listener = new Listener(init);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', (error: Error) => reject(listenFailure(error, init)));
      listener.#server.listen(
        { port: init.port, ...(init.host === undefined ? {} : { host: init.host }) },
        resolve,
      );
    });
    listener.#server.on('error', (error: Error) => init.logger.warn(`the listener: ${error.message}`));
    return listener;
  }

  get address(): Address {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') {
      throw new CourierError('internal', 'the listener is closed');
    }
    return { host: address.address, port: address.port };
  }

  /** Stops listening and drops whoever is not let in yet. Peers that are stay. */
  close(): void {
    this.#server.close();
    for (const stranger of this.#strangers.values()) stranger.destroy();
  }

  #admitConnection(socket: Socket): void {
    const neighbours = [...this.#strangers.values()].filter(
      ({ remoteAddress }) => remoteAddress === socket.remoteAddress,
    );
    if (this.#strangers.size >= MOST_STRANGERS || neighbours.length >= MOST_STRANGERS_PER_ADDRESS) {
      socket.destroy();
      return;
    }
    const end = remoteEnd(socket);
    this.#strangers.set(end, socket);
    socket.once('close', () => this.#strangers.delete(end));
  }

  #identify(socket: TLSSocket): void {
    try {
      const peer = identifyPeer(socket);
      const end = remoteEnd(socket);
      this.#init.onInbound({
        ...peer,
        channel: new TlsChannel(socket),
        remoteAddress: socket.remoteAddress ?? 'unknown',
        admitted: () => void this.#strangers.delete(end),
      });
    } catch (error) {
      this.#init.logger.debug(`refused a connection: ${error instanceof Error ? error.message : 'unknown'}`);
      socket.destroy();
    }
  }
}

function remoteEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenFailure(error: Error, { host, port }: ListenInit): CourierError {
  if (isErrno(error, 'EADDRINUSE')) {
    return new CourierError('port-in-use', `port ${port} is in use`, { cause: error });
  }
  return new CourierError('address-unavailable', host ?? 'any address', { cause: error });
}
