import { closeSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoError, isErrno } from './errno.ts';

/** Folders that are open at once, however deep a tree is. */
const MOST_OPEN = 32;
/** How often a folder is read anew because something was put into it meanwhile. */
const MOST_ROUNDS = 3;
// oxlint-disable-next-line no-bitwise -- a set of flags
const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Bytes: not every name is text. */
type Name = Buffer<ArrayBuffer>;

/** A folder that is being emptied. */
interface Level {
  readonly name: Name;
  /** `undefined` while deeper ones are at work. */
  descriptor: number | undefined;
  /** What is left in it. */
  names: Name[];
  rounds: number;
}

/**
 * Removes what has a name in a folder that is open as `folder`, with all that is in it; nothing happens if there is
 * nothing. Goes through folders that it holds, as `heldFolders.ts` does, and never through a link: whatever another
 * process puts in the place of a folder, only what lies below is removed.
 */
export function removeHeld(folder: number, name: string): void {
  new Removal(folder).remove(Buffer.from(name));
}

class Removal {
  // Immutable.
  readonly #base: number;

  // Mutable.
  /** From the base on, each in the one before. */
  readonly #levels: Level[] = [];

  constructor(base: number) {
    this.#base = base;
  }

  remove(name: Name): void {
    try {
      this.#take(name);
      for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
        const next = level.names.pop();
        if (next === undefined) this.#finish(level);
        else this.#take(next);
      }
    } finally {
      for (const level of this.#levels) close(level);
    }
  }

  /** Removes what has a name in the deepest folder, or goes into it. */
  #take(name: Name): void {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      if (tryUnlink(pathIn(this.#open(this.#levels.length), name)) || this.#enter(name)) return;
    }
    throw errnoError('EBUSY', 'it is a folder at one moment and none at the next');
  }

  /** Goes into a folder; tells whether it was one still. */
  #enter(name: Name): boolean {
    this.#levels.push({ name, descriptor: undefined, names: [], rounds: 0 });
    try {
      this.#read();
      return true;
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      this.#levels.pop();
      return false;
    }
  }

  /** Reads the deepest folder. */
  #read(): void {
    const level = this.#levels.at(-1);
    if (level === undefined) return;
    level.rounds += 1;
    level.names = readdirSync(pathIn(this.#open(this.#levels.length)), { encoding: 'buffer' });
    const shallow = this.#levels.at(-1 - MOST_OPEN);
    if (shallow !== undefined) close(shallow);
  }

  /** Removes the deepest folder, which should be empty. */
  #finish(level: Level): void {
    try {
      rmdirSync(pathIn(this.#open(this.#levels.length - 1), level.name));
    } catch (error) {
      if (isErrno(error, 'ENOTEMPTY', 'EEXIST') && level.rounds < MOST_ROUNDS) {
        this.#read();
        return;
      }
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    close(level);
    this.#levels.pop();
  }

  /** The folder at a depth, 0 for the base; opened again from the nearest one around it that is open. */
  #open(depth: number): number {
    let from = depth;
    while (from > 0 && this.#levels[from - 1]?.descriptor === undefined) from -= 1;
    let descriptor = from === 0 ? this.#base : (this.#levels[from - 1]?.descriptor ?? this.#base);
    for (let at = from; at < depth; at += 1) {
      const level = this.#levels[at];
      if (level === undefined) break;
      descriptor = openSync(pathIn(descriptor, level.name), OPEN_FOLDER);
      level.descriptor = descriptor;
      const shallow = this.#levels[at - MOST_OPEN];
      if (shallow !== undefined) close(shallow);
    }
    return descriptor;
  }
}

/** Whether it is gone; else it is a folder. */
function tryUnlink(path: Name): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'EISDIR')) return false;
    // POSIX's word for folders, and also said of what must not be changed.
    if (isErrno(error, 'EPERM') && lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      return false;
    }
    throw error;
  }
}

function close(level: Level): void {
  if (level.descriptor !== undefined) closeSync(level.descriptor);
  level.descriptor = undefined;
}

function pathIn(folder: number, name: Name = Buffer.from('.')): Name {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
}
