import { sep } from 'node:path';
import type { LeftOutReason, SourceItem } from '../../transfer/ports.ts';
import { compareKeys } from '../../protocol/manifest.ts';
import { collisionKey, parseSafePath } from '../../protocol/wirePath.ts';
import { isErrno } from './errno.ts';
import type { FileStats, FileSystem } from './fileSystem.ts';
import { versionOf } from './fileVersion.ts';
import { Omissions } from './omissions.ts';
import type { OmissionOptions } from './omissions.ts';
import { isRunnable } from './modes.ts';

/** What is sent: a file or folder on this machine, and the name it is offered under. */
export interface Root {
  /** Absolute. */
  readonly location: string;
  readonly name: string;
}

interface Step {
  readonly location: string;
  /** Below the offer, with `/`. */
  readonly path: string;
  readonly name: string;
  /** A sibling before it has a name that some system takes for this one. */
  readonly isTaken: boolean;
  /** Of the folder that it lies in; nothing keeps a root out. */
  readonly omissions: Omissions | undefined;
}

/** What holds for all steps from a root on. */
interface Way {
  readonly options: OmissionOptions;
  /** The files below the folder that the root lies in. */
  readonly files: FileSystem;
}

/**
 * Lists roots in manifest order: depth first, siblings by their collision key. Links and special files
 * are left out and named; so is what cannot be read, what has no portable name, and what the options leave
 * out; a folder among these is never opened, and one item stands for all of it. Holds the names of one folder
 * at each depth. `filesAround` gives the files below the folder that a root lies in, or throws what the system says.
 */
export function* walk(
  roots: readonly Root[],
  options: OmissionOptions,
  filesAround: (root: Root) => FileSystem,
): Generator<SourceItem> {
  const byKey = roots.map((root) => ({ root, key: collisionKey(root.name) }));
  const sorted = byKey.toSorted((left, right) => compareKeys(left.key, right.key));
  for (const { root } of sorted) {
    const step = { ...root, path: root.name, isTaken: false, omissions: undefined };
    let files: FileSystem;
    try {
      files = filesAround(root);
    } catch (error) {
      yield leftOut(step, lookFailure(error));
      continue;
    }
    const way = { options, files };
    const item = look(step, way);
    if (isFolder(item)) yield* visitFolder(step, item, way);
    else yield item;
  }
}

/** What an entry is listed as; a folder is still to be opened. */
function look(step: Step, way: Way): SourceItem {
  const parsed = parseSafePath(step.path);
  const isRefused = 'refusal' in parsed || step.isTaken;
  let stats: FileStats | undefined;
  let failure: LeftOutReason = 'source-vanished';
  try {
    stats = way.files.lstat(step.location);
  } catch (error) {
    failure = lookFailure(error);
  }
  if (stats === undefined) return leftOut(step, isRefused ? 'name-refused' : failure);
  // Before the name: what nobody wants sent need not have one that can be.
  if (step.omissions?.isIgnored(step.name, stats.isDirectory() ? 'folder' : 'file') === true) {
    return leftOut(step, 'ignored');
  }
  if (stats.isFile() && step.omissions?.isSecret(step.name) === true) return leftOut(step, 'secret');
  if ('refusal' in parsed || isRefused) return leftOut(step, 'name-refused');
  const { path } = parsed;
  const mtimeMs = Math.floor(stats.mtimeMs);
  if (stats.isFile()) {
    const isExecutable = isRunnable(stats.mode);
    const entry = { kind: 'file', path, size: stats.size, mtimeMs, isExecutable } as const;
    return { type: 'entry', entry, version: versionOf(stats) };
  }
  if (stats.isDirectory()) {
    return { type: 'entry', entry: { kind: 'folder', path, mtimeMs }, version: undefined };
  }
  return leftOut(step, stats.isSymbolicLink() ? 'link' : 'special');
}

function isFolder(item: SourceItem): boolean {
  return item.type === 'entry' && item.entry.kind === 'folder';
}

/** Returns whether it is offered. */
function* visitFolder(step: Step, item: SourceItem, way: Way): Generator<SourceItem, boolean> {
  let names: readonly string[];
  try {
    names = sortedNames(way.files, step.location);
  } catch (error) {
    yield leftOut(step, lookFailure(error));
    return false;
  }
  yield item;
  const omissions =
    step.omissions?.enter(step.name, step.location) ??
    Omissions.inPicked(step.location, way.options, way.files);
  let offeredKey: string | undefined;
  for (const name of names) {
    const key = collisionKey(name);
    const child = {
      location: `${step.location}${sep}${name}`,
      path: `${step.path}/${name}`,
      name,
      // README and readme: on some systems the second would land on the first.
      isTaken: key === offeredKey,
      omissions,
    };
    const found = look(child, way);
    let isOffered = found.type === 'entry';
    // Files are given from here: a generator for each would take longer than the look at it.
    if (isFolder(found)) isOffered = yield* visitFolder(child, found, way);
    else yield found;
    if (isOffered) offeredKey = key;
  }
  return true;
}

/**
 * The names in a folder, in the order of their keys, those with one key in their own. One that is not Unicode comes with U+FFFD in it and cannot be found
 * again by it. Most names are their own key: of a million in one folder no other is kept.
 */
function sortedNames(files: FileSystem, folder: string): readonly string[] {
  const names = [...files.readdir(folder)];
  const others = new Map<string, string>();
  for (const name of names) {
    const key = collisionKey(name);
    if (key !== name) others.set(name, key);
  }
  // In place, as the array is ours; the order of letters is that of UTF-16, as in `compareKeys`.
  // oxlint-disable-next-line unicorn/no-array-sort
  if (others.size === 0) return names.sort();
  const keyOf = (name: string): string => others.get(name) ?? name;
  // oxlint-disable-next-line unicorn/no-array-sort
  return names.sort((left, right) => compareKeys(keyOf(left), keyOf(right)) || compareKeys(left, right));
}

function leftOut({ location, path }: Step, reason: LeftOutReason): SourceItem {
  // A name that the system gave in bytes which are not UTF-8 was mangled on its way to us.
  const isMangled = reason === 'source-vanished' && location.includes('\ufffd');
  return { type: 'left-out', path, reason: isMangled ? 'name-refused' : reason };
}

function lookFailure(error: unknown): LeftOutReason {
  return isErrno(error, 'ENOENT') ? 'source-vanished' : 'source-unreadable';
}
