/** What a person can type, or paste, to go on from here. */

/** How many characters of a transfer's id are shown: more than enough to tell a few apart. */
const SHOWN_ID = 8;

export function shortId(id: string): string {
  return id.slice(0, SHOWN_ID);
}

/** A command of this program, quoted for a shell; with the state folder if another one was named. */
export function commandLine(words: readonly string[], state: string | undefined): string {
  const all = ['peer-courier', ...words, ...(state === undefined ? [] : ['--state', state])];
  return all.map(quote).join(' ');
}

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/u.test(word)) return word;
  // Neither shell takes the other's quotes.
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
