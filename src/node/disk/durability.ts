import { dirname, join } from 'node:path';
import { Semaphore } from '../../base/semaphore.ts';
import type { CourierError } from '../../base/failure.ts';
import { BackgroundSync } from './backgroundSync.ts';
import { syncAll, syncFailure, whereSupported } from './durable.ts';
import { NameSync } from './nameSync.ts';
import { JOURNAL } from './publishedJournal.ts';
import { removeStaging } from './staging.ts';
import type { Staging } from './staging.ts';

export interface DurabilityInit extends Staging {
  /** Whether what is staged outlives the session; else only what is published has to be durable. */
  readonly keepsInterrupted: boolean;
  /** Milliseconds of a clock. */
  readonly now: () => number;
}

/**
 * What of a transfer's staging is durable, and what of it can be trusted.
 *
 * After a sync has failed, the system may have dropped what it could not write, show it nevertheless to whoever
 * reads, and call the next sync a success ("Can applications recover from fsync failures?", USENIX ATC 2020). So
 * no sync is tried twice: the transfer fails, and what the sync was to cover is removed when the session lets go.
 */
export class Durability {
  // Immutable.
  readonly #init: DurabilityInit;
  /** Small files, together. */
  readonly #small: BackgroundSync;
  /** The names of big files that are complete, and were synced when they were. */
  readonly #complete: BackgroundSync;
  readonly #names: NameSync;
  readonly #turns = new Semaphore(1);

  // Mutable.
  #failure: CourierError | undefined;
  readonly #untrusted = new Set<string>();
  #isAllUntrusted = false;
  #canSyncAll = true;
  /** Folders with names of complete files that may not be durable. */
  #unsyncedFolders = new Set<string>();

  constructor(init: DurabilityInit) {
    this.#init = init;
    this.#names = new NameSync(init.disk);
    this.#small = new BackgroundSync(() => this.#syncSmall(), init.now);
    this.#complete = new BackgroundSync(() => this.#syncComplete(), init.now);
  }

  /** Throws if a sync has failed. */
  requireTrust(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A small file was written in staging. */
  wroteSmall(bytes: number): void {
    if (this.#init.keepsInterrupted && this.#canSyncAll) this.#small.wrote(bytes);
  }

  /** A big file in staging is complete, and its content durable. */
  completedBig(location: string, bytes: number): void {
    if (!this.#init.keepsInterrupted) return;
    this.#unsyncedFolders.add(dirname(location));
    this.#complete.wrote(bytes);
  }

  /** Syncs the content of a staged file while it is written; `sync` is of the open file. */
  backgroundFor(location: string, sync: () => Promise<void>): BackgroundSync {
    let isRooted = false;
    const work = async (): Promise<void> => {
      await this.syncFile(location, sync);
      if (!isRooted) await this.syncName(location);
      isRooted = true;
    };
    // A failure is kept: whoever writes next hears of it.
    const begin = async (): Promise<void> => {
      if (this.#init.keepsInterrupted) await work().catch(() => undefined);
    };
    return new BackgroundSync(begin, this.#init.now);
  }

  /** Syncs the content of a staged file. */
  async syncFile(location: string, sync: () => Promise<void>): Promise<void> {
    try {
      await whereSupported(sync());
    } catch (error) {
      this.#untrusted.add(location);
      const failure = this.#failed(error);
      try {
        // At once: who is killed before the session lets go removes nothing any more.
        this.#init.disk.removeTree(location);
      } catch {
        // Then it is tried again.
      }
      throw failure;
    }
  }

  /** Makes durable that something has its name in staging, and that the folders around it have theirs. */
  async syncName(location: string): Promise<void> {
    await this.#syncNames(dirname(location));
  }

  /** Syncs many staged files and folders. Only in {@link inTurn}. */
  async syncMany(locations: () => Iterable<string>, count: number): Promise<void> {
    try {
      await syncAll(this.#init.disk, locations, { count, place: this.#init.staging });
    } catch (error) {
      this.#isAllUntrusted = true;
      throw this.#failed(error);
    }
  }

  /** Syncs all of the file system; `false` where that cannot be had. Only in {@link inTurn}. */
  async syncEverything(): Promise<boolean> {
    try {
      return await this.#init.disk.syncAll(this.#init.staging);
    } catch (error) {
      this.#isAllUntrusted = true;
      throw this.#failed(error);
    }
  }

  /**
   * Does work that syncs all of the file system, or that announces names and takes them; one such work at a time.
   * For a sync of everything that fails may drop what the journal has just been told, and the journal's own sync
   * would not notice.
   */
  async inTurn(work: () => Promise<void>): Promise<void> {
    await this.#turns.acquire(1);
    try {
      this.requireTrust();
      await work();
    } finally {
      this.#turns.release(1);
    }
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await Promise.all([this.#small.settle(), this.#complete.settle()]);
  }

  /** Removes what a later session must not go on with. */
  removeUntrusted(): void {
    const { disk, staging } = this.#init;
    if (!this.#isAllUntrusted) {
      for (const location of this.#untrusted) disk.removeTree(location);
    } else if (disk.lstat(join(staging, JOURNAL)) === undefined) {
      removeStaging(this.#init);
    } else {
      // What may have been published must stay known; the journal has syncs of its own.
      for (const name of disk.readdir(staging)) if (name !== JOURNAL) disk.removeTree(join(staging, name));
    }
  }

  async #syncNames(folder: string): Promise<void> {
    try {
      await this.#names.sync(folder);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): CourierError {
    this.#failure ??= syncFailure(error);
    return this.#failure;
  }

  async #syncSmall(): Promise<void> {
    try {
      await this.inTurn(async () => {
        // Without it they are synced when they are published: one by one it would cost more than it saves.
        this.#canSyncAll = await this.syncEverything();
      });
    } catch {
      // It is kept: whoever writes next hears of it.
    }
  }

  async #syncComplete(): Promise<void> {
    const folders = this.#unsyncedFolders;
    this.#unsyncedFolders = new Set();
    try {
      for (const folder of folders) await this.#syncNames(folder);
    } catch {
      // As above.
    }
  }
}
