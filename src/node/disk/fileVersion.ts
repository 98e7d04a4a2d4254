import type { FileVersion } from '../../transfer/ports.ts';
import type { FileStats } from './fileSystem.ts';

export function versionOf({ size, mtimeMs, ctimeMs, ino }: FileStats): FileVersion {
  return { size, mtimeMs, ctimeMs, inode: ino };
}

export function isSameVersion(left: FileVersion, right: FileVersion): boolean {
  return (
    left.size === right.size &&
    left.mtimeMs === right.mtimeMs &&
    left.ctimeMs === right.ctimeMs &&
    left.inode === right.inode
  );
}
