import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import type { DestinationFailure } from '../../base/failure.ts';
import { isPacked } from '../../protocol/chunkLayout.ts';
import type { Decision } from '../../protocol/chunkLayout.ts';
import type { Entry, FileEntry } from '../../protocol/manifest.ts';
import type {
  Destination,
  EntryReference,
  FileReference,
  HeldBytes,
  Publication,
  SmallFile,
} from '../../transfer/ports.ts';
import { join } from 'node:path';
import { DownloadMark } from './downloadMark.ts';
import type { MarkTools } from './downloadMark.ts';
import { Durability } from './durability.ts';
import { isErrno } from './errno.ts';
import type { RootedFiles } from './fileSystem.ts';
import { FolderPublisher } from './folderPublisher.ts';
import { HeldFiles } from './heldFiles.ts';
import { PartialFile, refreshSmallFile, writeSmallFile } from './partialFile.ts';
import type { PartialPlace } from './partialFile.ts';
import { Placement } from './placement.ts';
import type { Place } from './placement.ts';
import type { ConflictPolicy } from './publish.ts';
import { PublishedJournal } from './publishedJournal.ts';
import { failureIn, leaveStaging, removeStaging, requireInPlace } from './staging.ts';
import type { Staging } from './staging.ts';

/** How long data may go to a receive folder that is not in its place any more. */
const LOOK_EVERY_MS = 100;

export interface FolderDestinationInit extends Staging {
  /** The receive folder. */
  readonly folder: string;
  readonly transfer: string;
  readonly onConflict: ConflictPolicy;
  /** Whether staging holds what an earlier session left. */
  readonly isResumed: boolean;
  /** Whether a later session can go on with what this one leaves. */
  readonly keepsInterrupted: boolean;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  readonly markTools: MarkTools;
}

/**
 * Receives a transfer into a folder. Everything is written below the staging folder first; a name in the
 * receive folder is taken only by what is complete, verified and durable, and never from anybody.
 *
 * A session that is interrupted leaves its staging, whether it had the time to say so or not:
 *
 *     tree/…      folders that are new, under their final names, to be published by one rename each
 *     parts/…     single files, by the SHA-256 of their path
 *     published   what may have been published already (see `publishedJournal.ts`)
 *
 * The next session of the transfer *holds* what lies there: it tells the sender digests of it, and what the
 * sender calls right stays where it is. Nothing else makes it right: not its size, not its time, and no record
 * of ours. What is published stands in the place of what would be built, and is held in the same way.
 */
export class FolderDestination implements Destination {
  // Immutable.
  readonly #init: FolderDestinationInit;
  readonly #disk: RootedFiles;
  readonly #placement: Placement;
  readonly #journal: PublishedJournal;
  readonly #held: HeldFiles;
  readonly #durability: Durability;
  readonly #publisher: FolderPublisher;

  // Mutable.
  readonly #partials = new Map<string, PartialFile>();
  /** What was free at the start; not asked for before. */
  #freeAtStart: number | undefined;
  #heldBytes = 0;
  /** What is planned and not there yet. */
  #missingBytes = 0;
  /** When it was last seen that the receive folder is in its place. */
  #lookedAt = -Infinity;

  constructor(init: FolderDestinationInit) {
    this.#init = init;
    const { disk, folder, staging, onConflict: policy, isResumed } = init;
    this.#disk = disk;
    this.#held = new HeldFiles(disk);
    this.#durability = new Durability(init);
    this.#journal = new PublishedJournal(init);
    const published: ReadonlyMap<string, string> = isResumed ? this.#journal.read() : new Map();
    this.#placement = new Placement({ disk, folder, staging, policy, isResumed, published });
    this.#publisher = new FolderPublisher({
      ...init,
      placement: this.#placement,
      durability: this.#durability,
      journal: this.#journal,
      mark: new DownloadMark(disk, init.markTools),
    });
  }

  async plan(page: number, entries: readonly Entry[]): Promise<readonly Decision[]> {
    try {
      requireInPlace(this.#init);
      return entries.map((entry, position) => {
        const decision = this.#placement.decide({ page, position, entry });
        if (decision === 'take' && entry.kind === 'file') this.#count({ page, position, entry });
        // If the place has gone, that is why.
        if (decision === 'refuse') this.#requirePlace();
        return decision;
      });
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  async freeBytes(): Promise<number> {
    try {
      this.#freeAtStart ??= await this.#disk.freeBytes(this.#init.folder);
      return this.#freeAtStart + this.#heldBytes;
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  hasHeld(file: FileReference): boolean {
    return this.#init.isResumed || this.#olderOf(file) !== undefined;
  }

  async readHeld(file: FileReference, offset: number, length: number): Promise<HeldBytes | undefined> {
    const { entry } = file;
    try {
      if (this.#init.isResumed) {
        const { location } = this.#placement.placeOf(file);
        const bytes = await this.#held.read(location, entry, offset, length);
        if (bytes !== undefined) return { bytes, isInPlace: true };
      }
      const older = this.#olderOf(file);
      const bytes = older === undefined ? undefined : await this.#held.read(older, entry, offset, length);
      return bytes === undefined ? undefined : { bytes, isInPlace: false };
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  releaseHeld({ bytes }: HeldBytes): void {
    this.#held.release(bytes);
  }

  async write(file: FileReference, offset: number, bytes: Uint8Array): Promise<void> {
    try {
      this.#durability.requireTrust();
      const place = this.#placement.placeOf(file);
      if (isPacked(file.entry.size)) this.#writeSmall(file.entry, bytes, place);
      else await this.#writeRange(file, { offset, bytes }, place);
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  async complete(file: FileReference): Promise<void> {
    try {
      this.#durability.requireTrust();
      await this.#closeHeld(file);
      const place = this.#placement.placeOf(file);
      if (place.kind !== 'published') await this.#completeStaged(file, place.location);
      await this.#giveName(file, place);
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  async storeSmall(files: readonly SmallFile[]): Promise<readonly (DestinationFailure | undefined)[]> {
    const failures: (DestinationFailure | undefined)[] = [];
    for (const { file, bytes } of files) {
      try {
        this.#durability.requireTrust();
        const place = this.#placement.placeOf(file);
        if (bytes !== undefined) this.#writeSmall(file.entry, bytes, place);
        if (place.kind !== 'published') this.#completeSmall(file, place.location);
        // A file of a tree has its name already, and costs no promise.
        if (place.kind !== 'tree') await this.#giveName(file, place);
        failures.push(undefined);
      } catch (error) {
        const failure = await this.#failureOf(error);
        const { code } = failure;
        if (!isDestinationFailure(code)) throw failure;
        failures.push(code);
      }
    }
    return failures;
  }

  async discard(file: FileReference): Promise<void> {
    // First: whatever fails here, nothing of it may be published with its tree.
    this.#publisher.discards();
    await this.#closeHeld(file);
    await this.#takePartial(file)?.discard();
    const { kind, location } = this.#placement.placeOf(file);
    if (kind === 'published') return;
    try {
      // An earlier session may have left a folder there.
      this.#disk.removeTree(location);
    } catch (error) {
      // With a name that this system does not take, there is nothing to remove.
      if (!isErrno(error, 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) throw await this.#failureOf(error);
    }
  }

  async publish(taken: () => Iterable<EntryReference>): Promise<Publication> {
    try {
      const publication = await this.#publisher.publish(taken);
      // Until the sender has the receipt it may offer everything again; the journal knows it then.
      if (!this.#init.keepsInterrupted) this.#remove();
      return publication;
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  async abandon(): Promise<void> {
    await this.#closeAll((partial) => partial.discard());
    this.#remove();
  }

  async suspend(): Promise<void> {
    await this.#closeAll((partial) => partial.suspend());
    try {
      this.#durability.removeUntrusted();
    } finally {
      leaveStaging(this.#init);
      this.#disk.letGo();
    }
  }

  #remove(): void {
    try {
      removeStaging(this.#init);
    } finally {
      this.#disk.letGo();
    }
  }

  async #closeAll(closePartial: (partial: PartialFile) => Promise<void>): Promise<void> {
    const partials = [...this.#partials.values()];
    this.#partials.clear();
    await Promise.allSettled(partials.map(closePartial));
    await this.#durability.settle();
    await this.#held.closeAll();
    await Promise.allSettled([this.#journal.close()]);
  }

  /** What a failed call means; a full disk says how much is missing, for the log of this device. */
  async #failureOf(error: unknown): Promise<CourierError> {
    const failure = failureIn(this.#init, error);
    if (failure.code !== 'disk-full') return failure;
    const needed = this.#missingBytes > 0 ? `${this.#missingBytes} bytes needed, ` : '';
    try {
      const free = await this.#disk.freeBytes(this.#init.folder);
      return new CourierError('disk-full', `${needed}${free} free`, { cause: error });
    } catch {
      return new CourierError('disk-full', `${needed}${failure.message}`, { cause: error });
    }
  }

  /** Now and then: before names are taken it is looked at again. */
  #lookAtPlace(): void {
    const now = this.#init.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    requireInPlace(this.#init);
  }

  #requirePlace(): void {
    const refusal = new CourierError('disk-error', 'refused');
    const failure = failureIn(this.#init, refusal);
    if (failure !== refusal) throw failure;
  }

  #count(file: FileReference): void {
    const left = this.#init.isResumed ? this.#leftBytes(file) : 0;
    this.#heldBytes += left;
    this.#missingBytes += file.entry.size - left;
  }

  /** Writes a small file to where it is built. */
  #writeSmall(entry: FileEntry, bytes: Uint8Array, { kind, location }: Place): void {
    requireUnpublished(kind);
    this.#lookAtPlace();
    if (this.#init.isResumed) this.#disk.removeTree(location);
    writeSmallFile(this.#disk, location, entry, bytes);
    this.#durability.wroteSmall(bytes.length);
    this.#missingBytes -= bytes.length;
  }

  async #writeRange(
    file: FileReference,
    { offset, bytes }: { readonly offset: number; readonly bytes: Uint8Array },
    { kind, location }: Place,
  ): Promise<void> {
    requireUnpublished(kind);
    this.#lookAtPlace();
    await this.#partial(file, location).write(offset, bytes);
    this.#missingBytes -= bytes.length;
  }

  /** Sees to it that a file which is complete gets its name, soon or with its tree. */
  async #giveName(file: FileReference, place: Place): Promise<void> {
    if (place.kind === 'part') await this.#publisher.add({ file, place });
    if (place.kind === 'published') await this.#publisher.addPublished(place);
  }

  /** Sets time and mode of a small file that an earlier session left; a new one has them. */
  #completeSmall(file: FileReference, location: string): void {
    if (!this.#init.isResumed) return;
    refreshSmallFile(this.#disk, location, file.entry, this.#placement.leftOf(file));
  }

  /** Sets time and mode of a file that is all there, and makes it durable if it is a big one. */
  async #completeStaged(file: FileReference, location: string): Promise<void> {
    const { entry } = file;
    if (isPacked(entry.size)) {
      this.#completeSmall(file, location);
      return;
    }
    // With every chunk held in place, this session has not opened it yet.
    const partial = this.#takePartial(file) ?? PartialFile.reopen(this.#partialPlace(location), entry);
    await partial.complete();
  }

  /** How much of a file is there before the sender has sent any. */
  #leftBytes(file: FileReference): number {
    if (this.#placement.placeOf(file).kind === 'published') return file.entry.size;
    return Math.min(this.#placement.leftOf(file)?.size ?? 0, file.entry.size);
  }

  /** Where an older version may be, which is to be replaced. */
  #olderOf(file: FileReference): string | undefined {
    if (this.#init.onConflict !== 'replace') return undefined;
    const place = this.#placement.placeOf(file);
    if (place.kind !== 'part') return undefined;
    return join(this.#init.folder, ...place.parents, place.name);
  }

  #partial(file: FileReference, location: string): PartialFile {
    const key = keyOf(file);
    let partial = this.#partials.get(key);
    if (partial === undefined) {
      partial = this.#openPartial(file, location);
      this.#partials.set(key, partial);
    }
    return partial;
  }

  #openPartial(file: FileReference, location: string): PartialFile {
    const place = this.#partialPlace(location);
    if (!this.#init.isResumed) return PartialFile.create(place, file.entry);
    // A folder, say: what was offered under this name before was something else.
    if (this.#placement.leftOf(file) === undefined) this.#disk.removeTree(location);
    return PartialFile.reopenOrCreate(place, file.entry);
  }

  #partialPlace(location: string): PartialPlace {
    return { disk: this.#disk, location, durability: this.#durability };
  }

  #takePartial(file: FileReference): PartialFile | undefined {
    const partial = this.#partials.get(keyOf(file));
    this.#partials.delete(keyOf(file));
    return partial;
  }

  async #closeHeld(file: FileReference): Promise<void> {
    if (!this.hasHeld(file) || isPacked(file.entry.size)) return;
    await this.#held.close(this.#placement.placeOf(file).location);
    const older = this.#olderOf(file);
    if (older !== undefined) await this.#held.close(older);
  }
}

/** What stands there has another content than the sender has now. */
function requireUnpublished(kind: Place['kind']): void {
  if (kind === 'published') throw new CourierError('name-taken', 'it was published with another content');
}

function keyOf({ page, position }: EntryReference): string {
  return `${page}-${position}`;
}
