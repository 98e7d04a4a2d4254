import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CourierError, isDestinationFailure } from '../../base/failure.ts';
import type { DestinationFailure } from '../../base/failure.ts';
import { isPacked } from '../../protocol/chunkLayout.ts';
import { limits } from '../../protocol/limits.ts';
import type { Entry } from '../../protocol/manifest.ts';
import { namesOf } from '../../protocol/wirePath.ts';
import type { EntryReference, FileReference, Publication } from '../../transfer/ports.ts';
import type { DownloadMark, UnmarkedFile } from './downloadMark.ts';
import type { Durability } from './durability.ts';
import { SYNC_AT_ONCE_FROM } from './durable.ts';
import { isErrno } from './errno.ts';
import type { FileSystem } from './fileSystem.ts';
import { NameSync } from './nameSync.ts';
import type { Place, Placement } from './placement.ts';
import { pruneTrees } from './pruning.ts';
import { Publishing } from './publish.ts';
import type { ConflictPolicy, KeptFile } from './publish.ts';
import type { PublishedJournal } from './publishedJournal.ts';
import { failureIn, requireInPlace } from './staging.ts';
import type { Staging } from './staging.ts';

export interface FolderPublisherInit extends Staging {
  /** The receive folder. */
  readonly folder: string;
  readonly transfer: string;
  readonly onConflict: ConflictPolicy;
  readonly isResumed: boolean;
  readonly keepsInterrupted: boolean;
  readonly placement: Placement;
  readonly durability: Durability;
  readonly journal: PublishedJournal;
  readonly mark: DownloadMark;
}

/** A complete file that waits for its name. */
interface ReadyFile {
  readonly file: FileReference;
  readonly place: Extract<Place, { kind: 'part' }>;
}

/** A complete file that is to take the name of an older one, which is kept. */
interface Replacing extends ReadyFile {
  readonly older: KeptFile;
}

/** Complete files get their names in groups, so that one sync serves many. */
const READY_GROUP = 256;
/** Names told in a publication. */
const TOLD_NAMES = 8;

/**
 * Gives what is complete its names in the receive folder. Always in this order, so that a power loss at any
 * moment leaves nothing half and nothing unknown: the content is durable, then the journal that announces the
 * names, then the names are taken, and then they are made durable.
 *
 * A failure of one entry is the entry's; one of what many entries need is the transfer's.
 */
export class FolderPublisher {
  // Immutable.
  readonly #init: FolderPublisherInit;
  readonly #disk: FileSystem;
  readonly #publishing: Publishing;
  readonly #durableNames: NameSync;

  // Mutable.
  #ready: ReadyFile[] = [];
  readonly #failures: { page: number; position: number; reason: DestinationFailure }[] = [];
  readonly #names: string[] = [];
  /** Whether the trees may hold more than what is complete. */
  #mayHoldMore: boolean;
  /** The folder that was synced last for a file which stands in it. */
  #syncedFolder: string | undefined;

  constructor(init: FolderPublisherInit) {
    this.#init = init;
    this.#disk = init.disk;
    this.#publishing = new Publishing(init.disk);
    this.#durableNames = new NameSync(init.disk);
    this.#mayHoldMore = init.isResumed;
  }

  /** A file will not be completed, and what there is of it is being removed, if that can be. */
  discards(): void {
    this.#mayHoldMore = true;
  }

  /** Takes a file that is complete; it gets its name soon, with others. */
  async add(ready: ReadyFile): Promise<void> {
    this.#ready.push(ready);
    if (this.#ready.length >= READY_GROUP) await this.#publishReady();
  }

  /** Takes a file that an earlier session gave its name; that one may have ended before the name was durable. */
  async addPublished({ parents, name, isTopLevel }: Extract<Place, { kind: 'published' }>): Promise<void> {
    if (isTopLevel) {
      // The receive folder itself is synced in the end.
      this.#tell(name);
      return;
    }
    const folder = join(this.#init.folder, ...parents);
    if (folder === this.#syncedFolder) return;
    await this.#durableNames.sync(folder);
    this.#syncedFolder = folder;
  }

  /** Publishes the rest. */
  async publish(taken: () => Iterable<EntryReference>): Promise<Publication> {
    const { folder, placement } = this.#init;
    await this.#publishReady();
    await this.#asOne(async () => {
      requireInPlace(this.#init);
      if (this.#mayHoldMore) pruneTrees(this.#disk, placement.treeFolder, entriesOf(taken));
      await this.#finishFolders(taken);
      await this.#publishTrees(taken);
      await this.#durableNames.sync(folder);
    });
    for (const name of placement.standingTrees()) this.#tell(name);
    return { failures: this.#failures, names: this.#names };
  }

  /** Work that many entries depend on: if it fails, the transfer does. */
  async #asOne(work: () => Promise<void>): Promise<void> {
    try {
      await this.#init.durability.inTurn(work);
    } catch (error) {
      const failure = failureIn(this.#init, error);
      if (!isDestinationFailure(failure.code)) throw failure;
      throw new CourierError('destination-unwritable', failure.message, { cause: error });
    }
  }

  async #publishReady(): Promise<void> {
    const group = this.#ready;
    this.#ready = [];
    if (group.length > 0) await this.#asOne(() => this.#publishGroup(group));
  }

  /** Syncs a group of complete files and gives them their names. */
  async #publishGroup(group: readonly ReadyFile[]): Promise<void> {
    const locations = group.map(({ place }) => place.location);
    const unmarked = group.map(({ file, place }) => ({ ...file.entry, location: place.location }));
    await this.#init.mark.mark(unmarked);
    // One that somebody has cleaned up fails alone, when its name is to be taken.
    const isThere = (location: string): boolean => this.#disk.lstat(location) !== undefined;
    await this.#init.durability.syncMany(() => locations.filter(isThere), group.length);
    requireInPlace(this.#init);
    const named = group.map((ready) => ({ ...ready, name: this.#nameFor(ready.place) }));
    // All at once, because it takes a sync.
    await this.#announce([
      ...this.#newFolders(group),
      ...named.map(({ file, name }) => [file.entry.path, name] as const),
    ]);
    const folders = new Set<string>();
    const kept: Replacing[] = [];
    for (const { file, place, name } of named) {
      await this.#attempt(file, async () => {
        const folder = this.#makeFolders(place.parents);
        const location = join(folder, name);
        if (this.#init.onConflict === 'replace') {
          const older = await this.#publishing.keepOlder(place.location, location, this.#backupOf(file));
          if (older !== undefined) kept.push({ file, place, older });
          else if (place.isTopLevel) this.#tell(name);
        } else {
          const published = await this.#publishFile(file, place, location);
          if (place.isTopLevel) this.#tell(published);
        }
        folders.add(folder);
      });
    }
    await this.#replaceKept(kept);
    await this.#syncNames(folders);
  }

  /** Where an older file goes when this one takes its name. */
  #backupOf({ entry }: FileReference): string {
    return join(this.#init.root, 'replaced', this.#init.transfer, ...namesOf(entry.path));
  }

  /** All older files are safe under their second names before the first name is taken from one: one sync serves them. */
  async #replaceKept(kept: readonly Replacing[]): Promise<void> {
    await this.#syncNames(new Set(kept.map(({ file }) => dirname(this.#backupOf(file)))));
    for (const { file, place, older } of kept) {
      await this.#attempt(file, async () => {
        this.#publishing.replaceKept(older);
        if (place.isTopLevel) this.#tell(place.name);
      });
    }
  }

  /** Makes the names in these folders durable, and theirs. */
  async #syncNames(folders: ReadonlySet<string>): Promise<void> {
    if (folders.size >= SYNC_AT_ONCE_FROM && (await this.#init.durability.syncEverything())) return;
    for (const folder of folders) await this.#durableNames.sync(folder);
  }

  /** The folders of the offer that have to be made for these files in what was there: path, name. */
  #newFolders(group: readonly ReadyFile[]): readonly (readonly [path: string, name: string])[] {
    if (!this.#init.keepsInterrupted) return [];
    const found = new Map<string, string>();
    const seen = new Set<string>();
    for (const { file, place } of group) {
      const names = namesOf(file.entry.path);
      for (let depth = place.parents.length; depth > 0; depth -= 1) {
        const location = join(this.#init.folder, ...place.parents.slice(0, depth));
        if (seen.has(location)) break;
        seen.add(location);
        if (this.#isMissing(location)) found.set(names.slice(0, depth).join('/'), names[depth - 1] ?? '');
      }
    }
    return [...found];
  }

  /** Whether nothing has this name, as far as one can look. */
  #isMissing(location: string): boolean {
    try {
      return this.#disk.lstat(location) === undefined;
    } catch {
      return false;
    }
  }

  /** The name that a file will have in the receive folder, if nobody takes it meanwhile. */
  #nameFor({ parents, name, mayBeRenamed }: ReadyFile['place']): string {
    const { folder, onConflict } = this.#init;
    if (onConflict !== 'keep-both' || !mayBeRenamed) return name;
    try {
      return this.#publishing.findFreeName(join(folder, ...parents), name, 'file');
    } catch {
      // What is the matter with it shows when the name is taken.
      return name;
    }
  }

  /** Returns the name that it has in the end. */
  async #publishFile(file: FileReference, place: ReadyFile['place'], location: string): Promise<string> {
    const { onConflict } = this.#init;
    if (this.#publishing.tryPublishFile(place.location, location)) return basename(location);
    if (onConflict !== 'keep-both' || !place.mayBeRenamed) {
      throw new CourierError('name-taken', 'taken meanwhile');
    }
    return this.#publishing.publishFileFree(place.location, dirname(location), place.name, (free) =>
      this.#announce([[file.entry.path, free]]),
    );
  }

  async #announce(names: readonly (readonly [path: string, name: string])[]): Promise<void> {
    if (this.#init.keepsInterrupted && names.length > 0) await this.#init.journal.announce(names);
  }

  /** Makes the folders of these names, each in the one before, from the receive folder on; real ones. */
  #makeFolders(names: readonly string[]): string {
    let location = this.#init.folder;
    for (const name of names) {
      location = join(location, name);
      makeRealFolder(this.#disk, location);
    }
    return location;
  }

  /**
   * Folders of the offer: those merged into what was there are made now if no file needed them. Times come
   * in a second round, because making a folder changes the time of the one it lies in.
   */
  async #finishFolders(taken: () => Iterable<EntryReference>): Promise<void> {
    const failed = new Set<string>();
    const few = await fewFolders(taken);
    const folders = (): AsyncIterable<EntryReference> | Iterable<EntryReference> => few ?? foldersIn(taken);
    await this.#announceFolders(folders());
    for await (const folder of folders()) {
      const { isStaged, names } = this.#init.placement.folderPlace(folder.entry.path);
      if (!isStaged) await this.#attempt(folder, async () => void this.#makeFolders(names), failed);
    }
    for await (const folder of folders()) {
      const { location, isStaged } = this.#init.placement.folderPlace(folder.entry.path);
      const finish = async (): Promise<void> => {
        this.#disk.setTime(location, folder.entry.mtimeMs);
        if (!isStaged) await this.#durableNames.sync(location);
      };
      await this.#attempt(folder, finish, failed);
    }
  }

  /** A later session knows by this that they were not there before. */
  async #announceFolders(folders: AsyncIterable<EntryReference> | Iterable<EntryReference>): Promise<void> {
    let found: (readonly [path: string, name: string])[] = [];
    for await (const { entry } of folders) {
      const { location, isStaged } = this.#init.placement.folderPlace(entry.path);
      if (isStaged || !this.#isMissing(location)) continue;
      found.push([entry.path, namesOf(entry.path).at(-1) ?? '']);
      if (found.length < limits.pageEntries) continue;
      await this.#announce(found);
      found = [];
    }
    await this.#announce(found);
  }

  /** Does work on an entry unless it has `failed`; a failure of its own fails the entry only. */
  async #attempt(reference: EntryReference, work: () => Promise<void>, failed?: Set<string>): Promise<void> {
    const key = `${reference.page}-${reference.position}`;
    if (failed?.has(key) === true) return;
    try {
      await work();
    } catch (error) {
      const failure = failureIn(this.#init, error);
      if (!isDestinationFailure(failure.code)) throw failure;
      this.#failures.push({ page: reference.page, position: reference.position, reason: failure.code });
      failed?.add(key);
    }
  }

  /** Makes the trees in staging durable and publishes each with one rename. */
  async #publishTrees(taken: () => Iterable<EntryReference>): Promise<void> {
    const { folder, placement, durability, mark } = this.#init;
    const trees = [...placement.trees()];
    if (trees.length === 0) return;
    function* staged(): Generator<{ readonly entry: Entry; readonly location: string }> {
      for (const { page, position, entry } of taken()) {
        if (entry.kind === 'folder') {
          const { location, isStaged } = placement.folderPlace(entry.path);
          if (isStaged) yield { entry, location };
        } else {
          const { kind, location } = placement.placeOf({ page, position, entry });
          if (kind === 'tree') yield { entry, location };
        }
      }
    }
    function* unmarked(): Generator<UnmarkedFile> {
      for (const { entry, location } of staged()) if (entry.kind === 'file') yield { ...entry, location };
    }
    function* unsynced(): Generator<string> {
      // A big file was synced when it was complete.
      for (const { entry, location } of staged()) {
        if (entry.kind === 'folder' || isPacked(entry.size)) yield location;
      }
    }
    await mark.mark(unmarked());
    await durability.syncMany(unsynced, Infinity);
    requireInPlace(this.#init);
    for (const [name, location] of trees) {
      const announce = (free: string): Promise<void> => this.#announce([[name, free]]);
      this.#tell(await this.#publishing.publishFolder(location, folder, name, announce));
    }
  }

  #tell(name: string): void {
    if (this.#names.length < TOLD_NAMES) this.#names.push(name);
  }
}

function* entriesOf(references: () => Iterable<EntryReference>): Generator<Entry> {
  for (const { entry } of references()) yield entry;
}

/**
 * The folders that were taken. To find them among a million files takes seconds: other work gets its turn meanwhile,
 * or the peer would hear nothing of us.
 */
async function* foldersIn(taken: () => Iterable<EntryReference>): AsyncGenerator<EntryReference> {
  let passed = 0;
  for (const reference of taken()) {
    passed += 1;
    if (passed % limits.pageEntries === 0) await setImmediate();
    if (reference.entry.kind === 'folder') yield reference;
  }
}

/** The folders that were taken, if they are few enough to be kept: to look for them takes longer than to handle them. */
async function fewFolders(
  taken: () => Iterable<EntryReference>,
): Promise<readonly EntryReference[] | undefined> {
  const folders: EntryReference[] = [];
  for await (const folder of foldersIn(taken)) {
    folders.push(folder);
    if (folders.length > limits.pageEntries) return undefined;
  }
  return folders;
}

/** Makes a folder unless it is there; anything else under its name, a link above all, is a conflict. */
function makeRealFolder(disk: FileSystem, location: string): void {
  // Looks first: most are there, and an error takes longer than a look.
  if (disk.lstat(location)?.isDirectory() === true) return;
  try {
    disk.mkdir(location);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if (disk.lstat(location)?.isDirectory() !== true) throw new CourierError('name-taken', 'not a folder');
  }
}
