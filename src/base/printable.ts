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

/**
 * Text of several lines made safe for a log. The lines stay apart, and all but the first are indented, so that
 * none can pass for an entry of its own (rsync, CWE-117).
 */
export function printableLines(text: string): string {
  const lines = text.split(/\r?\n/u);
  const told = lines.slice(0, MOST_LINES).map((line) => printable(line, MOST_LINE_CHARACTERS));
  if (lines.length > MOST_LINES) told.push('…');
  return told.join('\n    ');
}

const MOST_LINES = 50;
const MOST_LINE_CHARACTERS = 1000;

/** Any value as one line of JSON that does nothing to a terminal; it reads back as it was. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const code = character.charCodeAt(at).toString(16);
      return `\\u${code.padStart(4, '0')}`;
    }).join(''),
  );
}

/** Control, format, surrogate, private and unassigned characters, and the line and paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
