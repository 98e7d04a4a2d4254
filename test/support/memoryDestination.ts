import { CourierError, isDestinationFailure } from '../../src/base/failure.ts';
import type { DestinationFailure, FailureCode } from '../../src/base/failure.ts';
import { equalBytes } from '../../src/base/bytes.ts';
import { RangeSet } from '../../src/base/rangeSet.ts';
import { isPacked } from '../../src/protocol/chunkLayout.ts';
import type { Decision } from '../../src/protocol/chunkLayout.ts';
import type { Entry } from '../../src/protocol/manifest.ts';
import type {
  Destination,
  EntryReference,
  FileReference,
  HeldBytes,
  Publication,
  SmallFile,
} from '../../src/transfer/ports.ts';
import { MemoryGate } from './memoryGate.ts';
import type { MemoryTree } from './memoryTree.ts';

export type Operation =
  | 'plan'
  | 'readHeld'
  | 'write'
  | 'complete'
  | 'discard'
  | 'publish'
  | 'abandon'
  | 'suspend';

export interface MemoryDestinationOptions {
  /** What the sender has: whatever else is written was not verified. */
  readonly expected: MemoryTree;
  readonly decide?: (path: string) => Decision;
  readonly freeBytes?: number;
  /** Older versions of files. */
  readonly older?: ReadonlyMap<string, Uint8Array>;
  /** What is read of an older version, if that changes; `time` counts the reads of one range from 1. */
  readonly olderAt?: (path: string, time: number) => Uint8Array | undefined;
  /** What an operation on a path fails with; `time` counts that operation on that path (a read: of that range) from 1. */
  readonly fault?: (operation: Operation, path: string, time: number) => FailureCode | undefined;
  /** Entries that cannot be published in the end. */
  readonly publishFailures?: ReadonlyMap<string, DestinationFailure>;
  readonly onWrite?: (path: string) => void;
  /** The destination of an interrupted session, which this one goes on with. */
  readonly left?: MemoryDestination;
}

interface StagedFile {
  readonly bytes: Uint8Array;
  readonly ranges: RangeSet;
  /** How much of it an interrupted session left, from the start. */
  readonly leftBytes: number;
  state: 'open' | 'complete' | 'discarded';
}

/** Files in memory as the destination of a transfer. It notes what a transfer must not do. */
export class MemoryDestination implements Destination {
  readonly #options: MemoryDestinationOptions;
  readonly #partials = new Map<string, StagedFile>();
  readonly #times = new Map<string, number>();
  readonly writing = new MemoryGate({ isOpen: true });
  readonly planning = new MemoryGate({ isOpen: true });
  readonly readingHeld = new MemoryGate({ isOpen: true });
  readonly publishing = new MemoryGate({ isOpen: true });
  readonly misuse: string[] = [];
  readonly calls: string[] = [];
  /** What stands under its real name; a folder has no bytes. */
  readonly published = new Map<string, Uint8Array | undefined>();
  readonly #folders = new Set<string>();
  underWay = 0;
  isPublished = false;
  isAbandoned = false;
  isSuspended = false;

  constructor(options: MemoryDestinationOptions) {
    this.#options = options;
  }

  /** Bytes under staging names, whether complete or not. */
  get stagedBytes(): number {
    return [...this.#partials.values()].reduce((sum, { ranges }) => sum + ranges.size, 0);
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(this.#options.freeBytes ?? Infinity);
  }

  plan(_page: number, entries: readonly Entry[]): Promise<readonly Decision[]> {
    return this.#do('plan', entries[0]?.path ?? '', this.planning, () => {
      const decisions = entries.map((entry) => this.#options.decide?.(entry.path) ?? 'take');
      for (const [position, entry] of entries.entries()) {
        if (entry.kind === 'folder' && decisions[position] === 'take') this.#folders.add(entry.path);
      }
      return decisions;
    });
  }

  hasHeld({ entry }: FileReference): boolean {
    const { older, left } = this.#options;
    return left !== undefined || older?.has(entry.path) === true;
  }

  /** What stands under staging names, by path: as long as it was written to. */
  get staged(): ReadonlyMap<string, Uint8Array> {
    const files = [...this.#partials].filter(([, { state }]) => state !== 'discarded');
    return new Map(
      files.map(([path, { bytes, ranges, leftBytes }]) => {
        const end = Math.max(leftBytes, ...[...ranges.ranges()].map(([, to]) => to));
        return [path, bytes.subarray(0, end)];
      }),
    );
  }

  readHeld({ entry }: FileReference, offset: number, length: number): Promise<HeldBytes | undefined> {
    return this.#do(
      'readHeld',
      entry.path,
      this.readingHeld,
      (time) => {
        const { olderAt, left } = this.#options;
        const mine = left?.staged.get(entry.path);
        const isThere = isPacked(entry.size)
          ? mine?.length === entry.size
          : mine !== undefined && mine.length >= offset + length;
        if (mine !== undefined && isThere) {
          return { bytes: mine.slice(offset, offset + length), isInPlace: true };
        }
        const older =
          olderAt === undefined ? this.#options.older?.get(entry.path) : olderAt(entry.path, time);
        return older === undefined || older.length < offset + length
          ? undefined
          : { bytes: Uint8Array.from(older.subarray(offset, offset + length)), isInPlace: false };
      },
      offset,
    );
  }

  releaseHeld({ bytes }: HeldBytes): void {
    // Whoever looks at it again sees what somebody else has put there.
    bytes.fill(0xee);
  }

  write({ entry }: FileReference, offset: number, bytes: Uint8Array): Promise<void> {
    const partial = this.#partialOf(entry.path, entry.size);
    if (partial.state !== 'open') this.misuse.push(`write to ${entry.path}, which is ${partial.state}`);
    return this.#do('write', entry.path, this.writing, () => {
      // Looked at only now: a real write reads the caller's memory until it is done.
      const node = this.#options.expected.get(entry.path);
      const right = node?.kind === 'file' ? node.bytes.subarray(offset, offset + bytes.length) : undefined;
      if (right === undefined || !equalBytes(right, bytes)) {
        this.misuse.push(`wrong bytes in ${entry.path} at ${offset}`);
      }
      const before = partial.ranges.size;
      partial.bytes.set(bytes, offset);
      partial.ranges.add(offset, offset + bytes.length);
      if (partial.ranges.size !== before + bytes.length) {
        this.misuse.push(`${entry.path} written twice at ${offset}`);
      }
      this.#options.onWrite?.(entry.path);
    });
  }

  complete({ entry }: FileReference): Promise<void> {
    const partial = this.#partialOf(entry.path, entry.size);
    if (partial.leftBytes === 0 && partial.ranges.size !== entry.size) {
      this.misuse.push(`${entry.path} completed with bytes missing`);
    }
    const node = this.#options.expected.get(entry.path);
    if (node?.kind !== 'file' || !equalBytes(node.bytes, partial.bytes)) {
      this.misuse.push(`${entry.path} completed with another content`);
    }
    if (partial.state !== 'open') this.misuse.push(`${entry.path} completed though ${partial.state}`);
    return this.#do('complete', entry.path, undefined, () => {
      partial.state = 'complete';
    });
  }

  async storeSmall(files: readonly SmallFile[]): Promise<readonly (DestinationFailure | undefined)[]> {
    const failures: (DestinationFailure | undefined)[] = [];
    for (const { file, bytes } of files) {
      try {
        if (bytes !== undefined) await this.write(file, 0, bytes);
        await this.complete(file);
        failures.push(undefined);
      } catch (error) {
        if (!CourierError.is(error) || !isDestinationFailure(error.code)) throw error;
        failures.push(error.code);
      }
    }
    return failures;
  }

  discard({ entry }: FileReference): Promise<void> {
    const partial = this.#partialOf(entry.path, entry.size);
    if (partial.state !== 'open') this.misuse.push(`${entry.path} discarded though ${partial.state}`);
    partial.state = 'discarded';
    return this.#do('discard', entry.path, undefined, () => undefined);
  }

  publish(taken: () => Iterable<EntryReference>): Promise<Publication> {
    if (this.underWay > 0) this.misuse.push('published while something was under way');
    return this.#do('publish', '', this.publishing, () => {
      const failures: Publication['failures'][number][] = [];
      for (const { page, position, entry } of taken()) {
        const reason = this.#options.publishFailures?.get(entry.path);
        if (reason !== undefined) failures.push({ page, position, reason });
        else this.#publishOne(entry);
      }
      this.isPublished = true;
      return { failures, names: [...this.published.keys()].slice(0, 3) };
    });
  }

  abandon(): Promise<void> {
    if (this.underWay > 0) this.misuse.push('abandoned while something was under way');
    const abandoned = this.#do('abandon', '', undefined, () => undefined);
    this.isAbandoned = true;
    return abandoned;
  }

  suspend(): Promise<void> {
    if (this.underWay > 0) this.misuse.push('suspended while something was under way');
    this.isSuspended = true;
    return this.#do('suspend', '', undefined, () => undefined);
  }

  #publishOne(entry: Entry): void {
    const partial = this.#partials.get(entry.path);
    if (entry.kind === 'folder') {
      if (!this.#folders.has(entry.path)) this.misuse.push(`${entry.path} was not taken`);
      this.published.set(entry.path, undefined);
    } else if (partial?.state === 'complete') this.published.set(entry.path, partial.bytes);
    else this.misuse.push(`${entry.path} published though ${partial?.state ?? 'never written'}`);
  }

  #partialOf(path: string, size: number): StagedFile {
    const known = this.#partials.get(path);
    if (known !== undefined) return known;
    const left = this.#options.left?.staged.get(path)?.subarray(0, size) ?? new Uint8Array(0);
    const bytes = new Uint8Array(size);
    bytes.set(left);
    const partial: StagedFile = { bytes, ranges: new RangeSet(), leftBytes: left.length, state: 'open' };
    this.#partials.set(path, partial);
    return partial;
  }

  async #do<Result>(
    operation: Operation,
    path: string,
    gate: MemoryGate | undefined,
    action: (time: number) => Result,
    place: number | '' = '',
  ): Promise<Result> {
    if (this.isAbandoned) this.misuse.push(`${operation} of ${path} after all was abandoned`);
    const name = `${operation} ${path}`;
    this.calls.push(name);
    const time = (this.#times.get(name + place) ?? 0) + 1;
    this.#times.set(name + place, time);
    this.underWay += 1;
    try {
      await gate?.pass();
      const code = this.#options.fault?.(operation, path, time);
      if (code !== undefined) throw new CourierError(code, `${name}: ${code}`);
      return action(time);
    } finally {
      this.underWay -= 1;
    }
  }
}
