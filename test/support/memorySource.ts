import { CourierError } from '../../src/base/failure.ts';
import type { FailureCode } from '../../src/base/failure.ts';
import type { FileEntry } from '../../src/protocol/manifest.ts';
import type { FileVersion, SmallContents, Source, SourceFile, SourceItem } from '../../src/transfer/ports.ts';
import { MemoryGate } from './memoryGate.ts';
import { readEach } from './readEach.ts';
import { safePath, sortedPaths } from './memoryTree.ts';
import type { MemoryTree } from './memoryTree.ts';

export interface MemorySourceOptions {
  /** Why a read that ends behind `offset` fails. */
  readonly fault?: (path: string, offset: number) => FailureCode | undefined;
  /** What listing fails with after the last entry. */
  readonly listFault?: Error;
  readonly closeFault?: Error;
  /** So many items are listed whatever the gate of listing says. */
  readonly listsFreely?: number;
}

/** A tree of files in memory as the source of a transfer. */
export class MemorySource implements Source {
  readonly #tree: MemoryTree;
  readonly #options: MemorySourceOptions;
  readonly listing = new MemoryGate({ isOpen: true });
  readonly reading = new MemoryGate({ isOpen: true });
  /** What the transfer did that it must not do. */
  readonly misuse: string[] = [];
  /** How often each range was read. */
  readonly reads = new Map<string, number>();
  readonly released: string[] = [];
  listed = 0;
  readsUnderWay = 0;
  mostReadsUnderWay = 0;
  isClosed = false;

  constructor(tree: MemoryTree, options: MemorySourceOptions = {}) {
    this.#tree = tree;
    this.#options = options;
  }

  async *list(): AsyncGenerator<SourceItem> {
    let inode = 1;
    for (const path of sortedPaths(this.#tree)) {
      if (this.listed >= (this.#options.listsFreely ?? 0)) await this.listing.pass();
      const node = this.#tree.get(path);
      if (node === undefined) continue;
      this.listed += 1;
      if (node.kind === 'left-out') yield { type: 'left-out', path, reason: node.reason };
      else if (node.kind === 'folder') {
        yield {
          type: 'entry',
          entry: { kind: 'folder', path: safePath(path), mtimeMs: 5 },
          version: undefined,
        };
      } else {
        const { length: size } = node.bytes;
        inode += 1;
        yield {
          type: 'entry',
          entry: {
            kind: 'file',
            path: safePath(path),
            size,
            mtimeMs: -1,
            isExecutable: node.isExecutable ?? false,
          },
          version: { size, mtimeMs: -0.5, ctimeMs: 1.25, inode },
        };
      }
    }
    if (this.#options.listFault !== undefined) throw this.#options.listFault;
  }

  async read(entry: FileEntry, version: FileVersion, offset: number, length: number): Promise<Uint8Array> {
    if (this.isClosed) this.misuse.push(`read of ${entry.path} after close`);
    if (version.size !== entry.size || version.ctimeMs !== 1.25) {
      this.misuse.push(`wrong version of ${entry.path}`);
    }
    const range = `${entry.path}@${offset}`;
    this.reads.set(range, (this.reads.get(range) ?? 0) + 1);
    this.readsUnderWay += 1;
    this.mostReadsUnderWay = Math.max(this.mostReadsUnderWay, this.readsUnderWay);
    try {
      await this.reading.pass();
      const code = this.#options.fault?.(entry.path, offset);
      if (code !== undefined) throw new CourierError(code, `${entry.path}: ${code}`);
      const node = this.#tree.get(entry.path);
      if (node?.kind !== 'file') throw new CourierError('source-vanished', entry.path);
      if (offset + length > node.bytes.length) this.misuse.push(`read beyond the end of ${entry.path}`);
      // A copy: who is done with it may write over it.
      return node.bytes.slice(offset, offset + length);
    } finally {
      this.readsUnderWay -= 1;
    }
  }

  readSmall(files: readonly SourceFile[]): Promise<SmallContents> {
    return readEach(files, (file) => this.read(file.entry, file.version, 0, file.entry.size));
  }

  release(entry: FileEntry): Promise<void> {
    this.released.push(entry.path);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.isClosed) this.misuse.push('closed twice');
    if (this.readsUnderWay > 0) this.misuse.push('closed while reading');
    this.isClosed = true;
    return this.#options.closeFault === undefined
      ? Promise.resolve()
      : Promise.reject(this.#options.closeFault);
  }
}
