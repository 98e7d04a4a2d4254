import { mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import type { DestinationFailure } from '../../base/failure.ts';
import { isPacked } from '../../protocol/chunkLayout.ts';
import type { Decision } from '../../protocol/chunkLayout.ts';
import type { Entry } from '../../protocol/manifest.ts';
import { namesOf } from '../../protocol/wirePath.ts';
import type {
  Destination,
  EntryReference,
  FileReference,
  HeldBytes,
  Publication,
} from '../../transfer/ports.ts';
import { syncAll, syncOne } from './durable.ts';
import { isErrno, writeFailure } from './errno.ts';
import { HeldFiles } from './heldFiles.ts';
import { PartialFile, refreshSmallFile, writeSmallFile } from './partialFile.ts';
import { Placement } from './placement.ts';
import type { Place } from './placement.ts';
import { pruneTrees } from './pruning.ts';
import {
  findFreeName,
  lookAt,
  publishFileFree,
  publishFileReplacing,
  publishFolder,
  tryPublishFile,
} from './publish.ts';
import type { ConflictPolicy } from './publish.ts';
import { PublishedJournal } from './publishedJournal.ts';
import { leaveStaging, removeStaged, removeStaging } from './staging.ts';
import { setFolderTime } from './times.ts';

export interface FolderDestinationInit {
  /** The receive folder. */
  readonly folder: string;
  /** Its staging folder, and in it the place of this transfer. */
  readonly root: string;
  readonly staging: string;
  readonly transfer: string;
  readonly onConflict: ConflictPolicy;
  /** Whether staging holds what an earlier session left. */
  readonly isResumed: boolean;
  /** Whether a later session can go on with what this one leaves. */
  readonly keepsInterrupted: boolean;
}

/** A complete file that waits for its name. */
interface ReadyFile {
  readonly file: FileReference;
  readonly place: Extract<Place, { kind: 'part' }>;
}

/** Complete files get their names in groups, so that one sync serves many. */
const READY_GROUP = 256;
/** Names told in a publication. */
const TOLD_NAMES = 8;

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
  readonly #placement: Placement;
  readonly #journal: PublishedJournal;
  readonly #held = new HeldFiles();

  // Mutable.
  readonly #partials = new Map<string, Promise<PartialFile>>();
  /** What was free at the start; not asked for before. */
  #freeAtStart: number | undefined;
  #heldBytes = 0;
  /** The folder that was synced last for a file which stands in it. */
  #syncedFolder: string | undefined;
  #ready: ReadyFile[] = [];
  readonly #failures: { page: number; position: number; reason: DestinationFailure }[] = [];
  readonly #names: string[] = [];

  constructor(init: FolderDestinationInit) {
    this.#init = init;
    const { folder, staging, onConflict: policy, isResumed } = init;
    this.#journal = new PublishedJournal(init);
    const published: ReadonlyMap<string, string> = isResumed ? this.#journal.read() : new Map();
    this.#placement = new Placement({ folder, staging, policy, isResumed, published });
  }

  async plan(page: number, entries: readonly Entry[]): Promise<readonly Decision[]> {
    return entries.map((entry, position) => {
      const decision = this.#placement.decide({ page, position, entry });
      if (this.#init.isResumed && decision === 'take' && entry.kind === 'file') {
        this.#heldBytes += this.#leftBytes({ page, position, entry });
      }
      return decision;
    });
  }

  async freeBytes(): Promise<number> {
    if (this.#freeAtStart === undefined) {
      const { bavail, bsize } = await statfs(this.#init.folder);
      this.#freeAtStart = bavail * bsize;
    }
    return this.#freeAtStart + this.#heldBytes;
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
      throw writeFailure(error);
    }
  }

  async write(file: FileReference, offset: number, bytes: Uint8Array): Promise<void> {
    try {
      const { kind, location } = this.#placement.placeOf(file);
      if (kind === 'published') throw new CourierError('name-taken', 'it was published with another content');
      if (!isPacked(file.entry.size)) {
        await (await this.#partial(file, location)).write(offset, bytes);
        return;
      }
      if (this.#init.isResumed) removeStaged(location);
      writeSmallFile(location, file.entry, bytes);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async complete(file: FileReference): Promise<void> {
    try {
      await this.#closeHeld(file);
      const place = this.#placement.placeOf(file);
      if (place.kind === 'published') {
        await this.#completePublished(place);
        return;
      }
      await this.#completeStaged(file, place.location);
      if (place.kind === 'tree') return;
      this.#ready.push({ file, place });
      if (this.#ready.length >= READY_GROUP) await this.#publishReady();
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async discard(file: FileReference): Promise<void> {
    await this.#closeHeld(file);
    try {
      await (await this.#takePartial(file))?.discard();
    } catch {
      // It could not even be made.
    }
    const { kind, location } = this.#placement.placeOf(file);
    if (kind === 'published') return;
    try {
      // An earlier session may have left a folder there.
      removeStaged(location);
    } catch (error) {
      // With a name that this system does not take, there is nothing to remove.
      if (!isErrno(error, 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) throw writeFailure(error);
    }
  }

  async publish(taken: () => Iterable<EntryReference>): Promise<Publication> {
    try {
      await this.#publishReady();
      if (this.#init.isResumed) pruneTrees(this.#placement.treeFolder, entriesOf(taken));
      await this.#finishFolders(taken);
      await this.#publishTrees(taken);
      await syncOne(this.#init.folder);
    } catch (error) {
      const failure = writeFailure(error);
      throw isDestinationFailure(failure.code)
        ? new CourierError('internal', failure.message, { cause: error })
        : failure;
    }
    for (const name of this.#placement.standingTrees()) this.#tell(name);
    // Until the sender has the receipt it may offer everything again; the journal knows it then.
    if (!this.#init.keepsInterrupted) removeStaging(this.#init);
    return { failures: this.#failures, names: this.#names };
  }

  async abandon(): Promise<void> {
    await this.#closeAll((partial) => partial.discard());
    removeStaging(this.#init);
  }

  async suspend(): Promise<void> {
    await this.#closeAll((partial) => partial.suspend());
    leaveStaging(this.#init);
  }

  async #closeAll(closePartial: (partial: PartialFile) => Promise<void>): Promise<void> {
    const partials = [...this.#partials.values()];
    this.#partials.clear();
    await Promise.allSettled(partials.map(async (partial) => closePartial(await partial)));
    await this.#held.closeAll();
    await Promise.allSettled([this.#journal.close()]);
  }

  /** Sets time and mode of a file that is all there, and makes it durable if it is a big one. */
  async #completeStaged(file: FileReference, location: string): Promise<void> {
    const { entry } = file;
    if (isPacked(entry.size)) {
      if (this.#init.isResumed) refreshSmallFile(location, entry, this.#placement.leftOf(file));
      return;
    }
    // With every chunk held in place, this session has not opened it yet.
    const partial = (await this.#takePartial(file)) ?? (await PartialFile.reopen(location, entry));
    await partial.complete();
  }

  /** The earlier session may have ended before the name was durable. */
  async #completePublished({
    parents,
    name,
    isTopLevel,
  }: Extract<Place, { kind: 'published' }>): Promise<void> {
    if (isTopLevel) {
      // The receive folder itself is synced in the end.
      this.#tell(name);
      return;
    }
    const folder = join(this.#init.folder, ...parents);
    if (folder === this.#syncedFolder) return;
    // The folders above it too: that session may have made them.
    for (const each of this.#foldersAbove(parents)) await syncOne(each);
    this.#syncedFolder = folder;
  }

  /** The folder that these names lead to, and those on the way; without the receive folder. */
  #foldersAbove(names: readonly string[]): readonly string[] {
    return names.map((_, at) => join(this.#init.folder, ...names.slice(0, names.length - at)));
  }

  /** How much of a file is there before the sender has sent any. */
  #leftBytes(file: FileReference): number {
    if (this.#placement.placeOf(file).kind === 'published') return file.entry.size;
    return Math.min(this.#placement.leftOf(file)?.size ?? 0, file.entry.size);
  }

  /** Where an older version may be, which is to be replaced. */
  #olderOf(file: FileReference): string | undefined {
    const place = this.#placement.placeOf(file);
    if (this.#init.onConflict !== 'replace' || place.kind !== 'part') return undefined;
    return join(this.#init.folder, ...place.parents, place.name);
  }

  /** Syncs a group of complete files and gives them their names. */
  async #publishReady(): Promise<void> {
    const group = this.#ready;
    this.#ready = [];
    if (group.length === 0) return;
    await syncAll(() => group.map(({ place }) => place.location), group.length, this.#init.staging);
    const named = group.map((ready) => ({ ...ready, name: this.#nameFor(ready.place) }));
    // All at once, because it takes a sync.
    await this.#announce(named.map(({ file, name }) => [file.entry.path, name]));
    for (const { file, place, name } of named) {
      try {
        const published = await this.#publishFile(file, place, name);
        if (place.isTopLevel) this.#tell(published);
      } catch (error) {
        const { code } = writeFailure(error);
        if (!isDestinationFailure(code)) throw error;
        this.#failures.push({ page: file.page, position: file.position, reason: code });
      }
    }
    const folders = new Set(group.flatMap(({ place }) => this.#foldersAbove(place.parents)));
    for (const folder of folders) if (lookAt(folder) !== undefined) await syncOne(folder);
  }

  /** The name that a file will have in the receive folder, if nobody takes it meanwhile. */
  #nameFor({ parents, name, mayBeRenamed }: ReadyFile['place']): string {
    const { folder, onConflict } = this.#init;
    if (onConflict !== 'keep-both' || !mayBeRenamed) return name;
    try {
      return findFreeName(join(folder, ...parents), name, 'file');
    } catch {
      // What is the matter with it shows when the name is taken.
      return name;
    }
  }

  /** Returns the name that it has in the end. */
  async #publishFile(file: FileReference, place: ReadyFile['place'], name: string): Promise<string> {
    const { onConflict, root, transfer } = this.#init;
    const { path } = file.entry;
    const folder = this.#makeFolders(place.parents);
    if (onConflict === 'replace') {
      const backup = join(root, 'replaced', transfer, ...namesOf(path));
      publishFileReplacing(place.location, join(folder, name), backup);
      return name;
    }
    if (tryPublishFile(place.location, join(folder, name))) return name;
    if (onConflict !== 'keep-both' || !place.mayBeRenamed) {
      throw new CourierError('name-taken', 'taken meanwhile');
    }
    return publishFileFree(place.location, folder, place.name, (free) => this.#announce([[path, free]]));
  }

  async #announce(names: readonly (readonly [path: string, name: string])[]): Promise<void> {
    if (this.#init.keepsInterrupted) await this.#journal.announce(names);
  }

  /** Makes the folders of these names, each in the one before, from the receive folder on; real ones. */
  #makeFolders(names: readonly string[]): string {
    let location = this.#init.folder;
    for (const name of names) {
      location = join(location, name);
      makeRealFolder(location);
    }
    return location;
  }

  /**
   * Folders of the offer: those merged into what was there are made now if no file needed them. Times come
   * in a second round, because making a folder changes the time of the one it lies in.
   */
  async #finishFolders(taken: () => Iterable<EntryReference>): Promise<void> {
    const failed = new Set<string>();
    for (const folder of foldersIn(taken)) {
      const { location, isStaged, names } = this.#placement.folderPlace(folder.entry.path);
      if (isStaged) continue;
      await this.#attempt(folder, failed, async () => {
        this.#makeFolders(names);
        await syncOne(dirname(location));
      });
    }
    for (const folder of foldersIn(taken)) {
      const { location } = this.#placement.folderPlace(folder.entry.path);
      await this.#attempt(folder, failed, async () => setFolderTime(location, folder.entry.mtimeMs));
    }
  }

  /** Does work on an entry unless that has failed; a failure of its own fails the entry only. */
  async #attempt(reference: EntryReference, failed: Set<string>, work: () => Promise<void>): Promise<void> {
    if (failed.has(keyOf(reference))) return;
    try {
      await work();
    } catch (error) {
      const { code } = writeFailure(error);
      if (!isDestinationFailure(code)) throw error;
      this.#failures.push({ page: reference.page, position: reference.position, reason: code });
      failed.add(keyOf(reference));
    }
  }

  /** Makes the trees in staging durable and publishes each with one rename. */
  async #publishTrees(taken: () => Iterable<EntryReference>): Promise<void> {
    const trees = [...this.#placement.trees()];
    if (trees.length === 0) return;
    const placement = this.#placement;
    function* locations(): Generator<string> {
      for (const { page, position, entry } of taken()) {
        if (entry.kind === 'folder') {
          const { location, isStaged } = placement.folderPlace(entry.path);
          if (isStaged) yield location;
        } else {
          const place = placement.placeOf({ page, position, entry });
          // A big file was synced when it was complete.
          if (place.kind === 'tree' && isPacked(entry.size)) yield place.location;
        }
      }
    }
    await syncAll(locations, Number.POSITIVE_INFINITY, this.#init.staging);
    for (const [name, location] of trees) {
      const announce = (free: string): Promise<void> => this.#announce([[name, free]]);
      this.#tell(await publishFolder(location, this.#init.folder, name, announce));
    }
  }

  #tell(name: string): void {
    if (this.#names.length < TOLD_NAMES) this.#names.push(name);
  }

  #partial(file: FileReference, location: string): Promise<PartialFile> {
    const key = keyOf(file);
    let partial = this.#partials.get(key);
    if (partial === undefined) {
      partial = this.#openPartial(file, location);
      this.#partials.set(key, partial);
    }
    return partial;
  }

  #openPartial(file: FileReference, location: string): Promise<PartialFile> {
    if (!this.#init.isResumed) return PartialFile.create(location, file.entry);
    // A folder, say: what was offered under this name before was something else.
    if (this.#placement.leftOf(file) === undefined) removeStaged(location);
    return PartialFile.reopenOrCreate(location, file.entry);
  }

  async #takePartial(file: FileReference): Promise<PartialFile | undefined> {
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

function* entriesOf(references: () => Iterable<EntryReference>): Generator<Entry> {
  for (const { entry } of references()) yield entry;
}

function keyOf({ page, position }: EntryReference): string {
  return `${page}-${position}`;
}

function* foldersIn(taken: () => Iterable<EntryReference>): Generator<EntryReference> {
  for (const reference of taken()) if (reference.entry.kind === 'folder') yield reference;
}

/** Makes a folder unless it is there; anything else under its name, a link above all, is a conflict. */
function makeRealFolder(location: string): void {
  try {
    mkdirSync(location);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if (lookAt(location)?.isDirectory() !== true) throw new CourierError('name-taken', 'not a folder');
  }
}
