/**
 * A peer's or a file system's text made safe for a terminal, a log or a label: control, direction and
 * other invisible characters become visible escapes, and a long text is cut in its middle (croc,
 * CVE-2023-43620: escape sequences in names hid what was offered).
 */
export function printable(text: string, mostCharacters = 200): string {
  const escaped = text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
  const characters = [...escaped];
  if (characters.length <= mostCharacters) return escaped;
  const tail = Math.floor(mostCharacters / 3);
  const head = mostCharacters - tail - 1;
  return `${characters.slice(0, head).join('')}…${characters.slice(-tail).join('')}`;
}

/** Control, format, surrogate, private and unassigned characters, and the line and paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
