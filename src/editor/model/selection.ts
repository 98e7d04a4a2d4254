/** A file or folder somewhere, apart from what only the editor knows of it. */
interface Place {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

/** The selection without what lies in another part of it: a folder brings its contents along. */
export function withoutNested<Item extends Place>(items: readonly Item[]): Item[] {
  const unique = [...new Map(items.map((item) => [keyOf(item), item])).values()];
  const keys = new Set(unique.map(keyOf));
  return unique.filter((item) => !foldersAbove(keyOf(item)).some((folder) => keys.has(folder)));
}

/** `name`, or `name (2)` and so on if that is taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const suffix = dot > 0 ? name.slice(dot) : '';
  for (let number = 2; ; number += 1) {
    const candidate = `${stem} (${number})${suffix}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function keyOf({ scheme, authority, path }: Place): string {
  return `${scheme}://${authority}${path.replace(/(?<!\/)\/+$/u, '')}`;
}

function foldersAbove(key: string): string[] {
  const start = key.indexOf('://') + 3;
  const folders: string[] = [];
  for (let slash = key.lastIndexOf('/'); slash >= start; slash = key.lastIndexOf('/', slash - 1)) {
    folders.push(key.slice(0, slash));
  }
  return folders;
}
