import type { DestinationFailure, SourceFailure } from '../base/failure.ts';
import type { Codec } from '../protocol/chunkReply.ts';
import type { Decision } from '../protocol/chunkLayout.ts';
import type { Entry, FileEntry } from '../protocol/manifest.ts';

/** What a transfer needs of the world. Adapters live in `node/`, small hand-written ones in the tests. */

/** One live, encrypted, authenticated byte pipe to the peer. */
export interface Channel {
  /**
   * Sends pieces in order. Resolves when all of them have left this process, so that their memory is free
   * again; rejects when the pipe is broken.
   */
  send(pieces: readonly Uint8Array[]): Promise<void>;
  /**
   * The peer's bytes. Nothing is read ahead of the consumer but what the platform buffers. A piece is valid until
   * the next one is asked for: then its memory is used for something else.
   */
  readonly inbound: AsyncIterable<Uint8Array>;
  /**
   * Says that we are done, waits a moment for the peer to agree, and lets go: then every `send` under way
   * has settled, and `inbound` has ended.
   */
  close(): Promise<void>;
}

/** How hard a codec tries, from fast to small. */
export const EFFORTS = [0, 1, 2] as const;
export type Effort = (typeof EFFORTS)[number];

/** Compresses single chunks. */
export interface Compression {
  /** The codecs it has, best first. */
  readonly codecs: readonly Exclude<Codec, 'stored'>[];
  /** How many calls of `compress` make progress at once. */
  readonly threads: number;
  compress(codec: Exclude<Codec, 'stored'>, bytes: Uint8Array, effort: Effort): Promise<Uint8Array>;
  /** What `sample`, a few kilobytes, shrinks to, in bytes. */
  measure(codec: Exclude<Codec, 'stored'>, sample: Uint8Array): number;
  /** Exactly `rawLength` bytes; rejects as soon as the output would be longer. */
  decompress(codec: Exclude<Codec, 'stored'>, bytes: Uint8Array, rawLength: number): Promise<Uint8Array>;
  /** Takes back what `compress` or `decompress` gave, at which nobody will look any more. */
  release?(bytes: Uint8Array): void;
}

/** Bytes by page number. Pages are written whole and read whole. */
export interface PageStore {
  write(kind: 'manifest' | 'results', page: number, bytes: Uint8Array): void;
  /** `undefined` if it was never written. */
  read(kind: 'manifest' | 'results', page: number): Uint8Array | undefined;
}

/** What tells one version of a file from another, as `stat` gives it. */
export interface FileVersion {
  readonly size: number;
  /** Milliseconds with their fraction. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
}

export type LeftOutReason =
  | 'link'
  | 'special'
  | 'name-refused'
  | 'source-unreadable'
  | 'source-vanished'
  /** Left out as the user wants it: git would ignore it … */
  | 'ignored'
  /** … or it has the name of a well-known secret. */
  | 'secret';

/** What listing a source yields: an entry, or something that cannot be offered. */
export type SourceItem =
  | { readonly type: 'entry'; readonly entry: Entry; readonly version: FileVersion | undefined }
  | {
      readonly type: 'left-out';
      /** Where it lies below what was to be sent, as text for people: it may hold anything. */
      readonly path: string;
      readonly reason: LeftOutReason;
    };

/** A file as it was listed. */
export interface SourceFile {
  readonly entry: FileEntry;
  readonly version: FileVersion;
}

/** Small files, read in one go. */
export interface SmallContents {
  /** Those that could be had, joined. The memory is the caller's. */
  readonly bytes: Uint8Array;
  /** For each file why it could not be had; `undefined` if its bytes are there. */
  readonly failures: readonly (SourceFailure | undefined)[];
}

/** The files that are sent. */
export interface Source {
  /** Everything, in manifest order. */
  list(): AsyncIterable<SourceItem>;
  /**
   * A range of a file, or all of a small one (offset 0). Rejects with a {@link CourierError} that holds a
   * `SourceFailure`, also when the file is not the version that was listed, after the read as before.
   */
  read(entry: FileEntry, version: FileVersion, offset: number, length: number): Promise<Uint8Array>;
  /** All of some small files: one call for many, because each takes no longer than a promise. */
  readSmall(files: readonly SourceFile[]): Promise<SmallContents>;
  /** No more of this file will be read, unless a chunk of it is asked for again. */
  release(entry: FileEntry): Promise<void>;
  close(): Promise<void>;
}

/** One file of a transfer. */
export interface FileReference {
  readonly page: number;
  /** Position in the page. */
  readonly position: number;
  readonly entry: FileEntry;
}

/** A small file whose content is known. */
export interface SmallFile {
  readonly file: FileReference;
  /** All of it, verified; absent if it is in its place already. */
  readonly bytes: Uint8Array | undefined;
}

/** An entry of a transfer. */
export interface EntryReference {
  readonly page: number;
  readonly position: number;
  readonly entry: Entry;
}

/** Bytes that are there before the sender has sent any: of an interrupted session, or of an older version. */
export interface HeldBytes {
  readonly bytes: Uint8Array;
  /** Whether they lie where the file is built, or stands already: if they are right, nothing is written. */
  readonly isInPlace: boolean;
}

/** What has been published of what was taken. */
export interface Publication {
  /** Entries that could not be published, though their content is right. */
  readonly failures: readonly {
    readonly page: number;
    readonly position: number;
    readonly reason: DestinationFailure;
  }[];
  /** Names of the top-level entries as they stand in the receive folder now; the first few. */
  readonly names: readonly string[];
}

/**
 * Where a transfer is received. Methods reject with a {@link CourierError}; a {@link DestinationFailure} fails
 * the entry, any other code the transfer.
 */
export interface Destination {
  /** Decides on the entries of a page and prepares the folders among them. Pages come in order. */
  plan(page: number, entries: readonly Entry[]): Promise<readonly Decision[]>;
  /**
   * Bytes that all files of the pages planned so far may have together, for a refusal before they are sent:
   * what was free at the start, and what is there of them.
   */
  freeBytes(): Promise<number>;
  /** Whether something may be there whose chunks are right already. */
  hasHeld(file: FileReference): boolean;
  /** A range of it; `undefined` if it does not reach so far. */
  readHeld(file: FileReference, offset: number, length: number): Promise<HeldBytes | undefined>;
  /** Takes back the memory of what was read: nobody may look at it any more. */
  releaseHeld(held: HeldBytes): void;
  /** Writes verified bytes. */
  write(file: FileReference, offset: number, bytes: Uint8Array): Promise<void>;
  /** Every byte is in place: sets the time and the mode, and publishes a file that stands alone. */
  complete(file: FileReference): Promise<void>;
  /**
   * Writes and completes small files: one call for many, because each takes no longer than a promise. Gives for each
   * why it failed, `undefined` if it did not; rejects only with what fails the transfer.
   */
  storeSmall(files: readonly SmallFile[]): Promise<readonly (DestinationFailure | undefined)[]>;
  /** The file will not be completed. */
  discard(file: FileReference): Promise<void>;
  /** Publishes the rest and makes everything durable; `taken` goes through all that was completed. */
  publish(taken: () => Iterable<EntryReference>): Promise<Publication>;
  /** Removes what is not published, and all trace of the transfer. */
  abandon(): Promise<void>;
  /** Lets go and keeps what is there, so that another session of this transfer can go on with it. */
  suspend(): Promise<void>;
}
