import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineHome } from './engine.ts';

/** A folder below `home`'s files with so many files of so many bytes each, none like another. */
export function makeFiles(
  home: EngineHome,
  name: string,
  { files, bytes }: { readonly files: number; readonly bytes: number },
): string {
  const folder = join(home.folder('files'), name);
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < files; number += 1) {
    const content = Buffer.alloc(bytes);
    // Not to be compressed: the rate of what is sent is what the tests count on.
    let state = number + 1;
    for (let at = 0; at + 4 <= bytes; at += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) % 2 ** 32;
      content.writeInt32LE(Math.trunc(state) | 0, at);
    }
    writeFileSync(join(folder, `file ${number}.bin`), content);
  }
  return folder;
}
