import { isPacked } from '../../protocol/chunkLayout.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import type { FileSystem, OpenFile } from './fileSystem.ts';
import { BufferPool } from '../bufferPool.ts';
import { readNow } from './wholeFile.ts';

/** Memory that is kept from chunk to chunk. */
const MOST_IDLE_BYTES = 4 * 1024 * 1024;

/** Reads files that are there before they are sent: regular ones, and never through a link. */
export class HeldFiles {
  readonly #disk: FileSystem;
  readonly #pool = new BufferPool(MOST_IDLE_BYTES);
  /** Big ones stay open from chunk to chunk. */
  readonly #open = new Map<string, OpenFile | undefined>();

  constructor(disk: FileSystem) {
    this.#disk = disk;
  }

  /** A range of the file at `location`, or a small one whole; `undefined` if that is not there. */
  async read(
    location: string,
    entry: FileEntry,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    if (isPacked(entry.size)) return this.#readSmall(location, entry.size);
    const file = this.#opened(location);
    if (file === undefined) return undefined;
    const bytes = this.#pool.allocate(length);
    let filled = 0;
    while (filled < length) {
      const count = await file.read(filled === 0 ? bytes : bytes.subarray(filled), offset + filled);
      if (count === 0) return undefined;
      filled += count;
    }
    return bytes;
  }

  /** Takes back memory that {@link read} gave. */
  release(bytes: Uint8Array): void {
    this.#pool.recycle(bytes);
  }

  async close(location: string): Promise<void> {
    const file = this.#open.get(location);
    this.#open.delete(location);
    await file?.close();
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((location) => this.close(location)));
  }

  /** What is there to be read; not looked for again until it is closed. */
  #opened(location: string): OpenFile | undefined {
    if (this.#open.has(location)) return this.#open.get(location);
    const file = openRegular(this.#disk, location);
    this.#open.set(location, file);
    return file;
  }

  #readSmall(location: string, size: number): Uint8Array | undefined {
    let file;
    try {
      file = this.#disk.open(location, 'read');
    } catch {
      return undefined;
    }
    try {
      const stats = file.stat();
      return stats.isFile() && stats.size === size ? readNow(file, this.#pool.allocate(size)) : undefined;
    } finally {
      file.closeNow();
    }
  }
}

function openRegular(disk: FileSystem, location: string): OpenFile | undefined {
  let file;
  try {
    file = disk.open(location, 'read');
    if (file.stat().isFile()) return file;
  } catch {
    // Nothing to compare with.
  }
  file?.closeNow();
  return undefined;
}
