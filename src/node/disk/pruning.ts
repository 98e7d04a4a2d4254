import { join } from 'node:path';
import type { Entry } from '../../protocol/manifest.ts';
import { collisionKey, namesOf } from '../../protocol/wirePath.ts';
import type { FileSystem } from './fileSystem.ts';

interface OpenFolder {
  readonly name: string;
  /** The names in it, by collision key. */
  readonly children: Map<string, string>;
}

/**
 * Removes from the trees in `staging` what is not among `taken`: an interrupted session may have left what is
 * not offered any more. `taken` is in manifest order; what is in memory is the folders that are open, and the
 * names in them.
 *
 * A file system that folds case, or changes a name's normal form, may list an entry under the name that an
 * earlier offer had for it, or none had. It is the same entry, and gets the name of this offer.
 */
export function pruneTrees(disk: FileSystem, staging: string, taken: Iterable<Entry>): void {
  const open: OpenFolder[] = [{ name: '', children: new Map() }];
  const closeDownTo = (depth: number): void => {
    while (open.length > depth) {
      const location = join(staging, ...open.slice(1).map(({ name }) => name));
      const { children } = open.pop() ?? { children: new Map<string, string>() };
      for (const name of namesIn(disk, location)) {
        const offered = children.get(collisionKey(name));
        if (offered === name) continue;
        const [there, wanted] = [join(location, name), join(location, offered ?? '')];
        if (offered !== undefined && isSameEntry(disk, there, wanted)) disk.rename(there, wanted);
        else disk.removeTree(there);
      }
    }
  };
  for (const entry of taken) {
    const names = namesOf(entry.path);
    const parents = names.slice(0, -1);
    const shared = parents.findIndex((name, at) => open[at + 1]?.name !== name);
    closeDownTo(1 + (shared < 0 ? parents.length : shared));
    const name = names.at(-1) ?? '';
    open.at(-1)?.children.set(collisionKey(name), name);
    if (entry.kind === 'folder') open.push({ name, children: new Map() });
  }
  closeDownTo(0);
}

/** Whether two names lead to one entry. */
function isSameEntry(disk: FileSystem, left: string, right: string): boolean {
  const [one, other] = [disk.lstat(left), disk.lstat(right)];
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

function namesIn(disk: FileSystem, location: string): readonly string[] {
  try {
    return disk.readdir(location);
  } catch {
    // A folder that is not built here.
    return [];
  }
}
