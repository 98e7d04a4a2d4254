import { printable } from '../base/printable.ts';

/**
 * Text from a peer or a disk, made inert for one surface of the editor. What a surface gives a meaning to,
 * such as icons, links or markdown, is taken out of the text here and nowhere else.
 */

/** For labels, descriptions and plain tooltips of a tree, and for a dialog's detail: nothing is markup there. */
export function plainText(text: string): string {
  return printable(text);
}

/** For quick picks and the status bar, which draw `$(name)` as an icon unless a backslash stands before it. */
export function iconText(text: string): string {
  return printable(text).replace(ICON, (icon) => `\\${icon}`);
}

/** For notifications and dialogs, which make `[label](command:…)` a link. */
export function noticeText(text: string, mostCharacters?: number): string {
  return printable(text, mostCharacters).replace(LINK, `]${ZERO_WIDTH_SPACE}(`);
}

const ICON = /\$\([a-z0-9-]+(?:~[a-z]+)?\)/giu;
const LINK = /\]\(/gu;
/** Unseen, and enough to keep two characters from meaning something together. */
const ZERO_WIDTH_SPACE = '\u200b';

/** For a page of Markdown, in which nothing between two backquotes has a meaning. */
export function codeText(text: string): string {
  return [BACKQUOTE, printable(text).replaceAll(BACKQUOTE, APOSTROPHE), BACKQUOTE].join('');
}

/** For a line of a block of code in such a page: its end is the one thing that has a meaning. */
export function lineText(text: string): string {
  return printable(text, Number.POSITIVE_INFINITY).replaceAll(BACKQUOTE, APOSTROPHE);
}

const BACKQUOTE = '\u0060';
const APOSTROPHE = '\u2019';
