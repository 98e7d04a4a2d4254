import { equalBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { CourierError, isSourceFailure } from '../base/failure.ts';
import type { SourceFailure } from '../base/failure.ts';
import type { Hashing } from '../base/hashing.ts';
import type { Chunk, PackChunk, RangeChunk } from '../protocol/chunkLayout.ts';
import type { ChunkReply } from '../protocol/chunkReply.ts';
import { ChunkCompressor, kindOf } from './compressing.ts';
import type { EncodedBody, PathView } from './compressing.ts';
import { fileIn, gatherPack } from './gatherPack.ts';
import type { Ledger, LedgerPage } from './ledger.ts';
import type { Compression, Source } from './ports.ts';
import type { SourcePageItem } from './sourcePage.ts';

export interface ChunkReaderInit {
  readonly source: Source;
  readonly ledger: Ledger<SourcePageItem>;
  readonly hashing: Hashing;
  readonly compression: Compression;
  readonly clock: Clock;
  /** A file cannot be read as it was offered. */
  readonly onFailed: (page: LedgerPage<SourcePageItem>, position: number, reason: SourceFailure) => void;
  readonly path: PathView;
  /** Takes back memory that the source gave. */
  readonly recycle?: (chunk: Uint8Array) => void;
}

/** What a receiver asks for. */
export interface Want {
  readonly index: number;
  /** Digests of what it has in that place. */
  readonly have: readonly (Uint8Array | undefined)[];
}

/** What it is answered. */
export type Answer =
  | { readonly type: 'data'; readonly reply: ChunkReply; readonly heldBytes: number }
  /** What it has is right. */
  | { readonly type: 'same'; readonly heldBytes: number }
  | { readonly type: 'failed'; readonly reason: SourceFailure };

/**
 * Reads what is wanted, once: hashes it, writes down what it found, and gives it the better of two forms. The memory of
 * an answer goes back with {@link ChunkReader.giveBack} when it has been sent.
 */
export class ChunkReader {
  // Immutable.
  readonly #init: ChunkReaderInit;

  // Mutable.
  /** Absent while no codec is known that both sides have. */
  #compressor: ChunkCompressor | undefined;

  constructor(init: ChunkReaderInit) {
    this.#init = init;
  }

  /** The receiver has these codecs: from now on the best one that both sides have is used. */
  compressFor(theirs: readonly string[]): void {
    const { compression, clock, path } = this.#init;
    const codec = compression.codecs.find((each) => theirs.includes(each));
    if (codec === undefined) return;
    this.#compressor = new ChunkCompressor({ compression, clock, codec, path });
  }

  /** The path has nothing to carry. */
  relieve(): void {
    this.#compressor?.relieve();
  }

  async answer({ index, have }: Want): Promise<Answer> {
    const { page, chunk } = this.#init.ledger.locate(index);
    if (have.length > 0 && have.length !== filesIn(chunk)) {
      throw new CourierError('protocol-error', 'a want tells digests of another number of files');
    }
    return chunk.kind === 'pack' ? this.#readPack(page, chunk, have) : this.#readRange(page, chunk, have[0]);
  }

  giveBack({ codec, body }: ChunkReply): void {
    if (codec === 'stored') this.#init.recycle?.(body);
    else this.#init.compression.release?.(body);
  }

  async #readRange(
    page: LedgerPage<SourcePageItem>,
    chunk: RangeChunk,
    held: Uint8Array | undefined,
  ): Promise<Answer> {
    const { hashing, ledger, source, recycle, onFailed } = this.#init;
    const raw = await this.#read(page, chunk);
    if (typeof raw === 'string') {
      onFailed(page, chunk.entry, raw);
      return { type: 'failed', reason: raw };
    }
    const { entry } = fileIn(page, chunk.entry);
    const digest = hashing.sha256(raw);
    if (ledger.recordRange(page.page, chunk, digest)) {
      ledger.settle(page.page, chunk.entry, 'done');
      await source.release(entry);
    }
    if (held !== undefined && equalBytes(held, digest)) {
      recycle?.(raw);
      return { type: 'same', heldBytes: raw.length };
    }
    const reply = await this.#encode({ digest, statuses: [] }, raw, kindOf(entry.path));
    return { type: 'data', reply, heldBytes: 0 };
  }

  async #readPack(page: LedgerPage<SourcePageItem>, chunk: PackChunk, have: Want['have']): Promise<Answer> {
    const { recycle, onFailed } = this.#init;
    const { statuses, digest, raw, heldBytes } = await gatherPack(this.#init, { page, chunk }, have);
    statuses.forEach((status, at) => {
      if (isSourceFailure(status)) onFailed(page, chunk.entries[at] ?? 0, status);
    });
    if (statuses.every((status) => status === 'same')) {
      recycle?.(raw);
      return { type: 'same', heldBytes };
    }
    return { type: 'data', reply: await this.#encode({ digest, statuses }, raw, undefined), heldBytes };
  }

  async #encode(
    head: Pick<ChunkReply, 'digest' | 'statuses'>,
    raw: Uint8Array,
    kind: string | undefined,
  ): Promise<ChunkReply> {
    const stored: EncodedBody = { codec: 'stored', body: raw };
    const encoded = (await this.#compressor?.encode({ bytes: raw, kind })) ?? stored;
    // What the codec gave lies in memory of its own.
    if (encoded.codec !== 'stored') this.#init.recycle?.(raw);
    return { ...head, rawLength: raw.length, ...encoded };
  }

  /** A range of a file, or why it cannot be had. */
  async #read(
    page: LedgerPage<SourcePageItem>,
    { entry: position, offset, length }: RangeChunk,
  ): Promise<Uint8Array | SourceFailure> {
    const { ledger, source } = this.#init;
    const { entry, version } = fileIn(page, position);
    const outcome = ledger.page(page.page).outcomeOf(position);
    if (isSourceFailure(outcome)) return outcome;
    try {
      return await source.read(entry, version, offset, length);
    } catch (error) {
      if (CourierError.is(error) && isSourceFailure(error.code)) return error.code;
      throw error;
    }
  }
}

/** For how many files a want for this chunk may tell a digest. */
function filesIn(chunk: Chunk): number {
  return chunk.kind === 'pack' ? chunk.entries.length : 1;
}
