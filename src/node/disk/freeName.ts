import { utf8Length } from '../../base/bytes.ts';
import { limits } from '../../protocol/limits.ts';

/**
 * The names under which *keep both* tries to publish: `report.txt`, `report (2).txt`, `report (3).txt` …
 * The stem is shortened where the suffix would make the name too long.
 */
export function* freeNames(name: string, kind: 'file' | 'folder'): Generator<string> {
  yield name;
  const dot = kind === 'file' ? name.lastIndexOf('.') : -1;
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const extension = dot > 0 ? name.slice(dot) : '';
  for (let number = 2; ; number += 1) {
    const suffix = ` (${number})${extension}`;
    yield shorten(stem, limits.nameBytes - utf8Length(suffix)) + suffix;
  }
}

/** `text` cut to at most `most` bytes of UTF-8, between characters. */
function shorten(text: string, most: number): string {
  const characters = [...text];
  while (utf8Length(characters.join('')) > most) characters.pop();
  return characters.join('').trimEnd();
}
