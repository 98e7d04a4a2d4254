import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { CourierError } from '../../base/failure.ts';
import type { Logger } from '../../base/logger.ts';
import type { Address } from '../../peers/address.ts';
import { systemClock } from '../clock.ts';
import { errnoOf, isErrno } from '../disk/errno.ts';
import type { Identity } from '../identity/identity.ts';
import { Doors } from './doors.ts';
import { plainAddress } from './network.ts';
import { STRANGER_LIMITS, Strangers } from './strangers.ts';
import type { Stay, StrangerLimits } from './strangers.ts';
import { TlsChannel } from './tlsChannel.ts';
import { identifyPeer, PURPOSES, tlsOptions } from './tlsOptions.ts';
import type { SecuredPeer } from './tlsOptions.ts';

/** An inbound connection whose key is proven; whether it may stay is not decided yet. */
export interface Inbound extends SecuredPeer {
  readonly channel: TlsChannel;
  readonly remoteAddress: string;
  /** To be called when the peer is let in: it no longer counts against the cap for strangers. */
  readonly admitted: () => void;
  /** To be called when a user deals with it: it stays for as long as that takes, and is not taken for a peer's. */
  readonly kept: () => void;
}

export interface ListenInit {
  readonly identity: Identity;
  /** Absent: every interface, IPv6 and IPv4. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly onInbound: (inbound: Inbound) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly limits?: StrangerLimits;
}

/** Listens for peers. */
export class Listener {
  // Immutable.
  readonly #init: ListenInit;
  /** Never listens: it is given those connections that may begin a handshake, which is what costs. */
  readonly #tls: Server;
  readonly #strangers: Strangers;

  // Mutable.
  #doors: Doors | undefined;
  /** By both ends of the connection: the raw socket is not to be had from its TLS socket. */
  readonly #stays = new Map<string, Stay>();

  private constructor(init: ListenInit) {
    const { identity, logger, clock = systemClock, limits = STRANGER_LIMITS } = init;
    this.#init = init;
    this.#strangers = new Strangers(limits, clock, logger);
    this.#tls = createServer({ ...tlsOptions(identity, PURPOSES), requestCert: true });
    this.#tls.on('secureConnection', (socket) => this.#identify(socket));
    this.#tls.on('tlsClientError', (error, socket) => {
      logger.debug(`a connection that is not ours: ${errnoOf(error) ?? error.name}`);
      socket.destroy();
    });
  }

  /** Opens the port; rejects with `port-in-use` or `address-unavailable`. */
  static async open(init: ListenInit): Promise<Listener> {
    const { host, port, logger } = init;
    const listener = new Listener(init);
    try {
      listener.#doors = await Doors.open({
        ...(host === undefined ? {} : { host }),
        port,
        onConnection: (socket) => listener.#receive(socket),
        onError: (error) => logger.warn(`the listener: ${error.message}`),
      });
    } catch (error) {
      throw listenFailure(error, init);
    }
    return listener;
  }

  get address(): Address {
    const address = this.#doors?.address;
    if (address === undefined) throw new CourierError('internal', 'the listener is closed');
    return { host: address.address, port: address.port };
  }

  /** Stops listening and drops whoever is not let in yet. Peers that are stay. */
  close(): void {
    this.#doors?.close();
    this.#strangers.close();
  }

  #receive(socket: Socket): void {
    const stay = this.#strangers.receive(socket);
    if (stay === undefined) {
      socket.destroy();
      return;
    }
    const ends = endsOf(socket);
    this.#stays.set(ends, stay);
    socket.once('close', () => {
      this.#stays.delete(ends);
      stay.leave();
    });
    this.#tls.emit('connection', socket);
  }

  #identify(socket: TLSSocket): void {
    try {
      const peer = identifyPeer(socket);
      const stay = this.#stays.get(endsOf(socket));
      if (stay === undefined) throw new CourierError('connection-lost', 'it is gone already');
      this.#init.onInbound({
        ...peer,
        channel: new TlsChannel(socket),
        remoteAddress: plainAddress(socket.remoteAddress ?? 'unknown'),
        admitted: () => stay.admit(),
        kept: () => stay.leave(),
      });
    } catch (error) {
      this.#init.logger.debug(`refused a connection: ${error instanceof Error ? error.message : 'unknown'}`);
      socket.destroy();
    }
  }
}

function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

function listenFailure(error: unknown, { host, port }: ListenInit): CourierError {
  if (isErrno(error, 'EADDRINUSE')) {
    return new CourierError('port-in-use', `port ${port} is in use`, { cause: error });
  }
  return new CourierError('address-unavailable', host ?? 'any address', { cause: error });
}
