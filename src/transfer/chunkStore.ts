import { concatBytes, equalBytes } from '../base/bytes.ts';
import { CourierError, isDestinationFailure } from '../base/failure.ts';
import type { DestinationFailure, EntryFailure } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import type { Chunk, PackChunk, RangeChunk } from '../protocol/chunkLayout.ts';
import type { ChunkReply } from '../protocol/chunkReply.ts';
import type { Entry } from '../protocol/manifest.ts';
import type { Ledger } from './ledger.ts';
import type { Compression, Destination, FileReference, HeldBytes, SmallFile } from './ports.ts';

/** What a receiver keeps of an entry. */
export interface EntryItem {
  readonly entry: Entry;
}

/** What a want tells of one file of its chunk. */
export interface HeldDigest {
  readonly digest: Uint8Array;
  /** See `HeldBytes`. */
  readonly isInPlace: boolean;
}

export type HeldDigests = readonly (HeldDigest | undefined)[];

export interface ChunkStoreInit {
  readonly destination: Destination;
  readonly ledger: Ledger<EntryItem>;
  readonly hashing: Hashing;
  readonly compression: Compression;
  /** Bytes that are verified and written; `held` were there before, and cost the path nothing. */
  readonly onWritten: (bytes: number, came: 'sent' | 'held') => void;
  /** Resolves when other work has had its turn; absent, it is given none. */
  readonly rest?: () => Promise<void>;
  /** One entry more has ended. */
  readonly onSettled: () => void;
  readonly onFailed: (file: FileReference, reason: EntryFailure) => void;
  /** It failed on our side; the sender must hear of it, or it would count the file into its root. */
  readonly onFailedHere: (file: FileReference, reason: DestinationFailure) => void;
}

interface SmallContent extends SmallFile {
  readonly digest: Uint8Array;
}

/** Small files that are looked at or written before other work gets its turn: the peer must hear from us meanwhile. */
const STORE_BURST = 64;

/**
 * Takes what arrives for a want to the destination: decodes, verifies, writes, and settles the files that
 * are complete with it. Nothing is written before its digest matched.
 */
export class ChunkStore {
  // Immutable.
  readonly #init: ChunkStoreInit;

  // Mutable.
  #smallSinceRest = 0;

  constructor(init: ChunkStoreInit) {
    this.#init = init;
  }

  /** Digests of what is there in this chunk's place before it is sent; empty if there is nothing. */
  async digestHeld(chunk: Chunk): Promise<HeldDigests> {
    const { destination, hashing } = this.#init;
    const files = this.#filesOf(chunk);
    if (!files.some((file) => destination.hasHeld(file))) return [];
    const digests: (HeldDigest | undefined)[] = [];
    for (const file of files) {
      await this.#restNowAndThen(1);
      const held = await this.#readHeld(file, ...placeOf(chunk, file));
      if (held === undefined) digests.push(undefined);
      else {
        digests.push({ digest: hashing.sha256(held.bytes), isInPlace: held.isInPlace });
        destination.releaseHeld(held);
      }
    }
    return digests;
  }

  /**
   * Verifies a reply and writes it. `again` when it is damaged; `have` is what its want told.
   */
  async storeReply(chunk: Chunk, reply: ChunkReply, have: HeldDigests): Promise<'done' | 'again'> {
    const { codec, body, rawLength } = reply;
    let raw = body;
    if (codec !== 'stored') {
      try {
        raw = await this.#init.compression.decompress(codec, body, rawLength);
      } catch {
        return 'again';
      }
    }
    const result =
      chunk.kind === 'range'
        ? await this.#storeRange(chunk, reply, raw)
        : await this.#storePack(chunk, reply, raw, have);
    if (codec !== 'stored') this.#init.compression.release?.(raw);
    return result;
  }

  async #storeRange(chunk: RangeChunk, reply: ChunkReply, raw: Uint8Array): Promise<'done' | 'again'> {
    if (!equalBytes(this.#init.hashing.sha256(raw), reply.digest)) return 'again';
    await this.#writeRange(chunk, raw, reply.digest, 'sent');
    return 'done';
  }

  /** `raw` is absent when the right bytes are in their place already. */
  async #writeRange(
    chunk: RangeChunk,
    raw: Uint8Array | undefined,
    digest: Uint8Array,
    came: 'sent' | 'held',
  ): Promise<void> {
    const { destination, ledger } = this.#init;
    const { page } = ledger.locate(chunk.index);
    const file = fileAt(page.page, chunk.entry, page.itemAt(chunk.entry).entry);
    if (!this.#isPending(file)) return;
    await this.#attempt(file, async () => {
      if (raw !== undefined) await destination.write(file, chunk.offset, raw);
      this.#init.onWritten(chunk.length, came);
      if (!ledger.recordRange(file.page, chunk, digest)) return;
      await destination.complete(file);
      ledger.settle(file.page, file.position, 'done');
      this.#init.onSettled();
    });
  }

  async #storePack(
    chunk: PackChunk,
    reply: ChunkReply,
    raw: Uint8Array,
    have: HeldDigests,
  ): Promise<'done' | 'again'> {
    const { hashing } = this.#init;
    const files = this.#filesOf(chunk);
    const contents: SmallContent[] = [];
    let offset = 0;
    files.forEach((file, at) => {
      if (reply.statuses[at] !== 'bytes') return;
      const bytes = raw.subarray(offset, offset + file.entry.size);
      offset += file.entry.size;
      contents.push({ file, bytes, digest: hashing.sha256(bytes) });
    });
    const packDigest = hashing.sha256(concatBytes(contents.map(({ digest }) => digest)));
    if (!equalBytes(packDigest, reply.digest)) return 'again';
    for (let first = 0; first < contents.length; first += STORE_BURST) {
      await this.#storeSmall(contents.slice(first, first + STORE_BURST), 'sent');
    }
    for (const [at, file] of files.entries()) {
      const status = reply.statuses[at] ?? 'bytes';
      if (status === 'same') await this.#keepSmall(file, have[at]);
      else if (status !== 'bytes') await this.#failFile(file, status);
    }
    return 'done';
  }

  /** Takes small files to the destination, at most {@link STORE_BURST}. */
  async #storeSmall(contents: readonly SmallContent[], came: 'sent' | 'held'): Promise<void> {
    const { destination, ledger } = this.#init;
    await this.#restNowAndThen(contents.length);
    const failures = await destination.storeSmall(contents);
    for (const [at, { file, digest }] of contents.entries()) {
      const failure = failures[at];
      if (failure !== undefined) {
        await this.#failHere(file, failure);
        continue;
      }
      ledger.recordSmall(file.page, file.position, digest);
      this.#init.onWritten(file.entry.size, came);
      this.#init.onSettled();
    }
  }

  /**
   * Before so many small files more: they are handled with calls that block, and many in a row would keep the session
   * from speaking.
   */
  async #restNowAndThen(files: number): Promise<void> {
    if (this.#smallSinceRest + files > STORE_BURST) {
      this.#smallSinceRest = 0;
      await this.#init.rest?.();
    }
    this.#smallSinceRest += files;
  }

  /** The sender says that what is there is right: it becomes part of the new file. */
  async keepHeld(chunk: Chunk, have: HeldDigests): Promise<'done' | 'again'> {
    const files = this.#filesOf(chunk);
    if (chunk.kind === 'pack') {
      for (const [at, file] of files.entries()) await this.#keepSmall(file, have[at]);
      return 'done';
    }
    const [file] = files;
    const [held] = have;
    if (file === undefined || held === undefined) return 'again';
    const toMove = await this.#bytesToMove(file, chunk.offset, chunk.length, held);
    if (toMove === 'gone') return 'again';
    await this.#writeRange(chunk, toMove?.bytes, held.digest, 'held');
    if (toMove !== undefined) this.#init.destination.releaseHeld(toMove);
    return 'done';
  }

  async #keepSmall(file: FileReference, held: HeldDigest | undefined): Promise<void> {
    const toMove = held === undefined ? 'gone' : await this.#bytesToMove(file, 0, file.entry.size, held);
    if (toMove === 'gone' || held === undefined) {
      await this.#failHere(file, 'disk-error');
      return;
    }
    await this.#storeSmall([{ file, bytes: toMove?.bytes, digest: held.digest }], 'held');
    if (toMove !== undefined) this.#init.destination.releaseHeld(toMove);
  }

  /** What has to be written so that the file has them: nothing if they are in place, or what was read again. */
  async #bytesToMove(
    file: FileReference,
    offset: number,
    length: number,
    { digest, isInPlace }: HeldDigest,
  ): Promise<HeldBytes | undefined | 'gone'> {
    if (isInPlace) return undefined;
    const held = await this.#readHeld(file, offset, length);
    // It may have changed since we told its digest.
    if (held === undefined || !equalBytes(this.#init.hashing.sha256(held.bytes), digest)) return 'gone';
    return held;
  }

  /** A range of what is there. One that cannot be read is as good as none: it costs sending it again. */
  async #readHeld(file: FileReference, offset: number, length: number): Promise<HeldBytes | undefined> {
    try {
      return await this.#init.destination.readHeld(file, offset, length);
    } catch (error) {
      if (entryFailureIn(error) === undefined) throw error;
      return undefined;
    }
  }

  /** The sender cannot give this range as it was offered. */
  async failRange(chunk: Chunk, reason: EntryFailure): Promise<'done'> {
    for (const file of this.#filesOf(chunk)) await this.#failFile(file, reason);
    return 'done';
  }

  /** Runs work on one file; a failure of its own fails the file and not the transfer. */
  async #attempt(file: FileReference, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const reason = entryFailureIn(error);
      if (reason === undefined) throw error;
      await this.#failHere(file, reason);
    }
  }

  /** A file fails on our side; the sender must hear of it, or it would count the file into its root. */
  async #failHere(file: FileReference, reason: DestinationFailure): Promise<void> {
    if (!this.#isPending(file)) return;
    this.#init.onFailedHere(file, reason);
    await this.#failFile(file, reason);
  }

  async #failFile(file: FileReference, reason: EntryFailure): Promise<void> {
    const { destination, ledger } = this.#init;
    if (!this.#isPending(file)) return;
    ledger.settle(file.page, file.position, reason);
    this.#init.onSettled();
    this.#init.onFailed(file, reason);
    try {
      await destination.discard(file);
    } catch (error) {
      // It has failed already; what is left of it goes with the rest.
      if (entryFailureIn(error) === undefined) throw error;
    }
  }

  #isPending(file: FileReference): boolean {
    return this.#init.ledger.page(file.page).outcomeOf(file.position) === 'pending';
  }

  #filesOf(chunk: Chunk): FileReference[] {
    const { page } = this.#init.ledger.locate(chunk.index);
    const positions = chunk.kind === 'range' ? [chunk.entry] : chunk.entries;
    return positions.map((position) => fileAt(page.page, position, page.itemAt(position).entry));
  }
}

/** Why the entry that was worked on fails; `undefined` if it is not the entry's fault alone. */
function entryFailureIn(error: unknown): DestinationFailure | undefined {
  return CourierError.is(error) && isDestinationFailure(error.code) ? error.code : undefined;
}

function fileAt(page: number, position: number, entry: Entry): FileReference {
  if (entry.kind !== 'file') throw new CourierError('internal', 'a chunk of a folder');
  return { page, position, entry };
}

/** Where a chunk's bytes lie in one of its files: offset, length. */
function placeOf(chunk: Chunk, file: FileReference): [offset: number, length: number] {
  return chunk.kind === 'range' ? [chunk.offset, chunk.length] : [0, file.entry.size];
}
