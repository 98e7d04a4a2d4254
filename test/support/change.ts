/** What a transfer has changed in a receive folder, and that it has changed nothing else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from './cli.ts';
import type { Snapshot, SnapshotEntry } from './trees.ts';

/** By path: contents of a file, `<folder>` or another kind. */
export interface Change {
  readonly adds?: Readonly<Record<string, string>>;
  /** Files that were moved to the replaced ones, and what stands in their place. */
  readonly replaces?: Readonly<Record<string, string>>;
}

/** Exactly the expected additions and replacements, and everything else as it was, to the byte and the time. */
export function assertChange(scene: Scene, before: Snapshot, { adds = {}, replaces = {} }: Change): void {
  const after = scene.look();
  const added: Record<string, string> = {};
  const replaced: Record<string, string> = {};
  const kept: Record<string, SnapshotEntry> = {};
  for (const [path, entry] of Object.entries(after)) {
    const [, backup] = /^\.peer-courier\/replaced\/[0-9a-f]{32}\/(.*)/u.exec(path) ?? [];
    if (backup !== undefined) {
      if (entry.kind === 'file') kept[backup] = entry;
    } else if (/^\.peer-courier(?:\/replaced(?:\/[0-9a-f]{32})?)?$/u.test(path)) continue;
    else if (!(path in before)) added[path] = textOf(scene, path, entry);
    else if (path in replaces) replaced[path] = textOf(scene, path, entry);
    else kept[path] = entry;
  }
  assert.deepEqual(added, adds);
  assert.deepEqual(replaced, replaces);
  assert.deepEqual(withoutFolderTimes(kept), withoutFolderTimes(before));
}

function textOf(scene: Scene, path: string, { kind }: SnapshotEntry): string {
  return kind === 'file' ? readFileSync(join(scene.received, path), 'utf8') : `<${kind}>`;
}

/** A folder's time changes with what is put into it. */
function withoutFolderTimes(snapshot: Snapshot): unknown {
  return Object.fromEntries(
    Object.entries(snapshot).map(([path, entry]) => [path, entry.kind === 'folder' ? 'folder' : entry]),
  );
}
