import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isPacked } from '../../protocol/chunkLayout.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import { READ_FLAGS } from './openFlags.ts';

/** Reads files that are there before they are sent: regular ones, and never through a link. */
export class HeldFiles {
  /** Big ones stay open from chunk to chunk. */
  readonly #open = new Map<string, Promise<FileHandle | undefined>>();

  /** A range of the file at `location`, or a small one whole; `undefined` if that is not there. */
  async read(
    location: string,
    entry: FileEntry,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    if (isPacked(entry.size)) return readSmall(location, entry.size);
    let opening = this.#open.get(location);
    if (opening === undefined) {
      opening = openRegular(location);
      this.#open.set(location, opening);
    }
    const handle = await opening;
    if (handle === undefined) return undefined;
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytesRead === length ? bytes : undefined;
  }

  async close(location: string): Promise<void> {
    const handle = this.#open.get(location);
    this.#open.delete(location);
    await (await handle)?.close();
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((location) => this.close(location)));
  }
}

/** Synchronous calls: several times faster than the thread pool for a few kilobytes. */
function readSmall(location: string, size: number): Uint8Array | undefined {
  let descriptor;
  try {
    descriptor = openSync(location, READ_FLAGS);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size !== size) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    let read = 0;
    while (read < size) {
      const count = readSync(descriptor, bytes, read, size - read, read);
      if (count === 0) return undefined;
      read += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

async function openRegular(location: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(location, READ_FLAGS);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch {
    // Nothing to compare with.
  }
  return undefined;
}
