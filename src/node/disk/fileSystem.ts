/**
 * The system calls that sending and receiving make, and no others: the one place where the files of users
 * are touched. Behind it stands the system's own file system, or in the tests a simulated disk that can
 * crash, fill up and fail at any call.
 *
 * Calls have POSIX's names and meaning; they throw, or reject, with an error whose `code` is the name of an
 * errno (`ENOENT` …). Locations are absolute. What ends in `Now` blocks: for a few kilobytes that is several
 * times faster than the thread pool, and in a process of its own it holds nobody up.
 */
export interface FileSystem {
  /** What stands under a name, links not followed; `undefined` for nothing. */
  lstat(location: string): FileStats | undefined;
  /** Makes one folder; `EEXIST` if anything has the name. The umask takes from `mode`, 0777 by default. */
  mkdir(location: string, mode?: number): void;
  /** Removes an empty folder. */
  rmdir(location: string): void;
  /** The names in a folder, in no order. One that is not Unicode comes with U+FFFD in it. */
  readdir(location: string): readonly string[];
  /** Gives a file a second name; `EEXIST` if anything has that. */
  link(existing: string, location: string): void;
  /** Moves a name onto another; what had that, a file or an empty folder, is silently replaced. */
  rename(from: string, to: string): void;
  unlink(location: string): void;
  /** Removes a folder with all that is in it, or a file; nothing happens if there is nothing. */
  removeTree(location: string): void;
  /** Sets when it was modified, to the millisecond; of a link itself, not of what it leads to. */
  setTime(location: string, mtimeMs: number): void;
  /** Never through a link in the last place. Folders can be opened to `read`, so that they can be synced. */
  open(location: string, how: OpenHow, mode?: number): OpenFile;
  /** Bytes that this user may still write there. */
  freeBytes(location: string): Promise<number>;
  /**
   * Makes all of the file system that `location` lies in durable, with one commit; `false` where that cannot
   * be had: then files and folders have to be synced one by one.
   */
  syncAll(location: string): Promise<boolean>;
}

/** All that is mounted: locations lead where the system takes them, through links on the way, too. */
export interface WholeFileSystem extends FileSystem {
  /** The location with all links resolved. */
  realpath(location: string): string;
  /** Throws unless things can be made in this folder. */
  requireWritable(location: string): void;
  /**
   * The same files, but that no link leads out of the folder `root`, which is one itself and no link. With `identity`
   * throws `ESTALE` if another folder stands there than the one that was seen before.
   */
  below(root: string, identity?: FolderIdentity): RootedFiles;
}

/**
 * The files below one folder, its root. Locations are those of the whole file system, and links in the last place are
 * treated as there; one on the way there is no folder: `ENOTDIR`. What does not lie below the root is refused, which
 * would be our own bug, but for folders around it, which may be opened to be synced.
 *
 * It is never used up: what it holds while it is used, {@link letGo} gives back.
 */
export interface RootedFiles extends FileSystem {
  /** Whether the root's location still leads to it. */
  isInPlace(): boolean;
  /** Gives back what the system keeps for this. A later call takes it anew; `ESTALE` if the root is another one then. */
  letGo(): void;
}

/** What tells one folder from another that stands under the same path; as `stat` gives it. */
export interface FolderIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * - `read`: of what is there.
 * - `create`: a new file to write; `EEXIST` if anything has the name.
 * - `update`: to read and write in what is there.
 * - `append`: what is written goes to the end of what is there, or of a new file.
 */
export type OpenHow = 'read' | 'create' | 'update' | 'append';

/** As `stat` gives it; times in milliseconds with their fraction. */
export interface FileStats {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
  /** How many names it has. */
  readonly nlink: number;
  /** The number of the user it belongs to; 0 where there are none. */
  readonly uid: number;
}

export interface OpenFile {
  stat(): FileStats;
  /** Reads from `position` into all of `into`, as far as the system likes; returns how many bytes, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  readNow(into: Uint8Array, position: number): number;
  /** Writes as many of the bytes as the system likes, at `position` (or at the end if opened to `append`). */
  write(bytes: Uint8Array, position: number): Promise<number>;
  writeNow(bytes: Uint8Array, position: number): number;
  /** Cuts it off, or makes it longer by a hole. */
  truncate(sizeBytes: number): void;
  chmod(mode: number): void;
  /** Sets when it was modified, to the millisecond. */
  setTime(mtimeMs: number): void;
  /** Makes its content and all that `stat` tells of it durable; of a folder, the names in it. */
  sync(): Promise<void>;
  syncNow(): void;
  /** Makes its content durable, and of the rest only what is needed to read that. */
  datasync(): Promise<void>;
  /** Lets go of it, once what is under way has ended. */
  close(): Promise<void>;
  /** Lets go of it; nothing may be under way. */
  closeNow(): void;
}
