import { join } from 'node:path';
import type { LeftOutReason, SourceItem } from '../../transfer/ports.ts';
import { compareKeys } from '../../protocol/manifest.ts';
import { collisionKey, parseSafePath } from '../../protocol/wirePath.ts';
import { isErrno } from './errno.ts';
import type { FileStats, FileSystem } from './fileSystem.ts';
import { versionOf } from './fileVersion.ts';
import { OMIT_NOTHING, Omissions } from './omissions.ts';
import type { OmissionOptions } from './omissions.ts';
import { isRunnable } from './modes.ts';
import { systemFiles } from './systemFiles.ts';

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

/** What holds for all steps. */
interface Way {
  readonly options: OmissionOptions;
  readonly disk: FileSystem;
}

/**
 * Lists roots in manifest order: depth first, siblings by their collision key. Links and special files
 * are left out and named; so is what cannot be read, what has no portable name, and what the options leave
 * out; a folder among these is never opened, and one item stands for all of it. Holds the names of one folder
 * at each depth.
 */
export function* walk(
  roots: readonly Root[],
  options: OmissionOptions = OMIT_NOTHING,
  disk: FileSystem = systemFiles,
): Generator<SourceItem> {
  const byKey = roots.map((root) => ({ root, key: collisionKey(root.name) }));
  const sorted = byKey.toSorted((left, right) => compareKeys(left.key, right.key));
  for (const { root } of sorted) {
    yield* visit({ ...root, path: root.name, isTaken: false, omissions: undefined }, { options, disk });
  }
}

/** Returns whether it is offered. */
function* visit(step: Step, way: Way): Generator<SourceItem, boolean> {
  const parsed = parseSafePath(step.path);
  const isRefused = 'refusal' in parsed || step.isTaken;
  let stats: FileStats | undefined;
  let failure: LeftOutReason = 'source-vanished';
  try {
    stats = way.disk.lstat(step.location);
  } catch (error) {
    failure = lookFailure(error);
  }
  if (stats === undefined) {
    yield leftOut(step, isRefused ? 'name-refused' : failure);
    return false;
  }
  // Before the name: what nobody wants sent need not have one that can be.
  if (step.omissions?.isIgnored(step.name, stats.isDirectory() ? 'folder' : 'file') === true) {
    yield leftOut(step, 'ignored');
    return false;
  }
  if (stats.isFile() && step.omissions?.isSecret(step.name) === true) {
    yield leftOut(step, 'secret');
    return false;
  }
  if ('refusal' in parsed || isRefused) {
    yield leftOut(step, 'name-refused');
    return false;
  }
  const { path } = parsed;
  const mtimeMs = Math.floor(stats.mtimeMs);
  if (stats.isFile()) {
    const isExecutable = isRunnable(stats.mode);
    const entry = { kind: 'file', path, size: stats.size, mtimeMs, isExecutable } as const;
    yield { type: 'entry', entry, version: versionOf(stats) };
    return true;
  }
  if (stats.isDirectory()) {
    const item = { type: 'entry', entry: { kind: 'folder', path, mtimeMs }, version: undefined } as const;
    return yield* visitFolder(step, item, way);
  }
  yield leftOut(step, stats.isSymbolicLink() ? 'link' : 'special');
  return false;
}

function* visitFolder(step: Step, item: SourceItem, way: Way): Generator<SourceItem, boolean> {
  let names: readonly string[];
  try {
    // One that is not Unicode comes with U+FFFD in it and cannot be found again by it.
    names = way.disk.readdir(step.location);
  } catch (error) {
    yield leftOut(step, lookFailure(error));
    return false;
  }
  yield item;
  const omissions =
    step.omissions?.enter(step.name, step.location) ?? Omissions.inPicked(step.location, way.options);
  const keyed = names.map((name) => ({ name, key: collisionKey(name) }));
  keyed.sort((left, right) => compareKeys(left.key, right.key));
  let offeredKey: string | undefined;
  for (const { name, key } of keyed) {
    const child = {
      location: join(step.location, name),
      path: `${step.path}/${name}`,
      name,
      // README and readme: on some systems the second would land on the first.
      isTaken: key === offeredKey,
      omissions,
    };
    if (yield* visit(child, way)) offeredKey = key;
  }
  return true;
}

function leftOut({ location, path }: Step, reason: LeftOutReason): SourceItem {
  // A name that the system gave in bytes which are not UTF-8 was mangled on its way to us.
  const isMangled = reason === 'source-vanished' && location.includes('\ufffd');
  return { type: 'left-out', path, reason: isMangled ? 'name-refused' : reason };
}

function lookFailure(error: unknown): LeftOutReason {
  return isErrno(error, 'ENOENT') ? 'source-vanished' : 'source-unreadable';
}
