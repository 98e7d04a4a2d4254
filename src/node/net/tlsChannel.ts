import type { TLSSocket } from 'node:tls';
import { CourierError } from '../../base/failure.ts';
import type { Channel } from '../../transfer/ports.ts';
import { SocketBytes } from './socketBytes.ts';

/** Pieces shorter than this are joined, so that a header does not become a TLS record of its own. */
const JOIN_BELOW_BYTES = 16 * 1024;
/** How long the peer may take to agree to the end. */
const CLOSE_TIMEOUT_MS = 2000;

/** A {@link Channel} over one TLS socket, which it owns. Made only after the peer is identified. */
export class TlsChannel implements Channel {
  readonly #socket: TLSSocket;
  #broken: Error | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // Node's TLS copies writes that it gets together into one, however long they are.
    Reflect.set(socket, '_writev', undefined);
    // Without a listener an error would end the process; send and inbound report it to whoever cares.
    socket.on('error', (error) => {
      this.#broken ??= error;
    });
  }

  get inbound(): AsyncIterable<Uint8Array> {
    return new SocketBytes(this.#socket);
  }

  async send(pieces: readonly Uint8Array[]): Promise<void> {
    const writes = joinSmall(pieces);
    const last = writes.pop();
    if (last === undefined) return;
    this.#requireOpen();
    for (const piece of writes) this.#socket.write(piece);
    await new Promise<void>((resolve, reject) => {
      // Called when the last byte is with the system, or when the socket has ended without that.
      this.#socket.write(last, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(this.#lost());
      });
    });
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
      // The peer's last bytes must be read, or its end of the stream never shows.
      socket.resume();
      if (socket.readableEnded) socket.destroySoon();
    });
  }

  #requireOpen(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) throw this.#lost();
  }

  #lost(): CourierError {
    return new CourierError('connection-lost', this.#broken?.message ?? 'the connection is closed', {
      cause: this.#broken,
    });
  }
}

function joinSmall(pieces: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = (): void => {
    if (small.length > 0) {
      joined.push(small.length === 1 && small[0] !== undefined ? small[0] : Buffer.concat(small));
    }
    small = [];
  };
  for (const piece of pieces) {
    if (piece.length < JOIN_BELOW_BYTES) small.push(piece);
    else {
      flush();
      joined.push(piece);
    }
  }
  flush();
  return joined.filter((piece) => piece.length > 0);
}
