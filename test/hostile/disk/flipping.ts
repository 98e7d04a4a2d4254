import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FlipOrder } from './flipper.ts';

const SCRIPT = new URL('flipper.ts', import.meta.url);

/** A folder that another thread swaps for a link, and back, as fast as it can. */
export class Flipping {
  readonly #state: Int32Array;
  readonly #ended: Promise<void>;

  private constructor(worker: Worker, state: Int32Array) {
    this.#state = state;
    this.#ended = new Promise((resolve, reject) => {
      worker.once('exit', () => resolve());
      worker.once('error', reject);
    });
  }

  /** Does something meanwhile; the link leads to `target`. Afterwards all is as it was. */
  static async during(
    folder: string,
    target: string,
    work: (flipping: Flipping) => Promise<void>,
  ): Promise<void> {
    const shared = new SharedArrayBuffer(8);
    const aside = join(dirname(folder), 'aside');
    mkdirSync(aside);
    const order: FlipOrder = { folder, link: join(aside, 'link'), away: join(aside, 'away'), shared };
    symlinkSync(target, order.link);
    const flipping = new Flipping(new Worker(SCRIPT, { workerData: order }), new Int32Array(shared));
    try {
      await work(flipping);
    } finally {
      await flipping.#stop();
    }
  }

  /** How often there was a link where the folder should be. */
  get count(): number {
    return Atomics.load(this.#state, 1);
  }

  async #stop(): Promise<void> {
    Atomics.store(this.#state, 0, 1);
    await this.#ended;
  }
}

/** Does something with the folder swapped for a link to `target`. */
export function withLinkAt<Result>(folder: string, target: string, work: () => Result): Result {
  renameSync(folder, `${folder}.away`);
  symlinkSync(target, folder);
  try {
    return work();
  } finally {
    unlinkSync(folder);
    renameSync(`${folder}.away`, folder);
  }
}
