import { dirname } from 'node:path';
import type { RootedFiles, WholeFileSystem } from './fileSystem.ts';

/** Folders that the system keeps something for at once; who picks files in more of them has them opened again. */
const MOST_IN_USE = 4;

/** The folders around what was picked to be sent, each the one that it was when it was first asked for. */
export class SourceFolders {
  // Immutable.
  readonly #disk: WholeFileSystem;

  // Mutable.
  readonly #folders = new Map<string, RootedFiles>();
  /** The least recently used first. */
  readonly #inUse = new Set<RootedFiles>();
  /** What was asked for last: nearly always the next, too. */
  #latest: { readonly location: string; readonly files: RootedFiles } | undefined;

  constructor(disk: WholeFileSystem) {
    this.#disk = disk;
  }

  /** The files below the folder that `location` lies in. Throws what the system says if that is not there. */
  around(location: string): RootedFiles {
    if (this.#latest?.location === location) return this.#latest.files;
    const folder = dirname(location);
    const files = this.#folders.get(folder) ?? this.#disk.below(folder);
    this.#folders.set(folder, files);
    this.#inUse.delete(files);
    this.#inUse.add(files);
    for (const oldest of this.#inUse) {
      if (this.#inUse.size <= MOST_IN_USE) break;
      this.#inUse.delete(oldest);
      oldest.letGo();
    }
    this.#latest = { location, files };
    return files;
  }

  /** Gives back what the system keeps for them; they are still the same folders to the next call. */
  letGo(): void {
    // All of them: who was given one may have used it after it was let go of.
    for (const files of this.#folders.values()) files.letGo();
    this.#inUse.clear();
    this.#latest = undefined;
  }
}
