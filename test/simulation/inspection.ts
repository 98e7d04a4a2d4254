import { STAGING_FOLDER } from '../../src/protocol/wirePath.ts';
import type { SimContent } from '../support/simContent.ts';
import type { SimDisk } from '../support/simDisk.ts';
import type { Book, Origin } from './book.ts';

/** What lies in the receive folder under one name. */
export interface Found {
  /** Below the receive folder. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly content: SimContent | undefined;
  readonly mtimeMs: number;
  readonly isExecutable: boolean;
}

/** Something in the receive folder that is not ours: it must stay, or be kept aside where it is replaced. */
export interface Belonging {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** All below a folder of a disk; empty if it is not there. */
export function lookInto(disk: SimDisk, location: string): readonly Found[] {
  return [...disk.picture(location)].map(([path, { kind, content, mtimeMs, mode }]) => ({
    path,
    kind,
    content: kind === 'file' ? content : undefined,
    mtimeMs,
    isExecutable: (mode & 0o100) !== 0,
  }));
}

/** A copy of what is in a file. */
export function bytesOf(content: SimContent): Uint8Array {
  const bytes = new Uint8Array(content.size);
  content.read(bytes, 0);
  return bytes;
}

/** Whether exactly this is in a file. */
export function holds(content: SimContent | undefined, bytes: Uint8Array): boolean {
  return content?.size === bytes.length && content.has(bytes);
}

/** What stands under final names. */
export function published(found: readonly Found[]): readonly Found[] {
  return found.filter(({ path }) => path !== STAGING_FOLDER && !path.startsWith(`${STAGING_FOLDER}/`));
}

/** The files that were replaced and are kept. */
export function keptAside(found: readonly Found[]): readonly Found[] {
  return found.filter(({ path, kind }) => kind === 'file' && path.startsWith(`${STAGING_FOLDER}/replaced/`));
}

/** Whether `path` in the receive folder may be where `offered` was published: "keep both" numbers names. */
export function mayBeNamed(path: string, offered: string): boolean {
  const names = path.split('/');
  const wanted = offered.split('/');
  return (
    names.length === wanted.length &&
    names.every((name, at) => name === wanted[at] || isNumbered(name, wanted[at] ?? ''))
  );
}

function isNumbered(name: string, wanted: string): boolean {
  const match = / \(\d+\)/u.exec(name);
  return match !== null && name.replace(match[0], '') === wanted;
}

/** Tells what the receive folder holds from what it may hold. */
export class Inspector {
  readonly #book: Book;
  /** A content does not change; to look it up once is enough. */
  readonly #origins = new WeakMap<SimContent, readonly Origin[]>();

  constructor(book: Book) {
    this.#book = book;
  }

  originsOf(content: SimContent): readonly Origin[] {
    // All empty files share one content.
    if (content.size === 0) return this.#book.originsOf(content);
    let origins = this.#origins.get(content);
    if (origins === undefined) {
      origins = this.#book.originsOf(content);
      this.#origins.set(content, origins);
    }
    return origins;
  }

  /** D1, D2 and D6: whatever stands under a final name is one whole version of something that belongs there. */
  requireWhole(
    found: readonly Found[],
    { mayHavePlaceholders }: { readonly mayHavePlaceholders: boolean },
  ): void {
    for (const { path, content } of published(found)) {
      if (content === undefined) continue;
      // Without hard links a name is taken by an empty file first.
      if (mayHavePlaceholders && content.size === 0) continue;
      const origins = this.originsOf(content);
      if (origins.length === 0) {
        throw new Violation(`D1: ${path} was never whole: ${this.#book.describe(bytesOf(content))}`);
      }
      const isPlaced = origins.some((origin) =>
        origin.kind === 'source' ? mayBeNamed(path, origin.path) : origin.path === path,
      );
      if (!isPlaced) {
        throw new Violation(`D1: ${path} holds what belongs to ${JSON.stringify(origins)}`);
      }
    }
  }

  /** D5: what is not ours is where it was, or kept aside if it may be replaced. */
  requireKept(
    found: readonly Found[],
    belongings: readonly Belonging[],
    {
      mayReplace,
      mayHavePlaceholders,
    }: { readonly mayReplace: boolean; readonly mayHavePlaceholders: boolean },
  ): void {
    for (const { path, bytes } of belongings) {
      const isHere = published(found).some((each) => each.path === path && holds(each.content, bytes));
      // An empty file cannot be told from one that only takes a name, where there are no hard links.
      if (isHere || (mayHavePlaceholders && bytes.length === 0)) continue;
      const isAside =
        mayReplace &&
        keptAside(found).some(
          (each) => mayBeNamed(each.path.split('/').slice(3).join('/'), path) && holds(each.content, bytes),
        );
      if (!isAside) throw new Violation(`D5: ${path}, which is not ours, is gone or changed`);
    }
  }

  /** Nothing is published twice. */
  requireOnce(found: readonly Found[]): void {
    const seen = new Map<string, string>();
    for (const { path, content } of published(found)) {
      if (content === undefined) continue;
      const origins = this.originsOf(content);
      const [origin] = origins;
      // Of what is short there may be several of the same; and an older copy may be the same as what is sent.
      if (origin === undefined || origins.length > 1 || origin.kind !== 'source') continue;
      const key = `${origin.path} v${origin.version}`;
      const other = seen.get(key);
      if (other !== undefined) throw new Violation(`${key} was published twice: ${other} and ${path}`);
      seen.set(key, path);
    }
  }
}

/** A promise of the product is broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}
