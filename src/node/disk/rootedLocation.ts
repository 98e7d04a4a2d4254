import { CourierError } from '../../base/failure.ts';
import { sep } from 'node:path';

/** A folder that files are reached below; absolute, without `.` and `..` in it. */
export class RootLocation {
  readonly path: string;
  /** What the location of everything below it begins with. */
  readonly #prefix: string;

  constructor(path: string) {
    this.path = path;
    this.#prefix = path.endsWith(sep) ? path : `${path}${sep}`;
  }

  /** Throws unless a location is that of the root, or of something below it: nobody asks for anything else. */
  require(location: string): void {
    if (location !== this.path) this.requireInside(location);
  }

  /** Throws unless a location is that of something below the root. */
  requireInside(location: string): void {
    if (location.startsWith(this.#prefix) && !UNSETTLED.test(location.slice(this.#prefix.length - 1))) return;
    throw new CourierError('internal', `${location} does not lie below ${this.path}`);
  }

  /** Whether a folder is one that the root lies in. */
  isBelow(folder: string): boolean {
    return this.path !== folder && this.path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
  }
}

/** A name that is none: empty, or a step to where one is, or up. */
const UNSETTLED = sep === '\\' ? /[\\/]\.{0,2}(?:[\\/]|$)/u : /\/\.{0,2}(?:\/|$)/u;
