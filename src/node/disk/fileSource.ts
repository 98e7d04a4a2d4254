import { sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CourierError, isSourceFailure } from '../../base/failure.ts';
import type { SourceFailure } from '../../base/failure.ts';
import type { FileEntry } from '../../protocol/manifest.ts';
import { isPacked } from '../../protocol/chunkLayout.ts';
import type { FileVersion, SmallContents, Source, SourceFile, SourceItem } from '../../transfer/ports.ts';
import { isErrno } from './errno.ts';
import type { FileSystem, OpenFile, WholeFileSystem } from './fileSystem.ts';
import { isVersion } from './fileVersion.ts';
import { OMIT_NOTHING } from './omissions.ts';
import type { OmissionOptions } from './omissions.ts';
import { SourceFolders } from './sourceFolders.ts';
import { systemFiles } from './systemFiles.ts';
import { walk } from './walk.ts';
import type { Root } from './walk.ts';
import { readNow } from './wholeFile.ts';

/** Items listed before other work gets its turn. */
const LIST_BURST = 256;
/** Small files read before other work gets its turn. */
const READ_BURST = 64;
/** Big files that stay open between their chunks, besides those that are being read. */
const MOST_OPEN = 8;

interface FileInUse {
  readonly opened: OpenFile;
  /** Reads under way. */
  readers: number;
  /** Whether it closes with the last of them. */
  isReleased: boolean;
}

interface Location {
  /** Those below the folder that was picked in. */
  readonly files: FileSystem;
  readonly location: string;
}

/** The files below some roots, read from disk. Small files synchronously: that is several times faster. */
export class FileSource implements Source {
  readonly #roots: readonly Root[];
  /** Where each of them lies, by name. */
  readonly #picked: ReadonlyMap<string, string>;
  readonly #allocate: (length: number) => Uint8Array;
  readonly #options: OmissionOptions;
  readonly #folders: SourceFolders;
  readonly #rest: () => Promise<void>;
  /** The least recently used first. */
  readonly #open = new Map<string, FileInUse>();

  /**
   * `allocate` gives the memory that ranges of big files are read into; `options` say what is left out; `rest`
   * resolves when other work has had its turn.
   */
  constructor(
    roots: readonly Root[],
    allocate: (length: number) => Uint8Array = (length) => Buffer.allocUnsafeSlow(length),
    options: OmissionOptions = OMIT_NOTHING,
    disk: WholeFileSystem = systemFiles,
    rest: () => Promise<void> = setImmediate,
  ) {
    this.#roots = roots;
    this.#picked = new Map(roots.map(({ name, location }) => [name, location]));
    this.#allocate = allocate;
    this.#options = options;
    this.#folders = new SourceFolders(disk);
    this.#rest = rest;
  }

  async *list(): AsyncGenerator<SourceItem> {
    this.#holdFolders();
    let count = 0;
    for (const item of walk(this.#roots, this.#options, ({ location }) => this.#folders.around(location))) {
      yield item;
      count += 1;
      if (count % LIST_BURST === 0) await this.#rest();
    }
  }

  async read(entry: FileEntry, version: FileVersion, offset: number, length: number): Promise<Uint8Array> {
    try {
      return isPacked(entry.size)
        ? readWhole(this.#locate(entry), version, Buffer.allocUnsafe(length))
        : await this.#readRange(entry, version, offset, length);
    } catch (error) {
      throw readFailure(error);
    }
  }

  async readSmall(files: readonly SourceFile[]): Promise<SmallContents> {
    const bytes = this.#allocate(files.reduce((sum, { entry }) => sum + entry.size, 0));
    const failures: (SourceFailure | undefined)[] = [];
    let filled = 0;
    for (const file of files) {
      if (failures.length > 0 && failures.length % READ_BURST === 0) await this.#rest();
      const end = filled + file.entry.size;
      const failure = this.#tryReadWhole(file, bytes.subarray(filled, end));
      failures.push(failure);
      if (failure === undefined) filled = end;
    }
    return { bytes: bytes.subarray(0, filled), failures };
  }

  async release({ path }: FileEntry): Promise<void> {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file === undefined) return;
    file.isReleased = true;
    // A chunk that was lost on its way may be being read again just now.
    if (file.readers === 0) await closeQuietly(file);
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(closeQuietly));
    this.#folders.letGo();
  }

  /** From now on a folder that something was picked in is the one that it is now. */
  #holdFolders(): void {
    for (const { location } of this.#roots) {
      try {
        this.#folders.around(location);
      } catch {
        // Said of what was picked in it when its turn comes.
      }
    }
  }

  #tryReadWhole({ entry, version }: SourceFile, into: Uint8Array): SourceFailure | undefined {
    try {
      readWhole(this.#locate(entry), version, into);
      return undefined;
    } catch (error) {
      const failure = readFailure(error);
      if (isSourceFailure(failure.code)) return failure.code;
      throw failure;
    }
  }

  async #readRange(
    entry: FileEntry,
    version: FileVersion,
    offset: number,
    length: number,
  ): Promise<Uint8Array> {
    const file = this.#take(entry);
    try {
      const { opened } = file;
      if (!isVersion(version, opened.stat())) throw changed(entry);
      const bytes = this.#allocate(length);
      let filled = 0;
      while (filled < length) {
        const count = await opened.read(bytes.subarray(filled, length), offset + filled);
        if (count === 0) throw changed(entry);
        filled += count;
      }
      // After the read as before: what was read lies between two looks at the same version.
      if (!isVersion(version, opened.stat())) throw changed(entry);
      return bytes;
    } finally {
      file.readers -= 1;
      if (file.isReleased && file.readers === 0) await closeQuietly(file);
    }
  }

  /** A file to read from, opened if it is not; somebody counts as its reader from now on. */
  #take(entry: FileEntry): FileInUse {
    const file = this.#open.get(entry.path) ?? {
      opened: openToRead(this.#locate(entry)),
      readers: 0,
      isReleased: false,
    };
    file.readers += 1;
    this.#open.delete(entry.path);
    this.#open.set(entry.path, file);
    this.#closeIdle();
    return file;
  }

  #closeIdle(): void {
    for (const [path, file] of this.#open) {
      if (this.#open.size <= MOST_OPEN) return;
      if (file.readers > 0) continue;
      this.#open.delete(path);
      void closeQuietly(file);
    }
  }

  #locate({ path }: FileEntry): Location {
    const end = path.indexOf('/');
    const name = end < 0 ? path : path.slice(0, end);
    const picked = this.#picked.get(name);
    if (picked === undefined) throw new CourierError('internal', 'a file that was not listed');
    const below = end < 0 ? '' : path.slice(end);
    const location = `${picked}${sep === '/' ? below : below.replaceAll('/', sep)}`;
    return { files: this.#folders.around(picked), location };
  }
}

function openToRead({ files, location }: Location): OpenFile {
  return files.open(location, 'read');
}

/**
 * Fills `into` with all of a small file. Looked at when it was listed and after: what is read lies between two looks at
 * one version.
 */
function readWhole<Bytes extends Uint8Array>(location: Location, version: FileVersion, into: Bytes): Bytes {
  const file = openToRead(location);
  try {
    const bytes = readNow(file, into);
    if (bytes === undefined || !isVersion(version, file.stat())) throw changed();
    return bytes;
  } finally {
    file.closeNow();
  }
}

async function closeQuietly({ opened }: FileInUse): Promise<void> {
  try {
    await opened.close();
  } catch {
    // It was read only: nothing can be lost by a failing close.
  }
}

function changed(entry?: FileEntry): CourierError {
  return new CourierError('source-changed', `${entry?.path ?? 'a file'} is not what was listed`);
}

function readFailure(error: unknown): CourierError {
  if (CourierError.is(error)) return error;
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) {
    return new CourierError('source-vanished', 'gone', { cause: error });
  }
  // A link now stands where a file was, a folder, or a pipe; or another folder where one was picked in.
  if (isErrno(error, 'ELOOP', 'EMLINK', 'EISDIR', 'ESPIPE', 'ESTALE')) {
    return new CourierError('source-changed', 'something else stands there now', { cause: error });
  }
  return new CourierError('source-unreadable', 'cannot be read', { cause: error });
}
