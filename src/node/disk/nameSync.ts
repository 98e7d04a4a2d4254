import { dirname, sep } from 'node:path';
import { syncFailure, syncFolder } from './durable.ts';
import type { FileSystem } from './fileSystem.ts';

/**
 * Makes names durable. A file's sync does not cover its name, nor a folder's sync the folder's own: that is a
 * name in the folder around it.
 */
export class NameSync {
  readonly #disk: FileSystem;
  /** The folder whose own name, and those of the folders around it, became durable last. */
  #rooted: string | undefined;

  constructor(disk: FileSystem) {
    this.#disk = disk;
  }

  /**
   * The names in `folder`, its own, and those of the folders around it: any of them may have been made for it.
   * Throws `disk-full` or `destination-unwritable`.
   */
  async sync(folder: string): Promise<void> {
    try {
      await syncFolder(this.#disk, folder);
      let inner = folder;
      while (!this.#isRooted(inner) && dirname(inner) !== inner) {
        inner = dirname(inner);
        await syncFolder(this.#disk, inner);
      }
      this.#rooted = folder;
    } catch (error) {
      throw syncFailure(error);
    }
  }

  /** Whether a folder's own name is durable: it is the last one, or around that. */
  #isRooted(folder: string): boolean {
    return this.#rooted !== undefined && `${this.#rooted}${sep}`.startsWith(`${folder}${sep}`);
  }
}
