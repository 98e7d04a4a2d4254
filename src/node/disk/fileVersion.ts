import type { FileVersion } from '../../transfer/ports.ts';
import type { FileStats } from './fileSystem.ts';

export function versionOf({ size, mtimeMs, ctimeMs, ino }: FileStats): FileVersion {
  return { size, mtimeMs, ctimeMs, inode: ino };
}

/** Whether a file is still the version that was listed. */
export function isVersion(version: FileVersion, { size, mtimeMs, ctimeMs, ino }: FileStats): boolean {
  return (
    version.size === size &&
    version.mtimeMs === mtimeMs &&
    version.ctimeMs === ctimeMs &&
    version.inode === ino
  );
}
