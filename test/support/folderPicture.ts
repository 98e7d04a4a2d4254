import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What lies below a folder, links not followed: path to content, `<folder>`, or what else it is. */
export type FolderPicture = Readonly<Record<string, string>>;

/** A picture of `folder`; `without` leaves out one name at its top and all below. */
export function pictureOf(folder: string, without?: string): FolderPicture {
  const picture: Record<string, string> = {};
  const look = (path: string): void => {
    const location = join(folder, path);
    const stats = lstatSync(location);
    if (stats.isSymbolicLink()) picture[path] = `<link to ${readlinkSync(location)}>`;
    else if (stats.isFile()) picture[path] = readFileSync(location, 'latin1');
    else if (stats.isDirectory()) {
      picture[path] = '<folder>';
      for (const name of readdirSync(location)) look(join(path, name));
    } else picture[path] = '<special>';
  };
  for (const name of readdirSync(folder)) if (name !== without) look(name);
  return picture;
}
