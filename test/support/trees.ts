/** Folder trees on disk: made from a table, and read back as a table that can be compared. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';

/** What to make. Times are milliseconds; those of a folder are set after everything in it is made. */
export type Item =
  | {
      readonly kind: 'file';
      readonly content: string | Uint8Array;
      readonly isExecutable?: boolean;
      readonly mtimeMs?: number;
    }
  /** A hole of `size` bytes with islands of data in it, by offset. */
  | {
      readonly kind: 'sparse';
      readonly size: number;
      readonly islands?: Readonly<Record<number, string | Uint8Array>>;
    }
  | { readonly kind: 'folder'; readonly mtimeMs?: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'fifo' | 'socket' };

export type Tree = Readonly<Record<string, Item>>;

export function file(
  content: string | Uint8Array = '',
  options: { readonly isExecutable?: boolean; readonly mtimeMs?: number } = {},
): Item {
  return { kind: 'file', content, ...options };
}

export function sparse(size: number, islands: Readonly<Record<number, string | Uint8Array>> = {}): Item {
  return { kind: 'sparse', size, islands };
}

export function folder(mtimeMs?: number): Item {
  return mtimeMs === undefined ? { kind: 'folder' } : { kind: 'folder', mtimeMs };
}

export function link(target: string): Item {
  return { kind: 'link', target };
}

export const fifo: Item = { kind: 'fifo' };
export const socket: Item = { kind: 'socket' };

/** Makes everything in `tree` below `root`, with the folders between. */
export function makeTree(root: string, tree: Tree): void {
  const entries = Object.entries(tree);
  for (const [path, item] of entries) makeItem(join(root, path), item);
  // The deepest first: to make something in a folder changes its time.
  const deepestFirst = entries.toSorted(([left], [right]) => right.length - left.length);
  for (const [path, item] of deepestFirst) {
    if ('mtimeMs' in item && item.mtimeMs !== undefined) setTime(join(root, path), item.mtimeMs);
  }
}

/** Sets a time; as text, because Node takes a number below zero for "now". Fails where it does not hold. */
export function setTime(location: string, mtimeMs: number): void {
  const seconds = String((mtimeMs + 0.0005) / 1000);
  lutimesSync(location, seconds, seconds);
  assert.equal(Math.floor(lstatSync(location).mtimeMs), mtimeMs, `the time of ${location}`);
}

function makeItem(location: string, item: Item): void {
  mkdirSync(dirname(location), { recursive: true });
  switch (item.kind) {
    case 'file':
      writeParts(location, { 0: item.content });
      if (item.isExecutable === true) chmodSync(location, 0o755);
      return;
    case 'sparse':
      writeParts(location, item.islands ?? {}, item.size);
      return;
    case 'folder':
      mkdirSync(location, { recursive: true });
      return;
    case 'link':
      symlinkSync(item.target, location);
      return;
    case 'fifo':
      execFileSync('mkfifo', [location]);
      return;
    case 'socket':
      // Killed, so that it leaves its socket behind.
      spawnSync(process.execPath, ['--eval', LISTEN_AND_DIE, location]);
  }
}

const LISTEN_AND_DIE =
  'net.createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';

function writeParts(
  location: string,
  parts: Readonly<Record<number, string | Uint8Array>>,
  size?: number,
): void {
  const descriptor = openSync(location, 'w');
  try {
    if (size !== undefined) ftruncateSync(descriptor, size);
    for (const [offset, content] of Object.entries(parts)) {
      const bytes = Buffer.from(content);
      writeSync(descriptor, bytes, 0, bytes.length, Number(offset));
    }
  } finally {
    closeSync(descriptor);
  }
}

export type SnapshotEntry =
  | {
      readonly kind: 'file';
      readonly size: number;
      readonly sha256: string;
      readonly mode: string;
      readonly mtimeMs: number;
    }
  | { readonly kind: 'folder'; readonly mode: string; readonly mtimeMs: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'special' };

/** By path, `.` for the root itself. */
export type Snapshot = Readonly<Record<string, SnapshotEntry>>;

/** Everything at and below `root`: links not followed, times cut to the millisecond. */
export function takeSnapshot(root: string): Snapshot {
  const found: [string, SnapshotEntry][] = [];
  const visit = (path: string): void => {
    const location = join(root, path);
    const entry = lookAt(location);
    found.push([path, entry]);
    if (entry.kind !== 'folder') return;
    for (const name of readdirSync(location).toSorted()) visit(path === '.' ? name : `${path}/${name}`);
  };
  visit('.');
  return Object.fromEntries(found);
}

/** Without the root itself. */
export function belowRoot({ '.': _root, ...rest }: Snapshot): Snapshot {
  return rest;
}

function lookAt(location: string): SnapshotEntry {
  const stats = lstatSync(location);
  const shared = { mode: modeOf(stats), mtimeMs: Math.floor(stats.mtimeMs) };
  if (stats.isFile()) return { kind: 'file', size: stats.size, sha256: sha256Of(location), ...shared };
  if (stats.isDirectory()) return { kind: 'folder', ...shared };
  if (stats.isSymbolicLink()) return { kind: 'link', target: readlinkSync(location) };
  return { kind: 'special' };
}

function modeOf({ mode }: Pick<Stats, 'mode'>): string {
  return (mode & 0o7777).toString(8);
}

/** SHA-256 of a file, in hexadecimal. */
export function sha256Of(location: string): string {
  const hash = createHash('sha256');
  for (const bytes of readPieces(location)) hash.update(bytes);
  return hash.digest('hex');
}

/** The offset of the first piece in which two files differ; `undefined` if they do not. */
export function firstDifference(left: string, right: string): number | undefined {
  let offset = 0;
  const others = readPieces(right);
  for (const bytes of readPieces(left)) {
    const other = others.next();
    if (other.done === true || !bytes.equals(other.value)) return offset;
    offset += bytes.length;
  }
  return others.next().done === true ? undefined : offset;
}

const PIECE_BYTES = 4 * 1024 * 1024;

/** Each piece is good until the next is asked for. */
function* readPieces(location: string): Generator<Buffer, undefined> {
  const descriptor = openSync(location, 'r');
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    for (;;) {
      const count = readSync(descriptor, buffer);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * What a snapshot of a source becomes on the other side: links and special files stay behind, and of the
 * mode only whether a file can be run arrives; the rest is as the receiver's system makes new things.
 */
export function asReceived(sent: Snapshot, umask: number): Snapshot {
  const kept: [string, SnapshotEntry][] = [];
  for (const [path, entry] of Object.entries(sent)) {
    if (entry.kind === 'folder') kept.push([path, { ...entry, mode: octal(0o777 & ~umask) }]);
    if (entry.kind === 'file') {
      const mode = (Number.parseInt(entry.mode, 8) & 0o100) === 0 ? 0o666 : 0o777;
      kept.push([path, { ...entry, mode: octal(mode & ~umask) }]);
    }
  }
  return Object.fromEntries(kept);
}

function octal(mode: number): string {
  return mode.toString(8);
}
