import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls, createServer } from 'node:tls';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import { decodeFirst, encode, message, said } from './wickedFrames.ts';
import type { FrameName, SeenFrame, WickedFrame } from './wickedFrames.ts';
import type { WickedIdentity } from './wickedIdentity.ts';

/**
 * A peer that does as the test says, on real TLS. It knows docs/protocol.md and imports nothing of `src/`: what
 * both had wrong together, no test would see.
 */

export interface WickedAddress {
  readonly host: string;
  readonly port: number;
}

/** How a connection ended, from where the wicked peer stands. */
export interface Ending {
  /** The code in the other side's `close`; absent if there was none. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The errno or TLS code that the socket ended with, if it did not end in order. */
  readonly error: string | undefined;
}

export const ALPN = 'peer-courier/1';

/** One end of a connection, with what the other end has said. */
export class WickedPeer {
  readonly socket: TLSSocket;
  /** Everything that has come, `alive` left out. */
  readonly seen: SeenFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;
  #error: string | undefined;
  #isOver = false;
  #wake: () => void = () => undefined;
  #changed: Promise<void> = Promise.resolve();
  readonly #raw: Socket | undefined;

  /** `raw` is the connection below, as far as it is to be had. */
  constructor(socket: TLSSocket, raw?: Socket) {
    this.socket = socket;
    this.#raw = raw;
    this.#arm();
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error.code ?? error.message;
    });
    socket.once('close', () => {
      this.#isOver = true;
      this.#notify();
    });
    socket.once('end', () => {
      this.#isOver = true;
      this.#notify();
    });
  }

  /** 32 bytes that only the two ends know. */
  get exporter(): Buffer {
    return this.socket.exportKeyingMaterial(32, 'EXPORTER-peer-courier/1', Buffer.alloc(0));
  }

  send(...frames: readonly WickedFrame[]): void {
    this.sendBytes(Buffer.concat(frames.map(encode)));
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Says something in JSON. */
  say(name: FrameName, value?: unknown, more: Partial<WickedFrame> = {}): void {
    this.send(message(name, value, more));
  }

  /** The next frame that nobody has taken yet; `undefined` if the connection ended without one. */
  async next(): Promise<SeenFrame | undefined> {
    while (this.seen.length <= this.#taken && !this.#isOver) await this.#changed;
    const frame = this.seen[this.#taken];
    if (frame !== undefined) this.#taken += 1;
    return frame;
  }

  /** The next frame with this name; those before it are passed over. Throws if the connection ends first. */
  async expect(name: FrameName): Promise<SeenFrame> {
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) {
      if (frame.name === name) return frame;
    }
    throw new Error(`the connection ended before a ${name} came: ${JSON.stringify(await this.ended())}`);
  }

  /** Resolves once the other side has sent so many frames, or has ended. */
  async whenSeen(count: number): Promise<void> {
    while (this.seen.length < count && !this.#isOver) await this.#changed;
  }

  /** Resolves when the other side has ended the connection. */
  async ended(): Promise<Ending> {
    while (!this.#isOver) await this.#changed;
    const close = this.seen.find(({ name }) => name === 'close');
    const words = close === undefined ? undefined : said(close);
    return { code: textIn(words, 'code'), message: textIn(words, 'message'), error: this.#error };
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends the connection at once, with RST if this side has dialled. */
  drop(): void {
    // A TLS socket has no handle that could be reset.
    this.#raw?.resetAndDestroy();
    this.socket.destroy();
  }

  /** Ends this side in order; what the other side says is still taken. */
  finish(): void {
    this.socket.end();
  }

  #take(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let first = decodeFirst(this.#rest); first !== undefined; first = decodeFirst(this.#rest)) {
      if (first.frame.name !== 'alive') this.seen.push(first.frame);
      this.#rest = this.#rest.subarray(first.size);
    }
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#arm();
    wake();
  }

  #arm(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function textIn(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' ? found : undefined;
}

export interface WickedTls {
  /** Overrides anything of the handshake. */
  readonly tls?: ConnectionOptions;
  /** On Linux all of 127.0.0.0/8 is this machine: where the connection comes from. */
  readonly from?: string;
}

/** Connects and finishes the handshake; rejects if there is none. */
export async function wickedDial(
  address: WickedAddress,
  identity: WickedIdentity,
  { tls = {}, from }: WickedTls = {},
): Promise<WickedPeer> {
  const raw = connectTcp({ ...address, ...(from === undefined ? {} : { localAddress: from }) });
  const socket = connectTls({
    socket: raw,
    key: identity.privateKey,
    cert: identity.certificate,
    ca: [],
    minVersion: 'TLSv1.3',
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
    ...tls,
  });
  const peer = new WickedPeer(socket, raw);
  await Promise.race([
    once(socket, 'secureConnect'),
    peer.ended().then(({ error }) => Promise.reject(new Error(`no handshake: ${error ?? 'closed'}`))),
  ]);
  return peer;
}

/** A listener in whose place a wicked peer answers. */
export interface WickedListener {
  readonly address: WickedAddress;
  /** The next to come in. */
  accept(): Promise<WickedPeer>;
  close(): void;
}

export async function wickedListen(identity: WickedIdentity, tls: TlsOptions = {}): Promise<WickedListener> {
  const arrived: WickedPeer[] = [];
  const waiting: ((peer: WickedPeer) => void)[] = [];
  const all = new Set<WickedPeer>();
  const server = createServer(
    {
      key: identity.privateKey,
      cert: identity.certificate,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN],
      requestCert: true,
      rejectUnauthorized: false,
      ...tls,
    },
    (socket) => {
      const peer = new WickedPeer(socket);
      all.add(peer);
      const taker = waiting.shift();
      if (taker === undefined) arrived.push(peer);
      else taker(peer);
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    accept() {
      const here = arrived.shift();
      return here === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(here);
    },
    close() {
      server.close();
      for (const peer of all) peer.socket.destroy();
    },
  };
}

/** What an invite says, by docs/protocol.md § 3; taken at its word. */
export function readInvite(line: string): {
  fingerprint: Buffer;
  id: Buffer;
  token: Buffer;
  address: WickedAddress;
} {
  const body = Buffer.from(line.trim().replace(/^peer-courier:/u, ''), 'base64url');
  const [first = ''] = body.subarray(57, -4).toString('utf8').split(',');
  const colon = first.lastIndexOf(':');
  const host = first.slice(0, colon).replace(/^\[|\]$/gu, '');
  return {
    fingerprint: body.subarray(1, 33),
    id: body.subarray(33, 41),
    token: body.subarray(41, 57),
    address: { host, port: Number(first.slice(colon + 1)) },
  };
}

/** The proof of an invite for one connection, as `hello` carries it. */
export function proofOf(
  invite: { readonly fingerprint: Buffer; readonly id: Buffer; readonly token: Buffer },
  dialler: Buffer,
  exporter: Buffer,
): { invite: string; mac: string } {
  const mac = createHmac('sha256', invite.token)
    .update('peer-courier/1 invite')
    .update(exporter)
    .update(dialler)
    .update(invite.fingerprint)
    .digest('hex');
  return { invite: invite.id.toString('hex'), mac };
}
