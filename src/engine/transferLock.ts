import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CourierError } from '../base/failure.ts';
import { stateFailure } from '../node/state/stateFile.ts';
import { isAnswered, listenAlone, socketPath } from './localSocket.ts';

/** A transfer that belongs to this process until it lets go or ends. */
export interface TransferLock {
  release(): void;
}

/**
 * The locks of the transfers of one state folder, which several terminals may share: one process at a time
 * runs a transfer, or discards it.
 */
export class TransferLocks {
  readonly #folder: string;

  /** `state` is absolute. */
  constructor(state: string) {
    this.#folder = join(state, 'locks');
  }

  /** Takes a transfer; throws `busy` if another process has it. */
  async take(id: string): Promise<TransferLock> {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw stateFailure(this.#folder, error);
    }
    // Whoever connects has only looked whether somebody is there.
    const server = await listenAlone(this.#pathOf(id), (socket) => socket.destroy());
    if (server === undefined) throw new CourierError('busy', 'this transfer runs in another process');
    // It must not keep a process alive that has nothing left to do.
    server.unref();
    return { release: () => void server.close() };
  }

  /** Whether some process, this one too, has it. */
  isTaken(id: string): Promise<boolean> {
    return isAnswered(this.#pathOf(id));
  }

  #pathOf(id: string): string {
    return socketPath(join(this.#folder, `${id}.sock`));
  }
}
