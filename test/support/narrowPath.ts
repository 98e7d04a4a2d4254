import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { nodeHashing } from '../../src/node/hashing.ts';
import { parseAddress } from '../../src/peers/address.ts';
import { encodeInvite, parseInvite } from '../../src/peers/invite.ts';
import { LOOPBACK } from './loopback.ts';
import type { Cut } from './tcpProxy.ts';

/**
 * A path on loopback that lets so many bytes pass towards the listener and holds the rest back until it is
 * told to let go: so a transfer is in its middle for as long as a test needs, whatever the machine's speed.
 * What is cut, is cut as {@link Cut} says; who dials afterwards comes through.
 */
export class NarrowPath {
  // Immutable.
  readonly #server: Server;

  // Mutable.
  readonly #diallers = new Map<Socket, Socket>();
  #target: number;
  #left: number;
  #forward = 0;
  #held = Promise.withResolvers<void>();
  #connections = 0;
  #waiting: { readonly count: number; readonly reached: () => void }[] = [];

  private constructor(server: Server, target: number, bytes: number) {
    this.#server = server;
    this.#target = target;
    this.#left = bytes;
    server.on('connection', (dialler) => this.#join(dialler));
  }

  /** A path to `target` that holds after so many bytes; closed after the test. */
  static async open(
    t: TestContext,
    target: number,
    { holdAfter }: { holdAfter: number },
  ): Promise<NarrowPath> {
    const server = createServer();
    await new Promise<void>((listening) => {
      server.listen(0, LOOPBACK, listening);
    });
    const path = new NarrowPath(server, target, holdAfter);
    t.after(() => {
      path.cut('rst');
      server.close();
    });
    return path;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${LOOPBACK}:${this.port}`;
  }

  /** Bytes that have passed towards the listener, of all connections together. */
  get bytesForward(): number {
    return this.#forward;
  }

  /** Resolves when it has begun to hold back. */
  get held(): Promise<void> {
    return this.#held.promise;
  }

  /** Resolves when so many connections have been made in all. */
  connected(count: number): Promise<void> {
    return new Promise((reached) => {
      this.#waiting.push({ count, reached });
      this.#tellConnected();
    });
  }

  #tellConnected(): void {
    for (const { count, reached } of this.#waiting) if (count <= this.#connections) reached();
    this.#waiting = this.#waiting.filter(({ count }) => count > this.#connections);
  }

  /** Breaks what was connected last, and nothing else. */
  cutNewest(): void {
    const [dialler, listener] = [...this.#diallers].at(-1) ?? [];
    dialler?.resetAndDestroy();
    listener?.resetAndDestroy();
  }

  /** Where connections go from now on. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Holds nothing back any more. */
  letGo(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const dialler of this.#diallers.keys()) dialler.resume();
  }

  /** Lets so many bytes more pass. */
  holdAfter(bytes: number): void {
    this.#left = bytes;
    this.#held = Promise.withResolvers();
  }

  cut(how: Exclude<Cut, 'black-hole'>): void {
    for (const [dialler, listener] of this.#diallers) {
      if (how === 'fin') {
        dialler.end();
        listener.end();
        // The other side's last words lead nowhere.
        dialler.resume();
        listener.resume();
      } else {
        dialler.resetAndDestroy();
        if (how === 'rst') listener.resetAndDestroy();
      }
    }
    this.#diallers.clear();
  }

  /** Makes the invite in a file lead here instead of straight to its receiver, and to other addresses. */
  detour(inviteFile: string, alsoAt: readonly string[] = []): void {
    const invite = parseInvite(nodeHashing, readFileSync(inviteFile, 'utf8'));
    const others = alsoAt.map((text) => parseAddress(text)).filter((address) => address !== undefined);
    const addresses = [{ host: LOOPBACK, port: this.port }, ...others];
    writeFileSync(inviteFile, encodeInvite(nodeHashing, { ...invite, addresses }));
  }

  #join(dialler: Socket): void {
    const listener = connect({ host: LOOPBACK, port: this.#target });
    this.#diallers.set(dialler, listener);
    this.#connections += 1;
    this.#tellConnected();
    const isOpen = (): boolean => this.#diallers.has(dialler);
    dialler.on('data', (bytes: Buffer) => {
      if (!isOpen()) return;
      this.#forward += bytes.length;
      this.#left -= bytes.length;
      if (!listener.write(bytes)) dialler.pause();
      if (this.#left > 0) return;
      dialler.pause();
      this.#held.resolve();
    });
    listener.on('drain', () => {
      if (this.#left > 0) dialler.resume();
    });
    listener.on('data', (bytes) => {
      if (isOpen()) dialler.write(bytes);
    });
    for (const [one, other] of [
      [dialler, listener],
      [listener, dialler],
    ] as const) {
      one.on('error', () => undefined);
      one.on('end', () => {
        if (isOpen()) other.end();
      });
      one.on('close', () => {
        if (isOpen()) other.destroy();
        this.#diallers.delete(dialler);
      });
    }
  }
}
