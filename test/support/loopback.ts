import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import type { Clock } from '../../src/base/clock.ts';
import { deferred } from '../../src/base/deferred.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { Identity, IdentityPem } from '../../src/node/identity/identity.ts';
import { dial } from '../../src/node/net/dial.ts';
import type { Dialled, DialInit } from '../../src/node/net/dial.ts';
import { Listener } from '../../src/node/net/listener.ts';
import type { Inbound } from '../../src/node/net/listener.ts';
import { STRANGER_LIMITS } from '../../src/node/net/strangers.ts';
import type { StrangerLimits } from '../../src/node/net/strangers.ts';
import { ALPN } from '../../src/node/net/tlsOptions.ts';
import type { Address } from '../../src/peers/address.ts';
import type { Channel } from '../../src/transfer/ports.ts';
import { newIdentity } from './certificates.ts';

/** Real sockets on the loopback interface: our own listener and dialler, and others that only speak TCP or TLS. */

export const LOOPBACK = '127.0.0.1';

/** A listener of ours, and who came in. */
export interface Reception {
  readonly listener: Listener;
  readonly identity: Identity;
  readonly address: Address;
  readonly inbounds: Inbound[];
  /** The next to come in. */
  nextInbound(): Promise<Inbound>;
  /** What was logged. */
  readonly logged: string[];
}

export interface ReceptionOptions {
  readonly host?: string;
  readonly clock?: Clock;
  readonly limits?: StrangerLimits;
}

/** What a listener takes by itself, but that connections may come as fast as a test likes. */
export const ANY_RATE: StrangerLimits = {
  ...STRANGER_LIMITS,
  rates: { fromOneNetwork: { atOnce: 1, everyMs: 0 }, inAll: { atOnce: 1, everyMs: 0 } },
};

export async function openReception(
  t: TestContext,
  { host = LOOPBACK, ...options }: ReceptionOptions = {},
): Promise<Reception> {
  const identity = await newIdentity();
  const inbounds: Inbound[] = [];
  const logged: string[] = [];
  const logger: Logger = { debug: (text) => logged.push(text), warn: (text) => logged.push(text) };
  let next = deferred<Inbound>();
  const onInbound = (inbound: Inbound): void => {
    inbounds.push(inbound);
    next.resolve(inbound);
    next = deferred<Inbound>();
  };
  const listener = await Listener.open({ identity, host, port: 0, onInbound, logger, ...options });
  t.after(async () => {
    listener.close();
    await Promise.all(inbounds.map(({ channel }) => channel.close()));
  });
  return { listener, identity, address: listener.address, inbounds, nextInbound: () => next.promise, logged };
}

/** Dials as a peer that accepts whoever answers, unless told otherwise; closed after the test. */
export async function dialTo(
  t: TestContext,
  addresses: readonly Address[],
  init: Partial<DialInit> = {},
): Promise<Dialled> {
  const dialled = await dial({
    checkPeer: () => undefined,
    signal: new AbortController().signal,
    ...init,
    identity: init.identity ?? (await newIdentity()),
    addresses,
  });
  t.after(() => dialled.channel.close());
  return dialled;
}

/** Both ends of one connection. */
export async function joinedPair(
  t: TestContext,
  options: ReceptionOptions = {},
): Promise<{ dialled: Dialled; inbound: Inbound; reception: Reception }> {
  const reception = await openReception(t, options);
  const coming = reception.nextInbound();
  const dialled = await dialTo(t, [reception.address]);
  return { dialled, inbound: await coming, reception };
}

/** A server of the test's own: where it listens, and when the connections it has had are over. */
export interface Stand {
  readonly address: Address;
  /** Resolves when whoever has connected has left. */
  readonly allGone: () => Promise<void>;
}

/** Closed with all its connections after the test. */
async function serve(t: TestContext, server: Server): Promise<Stand> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    address: { host: LOOPBACK, port: (server.address() as AddressInfo).port },
    async allGone() {
      for (const socket of sockets) await untilGone(socket);
    },
  };
}

/** A TLS server that is none of ours; all sockets have an error listener. */
export function serveTls(
  t: TestContext,
  pem: IdentityPem,
  options: TlsOptions,
  onSecure: (socket: TLSSocket) => void = () => undefined,
): Promise<Stand> {
  const base = { key: pem.privateKey, cert: pem.certificate, requestCert: true, rejectUnauthorized: false };
  const server = createTlsServer(
    { ...base, minVersion: 'TLSv1.3', ALPNProtocols: [ALPN.session], ...options },
    (socket) => {
      socket.on('error', () => undefined);
      onSecure(socket);
    },
  );
  server.on('tlsClientError', () => undefined);
  return serve(t, server);
}

/** A TCP server that says nothing of itself, and hears all. */
export function serveTcp(
  t: TestContext,
  onConnection: (socket: Socket) => void = () => undefined,
): Promise<Stand> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    onConnection(socket);
  });
  return serve(t, server);
}

/** A TLS client that is none of ours. */
export function connectForeign(t: TestContext, address: Address, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({
    ...address,
    rejectUnauthorized: false,
    ALPNProtocols: [ALPN.session],
    ...options,
  });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

/** A TCP connection; on Linux, all of 127.0.0.0/8 is this machine, so that it may come from anywhere in it. */
export async function connectPlain(t: TestContext, address: Address, from = LOOPBACK): Promise<Socket> {
  const socket = connectTcp({ ...address, localAddress: from });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the socket is closed, with how many bytes it was told until then. */
export async function closedAfter(socket: Socket): Promise<number> {
  let length = 0;
  socket.on('data', (bytes: Buffer) => {
    length += bytes.length;
  });
  await untilClosed(socket);
  return length;
}

/** Closed, or at the peer's end of the stream. */
function untilGone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed || socket.readableEnded) resolve();
    else socket.once('end', () => resolve()).once('close', () => resolve());
  });
}

/** Not `once` of `node:events`: an error on the way is fine. */
function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** The next bytes that arrive, as text; empty at the end. */
export async function nextText(channel: Channel): Promise<string> {
  const next: IteratorResult<Uint8Array, unknown> = await channel.inbound[Symbol.asyncIterator]().next();
  return next.done === true ? '' : Buffer.from(next.value).toString();
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<Address> {
  const server = createTcpServer();
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host: LOOPBACK, port };
}
