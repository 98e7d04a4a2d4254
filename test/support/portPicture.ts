import type { FileSystem } from '../../src/node/disk/fileSystem.ts';

/**
 * All that lies below a folder, seen through the port: paths, with `/`, and the content of files, byte for
 * character; `<folder>` for a folder. What is called `without` at the top is left out.
 */
export function portPictureOf(disk: FileSystem, folder: string, without = ''): Record<string, string> {
  const picture: Record<string, string> = {};
  const look = (location: string, path: string): void => {
    for (const name of disk.readdir(location)) {
      if (path === '' && name === without) continue;
      const [inner, below] = [`${location}/${name}`, path === '' ? name : `${path}/${name}`];
      const isFolder = disk.lstat(inner)?.isDirectory() === true;
      picture[below] = isFolder ? '<folder>' : contentOf(disk, inner);
      if (isFolder) look(inner, below);
    }
  };
  look(folder, '');
  return picture;
}

function contentOf(disk: FileSystem, location: string): string {
  const file = disk.open(location, 'read');
  try {
    const bytes = Buffer.alloc(file.stat().size);
    let filled = 0;
    while (filled < bytes.length) filled += file.readNow(bytes.subarray(filled), filled);
    return bytes.toString('latin1');
  } finally {
    file.closeNow();
  }
}
