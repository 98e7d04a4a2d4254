import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { LOOPBACK } from './loopback.ts';

/**
 * How the path between two peers fails:
 * - `fin`: both are told that it is over, in order.
 * - `rst`: both are told that it broke.
 * - `black-hole`: nobody is told anything, and nothing passes any more.
 * - `half-open`: the dialler is told that it broke, the listener nothing.
 */
export type Cut = 'fin' | 'rst' | 'black-hole' | 'half-open';

interface Pair {
  readonly dialler: Socket;
  readonly listener: Socket;
}

/** A path on loopback that counts what passes and fails when it is told to. */
export class TcpProxy {
  // Immutable.
  readonly #server: Server;

  // Mutable.
  /** Whether new connections pass; those that do not are broken at once. */
  isOpen = true;
  readonly #pairs = new Set<Pair>();
  readonly #sockets = new Set<Socket>();
  #target: number;
  #forward = 0;
  #back = 0;
  #waiting: { readonly bytes: number; readonly reached: () => void }[] = [];

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (dialler) => this.#join(dialler));
  }

  /** A path to `port`, open to whoever dials {@link TcpProxy.port}. */
  static async open(port: number): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((listening) => {
      server.listen(0, LOOPBACK, listening);
    });
    return new TcpProxy(server, port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where connections go from now on. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Bytes from diallers to the listener, of all connections together. */
  get bytesForward(): number {
    return this.#forward;
  }

  /** … and the other way. */
  get bytesBack(): number {
    return this.#back;
  }

  /** Resolves when so many bytes have gone forward. */
  forwarded(bytes: number): Promise<void> {
    return new Promise((reached) => {
      this.#waiting.push({ bytes, reached });
      this.#tellReached();
    });
  }

  /** Lets nothing more go forward on what is open now, until {@link TcpProxy.release}. */
  hold(): void {
    for (const { dialler, listener } of this.#pairs) {
      dialler.unpipe(listener);
      dialler.pause();
    }
  }

  release(): void {
    for (const { dialler, listener } of this.#pairs) dialler.pipe(listener);
  }

  /** Fails what is open now; a new connection passes. */
  cut(how: Cut): void {
    for (const { dialler, listener } of this.#pairs) {
      dialler.unpipe();
      listener.unpipe();
      if (how === 'fin') {
        dialler.end();
        listener.end();
      } else if (how === 'rst') {
        dialler.resetAndDestroy();
        listener.resetAndDestroy();
      } else {
        // Whoever is told nothing keeps its socket until the proxy closes.
        dialler.pause();
        listener.pause();
        if (how === 'half-open') dialler.resetAndDestroy();
      }
    }
    this.#pairs.clear();
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => {
      this.#server.close(closed);
    });
  }

  #join(dialler: Socket): void {
    if (!this.isOpen) {
      dialler.resetAndDestroy();
      return;
    }
    const listener = connect({ host: LOOPBACK, port: this.#target });
    const pair = { dialler, listener };
    this.#pairs.add(pair);
    dialler.on('data', (bytes) => {
      this.#forward += bytes.length;
      this.#tellReached();
    });
    listener.on('data', (bytes) => {
      this.#back += bytes.length;
    });
    for (const [one, other] of [
      [dialler, listener],
      [listener, dialler],
    ] as const) {
      // A broken path is what this is for; what is behind it sees the other half break.
      this.#sockets.add(one);
      one.on('error', () => {
        if (this.#pairs.has(pair)) other.destroy();
      });
      one.on('close', () => {
        this.#pairs.delete(pair);
        this.#sockets.delete(one);
      });
      one.pipe(other);
    }
  }

  #tellReached(): void {
    for (const each of this.#waiting) if (each.bytes <= this.#forward) each.reached();
    this.#waiting = this.#waiting.filter(({ bytes }) => bytes > this.#forward);
  }
}
