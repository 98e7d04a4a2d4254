/** Marks what is meant for the terminal, among all that an extension host says. The scripts know it too. */
const MARK = '[suite] ';

/** Prints to the terminal that started the suite, from inside the extension host. */
export function print(text: string): void {
  // oxlint-disable-next-line no-console -- the one way out of an extension host
  console.log(`${MARK}${text}`);
}
