import type { DestinationFailure } from '../../src/base/failure.ts';
import { chunkBytesFor, isPacked } from '../../src/protocol/chunkLayout.ts';
import type { Decision } from '../../src/protocol/chunkLayout.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import type { Destination, EntryReference, FileReference, Publication } from '../../src/transfer/ports.ts';
import { safePath, sortedPaths } from './memoryTree.ts';
import type { MemoryTree } from './memoryTree.ts';

/** When everything that a delivery brings was changed last. */
export const DELIVERED_MS = 1_700_000_000_123;

/** Uses a destination as a transfer does: plans, writes what was taken, completes, publishes. */
export class Delivery {
  readonly #destination: Destination;
  readonly #tree: MemoryTree;
  /** What is offered, in manifest order. */
  readonly entries: readonly Entry[];
  #taken: EntryReference[] = [];
  #completed: EntryReference[] = [];

  constructor(destination: Destination, tree: MemoryTree, mtimeMs = DELIVERED_MS) {
    this.#destination = destination;
    this.#tree = tree;
    this.entries = sortedPaths(tree).flatMap((text): Entry[] => {
      const [path, node] = [safePath(text), tree.get(text)];
      if (node?.kind === 'folder') return [{ kind: 'folder', path, mtimeMs }];
      if (node?.kind !== 'file') return [];
      return [
        { kind: 'file', path, size: node.bytes.length, mtimeMs, isExecutable: node.isExecutable ?? false },
      ];
    });
  }

  /** The decisions by path. */
  async plan(): Promise<Readonly<Record<string, Decision>>> {
    const decisions = await this.#destination.plan(0, this.entries);
    this.#taken = this.entries
      .map((entry, position) => ({ page: 0, position, entry }))
      .filter(({ position }) => decisions[position] === 'take');
    // A folder is complete as soon as it is planned.
    this.#completed = this.#taken.filter(({ entry }) => entry.kind === 'folder');
    return Object.fromEntries(this.entries.map(({ path }, at) => [path, decisions[at] ?? 'take']));
  }

  /** The files that were taken, in manifest order. */
  get files(): readonly FileReference[] {
    return this.#taken.flatMap(({ page, position, entry }) =>
      entry.kind === 'file' ? [{ page, position, entry }] : [],
    );
  }

  file(path: string): FileReference {
    const found = this.files.find(({ entry }) => entry.path === path);
    if (found === undefined) throw new Error(`${path} was not taken`);
    return found;
  }

  /** Writes a file, chunk by chunk, the last first: chunks come in any order. */
  async write(file: FileReference): Promise<void> {
    const bytes = this.#bytesOf(file);
    const step = isPacked(bytes.length) ? Math.max(1, bytes.length) : chunkBytesFor(bytes.length);
    const last = Math.max(0, Math.ceil(bytes.length / step) - 1);
    for (let at = last; at >= 0; at -= 1) {
      await this.#destination.write(file, at * step, bytes.subarray(at * step, (at + 1) * step));
    }
  }

  /** Writes of a file what is not held already, chunk by chunk; returns how many bytes had to be sent. */
  async writeMissing(file: FileReference, { chunks = Infinity } = {}): Promise<number> {
    const bytes = this.#bytesOf(file);
    const step = isPacked(bytes.length) ? Math.max(1, bytes.length) : chunkBytesFor(bytes.length);
    let sent = 0;
    const count = Math.max(1, Math.ceil(bytes.length / step));
    for (let at = 0; at < Math.min(chunks, count); at += 1) {
      const chunk = bytes.subarray(at * step, (at + 1) * step);
      const held = this.#destination.hasHeld(file)
        ? await this.#destination.readHeld(file, at * step, chunk.length)
        : undefined;
      const isRight = held !== undefined && Buffer.from(held.bytes).equals(chunk);
      if (!isRight) sent += chunk.length;
      if (!isRight || !held.isInPlace) await this.#destination.write(file, at * step, chunk);
    }
    return sent;
  }

  /** Plans, writes what is missing and completes all that was taken; returns how many bytes had to be sent. */
  async fill(): Promise<number> {
    await this.plan();
    let sent = 0;
    for (const file of this.files) {
      sent += await this.writeMissing(file);
      await this.complete(file);
    }
    return sent;
  }

  async complete(file: FileReference): Promise<void> {
    await this.#destination.complete(file);
    this.#completed.push(file);
  }

  /** Gives small files to the destination in one go; `isInPlace` tells whose bytes lie there already. */
  async store(
    files: readonly FileReference[],
    { isInPlace = () => false }: { readonly isInPlace?: (file: FileReference) => boolean } = {},
  ): Promise<readonly (DestinationFailure | undefined)[]> {
    const small = files.map((file) => ({
      file,
      bytes: isInPlace(file) ? undefined : this.#bytesOf(file),
    }));
    const failures = await this.#destination.storeSmall(small);
    this.#completed.push(...files.filter((_, at) => failures[at] === undefined));
    return failures;
  }

  /** Writes and completes all that was taken. */
  async writeAll(): Promise<void> {
    for (const file of this.files) {
      await this.write(file);
      await this.complete(file);
    }
  }

  publish(): Promise<Publication> {
    const inOrder = this.#completed.toSorted((left, right) => left.position - right.position);
    return this.#destination.publish(() => inOrder);
  }

  /** All of it. */
  async deliver(): Promise<Publication> {
    await this.plan();
    await this.writeAll();
    return this.publish();
  }

  #bytesOf({ entry }: FileReference): Uint8Array {
    const node = this.#tree.get(entry.path);
    if (node?.kind !== 'file') throw new Error(`${entry.path} is no file`);
    return node.bytes;
  }
}
