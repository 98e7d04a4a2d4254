import { mkdirSync, rmSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import type { DestinationFailure } from '../../base/failure.ts';
import { isPacked } from '../../protocol/chunkLayout.ts';
import type { Decision } from '../../protocol/chunkLayout.ts';
import type { Entry } from '../../protocol/manifest.ts';
import { namesOf } from '../../protocol/wirePath.ts';
import type { Destination, EntryReference, FileReference, Publication } from '../../transfer/ports.ts';
import { syncAll, syncOne } from './durable.ts';
import { isErrno, writeFailure } from './errno.ts';
import { READ_FLAGS } from './openFlags.ts';
import { PartialFile, writeSmallFile } from './partialFile.ts';
import { Placement } from './placement.ts';
import type { Place } from './placement.ts';
import { lookAt, publishFileFree, publishFileReplacing, publishFolder, tryPublishFile } from './publish.ts';
import type { ConflictPolicy } from './publish.ts';
import { removeStaging } from './staging.ts';
import { setFolderTime } from './times.ts';

export interface FolderDestinationInit {
  /** The receive folder. */
  readonly folder: string;
  /** Its staging folder, and in it the place of this transfer. */
  readonly root: string;
  readonly staging: string;
  readonly transfer: string;
  readonly onConflict: ConflictPolicy;
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
 */
export class FolderDestination implements Destination {
  // Immutable.
  readonly #init: FolderDestinationInit;
  readonly #placement: Placement;

  // Mutable.
  readonly #partials = new Map<string, Promise<PartialFile>>();
  readonly #olders = new Map<string, Promise<FileHandle | undefined>>();
  #ready: ReadyFile[] = [];
  readonly #failures: { page: number; position: number; reason: DestinationFailure }[] = [];
  readonly #names: string[] = [];

  constructor(init: FolderDestinationInit) {
    this.#init = init;
    this.#placement = new Placement(init.folder, init.staging, init.onConflict);
  }

  async plan(_page: number, entries: readonly Entry[]): Promise<readonly Decision[]> {
    return entries.map((entry) => this.#placement.decide(entry));
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#init.folder);
    return bavail * bsize;
  }

  hasOlder(file: FileReference): boolean {
    return this.#init.onConflict === 'replace' && this.#placement.placeOf(file).kind === 'part';
  }

  async readOlder(file: FileReference, offset: number, length: number): Promise<Uint8Array | undefined> {
    const handle = await this.#older(file);
    if (handle === undefined) return undefined;
    const { size } = await handle.stat();
    if (isPacked(file.entry.size) ? size !== file.entry.size : size < offset + length) return undefined;
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    if (isPacked(file.entry.size)) await this.#closeOlder(file);
    return bytesRead === length ? bytes : undefined;
  }

  async write(file: FileReference, offset: number, bytes: Uint8Array): Promise<void> {
    try {
      const { location } = this.#placement.placeOf(file);
      if (isPacked(file.entry.size)) writeSmallFile(location, file.entry, bytes);
      else await (await this.#partial(file, location)).write(offset, bytes);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async complete(file: FileReference): Promise<void> {
    try {
      await this.#closeOlder(file);
      if (!isPacked(file.entry.size)) await (await this.#takePartial(file))?.complete();
      const place = this.#placement.placeOf(file);
      if (place.kind === 'tree') return;
      this.#ready.push({ file, place });
      if (this.#ready.length >= READY_GROUP) await this.#publishReady();
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async discard(file: FileReference): Promise<void> {
    await this.#closeOlder(file);
    try {
      await (await this.#takePartial(file))?.discard();
    } catch {
      // It could not even be made.
    }
    try {
      rmSync(this.#placement.placeOf(file).location, { force: true });
    } catch (error) {
      // With a name that this system does not take, there is nothing to remove.
      if (!isErrno(error, 'ENAMETOOLONG', 'EILSEQ', 'EINVAL')) throw error;
    }
  }

  async publish(taken: () => Iterable<EntryReference>): Promise<Publication> {
    try {
      await this.#publishReady();
      await this.#finishFolders(taken);
      await this.#publishTrees(taken);
      await syncOne(this.#init.folder);
    } catch (error) {
      const failure = writeFailure(error);
      throw isDestinationFailure(failure.code)
        ? new CourierError('internal', failure.message, { cause: error })
        : failure;
    }
    removeStaging(this.#init);
    return { failures: this.#failures, names: this.#names };
  }

  async abandon(): Promise<void> {
    const partials = [...this.#partials.values()];
    this.#partials.clear();
    await Promise.allSettled(partials.map(async (partial) => (await partial).discard()));
    await Promise.allSettled([...this.#olders.values()].map(async (handle) => (await handle)?.close()));
    this.#olders.clear();
    removeStaging(this.#init);
  }

  /** Syncs a group of complete files and gives them their names. */
  async #publishReady(): Promise<void> {
    const group = this.#ready;
    this.#ready = [];
    if (group.length === 0) return;
    await syncAll(() => group.map(({ place }) => place.location), group.length, this.#init.staging);
    for (const { file, place } of group) {
      try {
        this.#publishFile(file, place);
      } catch (error) {
        const { code } = writeFailure(error);
        if (!isDestinationFailure(code)) throw error;
        this.#failures.push({ page: file.page, position: file.position, reason: code });
      }
    }
    const folders = new Set(group.map(({ place }) => place.folder));
    for (const folder of folders) if (lookAt(folder) !== undefined) await syncOne(folder);
  }

  #publishFile(file: FileReference, place: ReadyFile['place']): void {
    const { folder, onConflict, root, transfer } = this.#init;
    this.#makeParents(file.entry, place.folder);
    const location = join(place.folder, place.name);
    if (onConflict === 'replace') {
      publishFileReplacing(
        place.location,
        location,
        join(root, 'replaced', transfer, ...namesOf(file.entry.path)),
      );
      if (place.isTopLevel) this.#tell(place.name);
    } else if (onConflict === 'keep-both' && place.isTopLevel) {
      this.#tell(publishFileFree(place.location, folder, place.name));
    } else {
      if (!tryPublishFile(place.location, location)) throw new CourierError('name-taken', 'taken meanwhile');
      if (place.isTopLevel) this.#tell(place.name);
    }
  }

  /** Makes the folders between the receive folder and `parent`; every one must be a real folder. */
  #makeParents(entry: Entry, parent: string): void {
    let location = this.#init.folder;
    for (const name of namesOf(entry.path).slice(0, -1)) {
      location = join(location, name);
      makeRealFolder(location);
    }
    if (location !== parent) {
      throw new CourierError('internal', 'a file would be published outside its folder');
    }
  }

  /**
   * Folders of the offer: those merged into what was there are made now if no file needed them. Times come
   * in a second round, because making a folder changes the time of the one it lies in.
   */
  async #finishFolders(taken: () => Iterable<EntryReference>): Promise<void> {
    const failed = new Set<string>();
    for (const folder of foldersIn(taken)) {
      const { location, isStaged } = this.#placement.folderLocation(folder.entry.path);
      if (isStaged) continue;
      await this.#attempt(folder, failed, async () => {
        this.#makeParents(folder.entry, dirname(location));
        makeRealFolder(location);
        await syncOne(dirname(location));
      });
    }
    for (const folder of foldersIn(taken)) {
      const { location } = this.#placement.folderLocation(folder.entry.path);
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
          const { location, isStaged } = placement.folderLocation(entry.path);
          if (isStaged) yield location;
        } else {
          const place = placement.placeOf({ page, position, entry });
          // A big file was synced when it was complete.
          if (place.kind === 'tree' && isPacked(entry.size)) yield place.location;
        }
      }
    }
    await syncAll(locations, Number.POSITIVE_INFINITY, this.#init.staging);
    for (const [name, location] of trees) this.#tell(publishFolder(location, this.#init.folder, name));
  }

  #tell(name: string): void {
    if (this.#names.length < TOLD_NAMES) this.#names.push(name);
  }

  #partial(file: FileReference, location: string): Promise<PartialFile> {
    const key = keyOf(file);
    let partial = this.#partials.get(key);
    if (partial === undefined) {
      partial = PartialFile.create(location, file.entry);
      this.#partials.set(key, partial);
    }
    return partial;
  }

  async #takePartial(file: FileReference): Promise<PartialFile | undefined> {
    const partial = this.#partials.get(keyOf(file));
    this.#partials.delete(keyOf(file));
    return partial;
  }

  #older(file: FileReference): Promise<FileHandle | undefined> {
    const key = keyOf(file);
    let older = this.#olders.get(key);
    if (older === undefined) {
      older = openOlder(join(this.#init.folder, ...namesOf(file.entry.path)));
      this.#olders.set(key, older);
    }
    return older;
  }

  async #closeOlder(file: FileReference): Promise<void> {
    const older = this.#olders.get(keyOf(file));
    this.#olders.delete(keyOf(file));
    await (await older)?.close();
  }
}

function keyOf({ page, position }: EntryReference): string {
  return `${page}-${position}`;
}

function* foldersIn(taken: () => Iterable<EntryReference>): Generator<EntryReference> {
  for (const reference of taken()) if (reference.entry.kind === 'folder') yield reference;
}

/** The older version of a file, if there is one: a regular file, and not through a link. */
async function openOlder(location: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(location, READ_FLAGS);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch {
    // Nothing to compare with.
  }
  return undefined;
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
