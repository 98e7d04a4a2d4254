import type { Dice } from '../fuzz/dice.ts';

/** Separators of all systems and what looks like them, steps, and what shells, devices and streams are made of. */
const STRUCTURE = [
  ...'/|/|/|\\|:|\u2044|\u2215|\u29f8|\uff0f|\uff3c|\u29f5|\u2571|%2f|%5c|%2e%2e%2f|\u00a5|\u20a9'.split('|'),
  ...'.|.|..|...|./|../|..\\|\u2024|\u2024\u2024|\u2025|\u2026|\uff0e|\uff0e\uff0e|.\u200b.|.. |. |~|~/'.split(
    '|',
  ),
  ...'C:|C:\\|c:/|\\\\?\\|\\\\.\\|//server/share|\\\\server\\share|::$DATA|:x|$HOME|%TEMP%|-rf|--'.split('|'),
];
/** Names with a meaning, by themselves and as the beginning or the end of others. */
const NAMES = [
  ...'con|CON|nul|NUL|aux|prn|com1|COM\u00b9|lpt\u00b3|com0|clock$|conin$|CONOUT$|con |nul.txt|aux.h|c\u043en'.split(
    '|',
  ),
  ...'.peer-courier|.Peer-Courier|\uff0epeer-courier|PEER-C~1|PE1A2B~1|PROGRA~1|GIT~1|.git|.GIT|.gi\u200ct'.split(
    '|',
  ),
];
const LETTERS = [
  ...'a|A|b|B|0|~1| |  |-|$|\u0000|\n|\r|\t|\u001b[31m|\u007f|\u0085|\u009b|\u2028|*|?|"|<|>|;|&|`'
    .replaceAll('|', '\u0001')
    .split('\u0001'),
  '|',
  ...'\u202e|\u202a|\u2066|\u2069|\u200e|\u061c|\ufeff|\u200b|\u200c|\u200d|\u2060|\u00ad|\u034f|\u3164|\ufe0f'.split(
    '|',
  ),
  ...'\u180e|\u{e0061}|\u{e0100}|\ufffe|\uffff|\ud800|\udfff|\ude00\ud83d|\u0378|\u{50000}|\ufffd|\ue000'.split(
    '|',
  ),
  ...'é|e\u0301|E\u0301|É|ß|ẞ|ss|SS|ſ|ﬁ|ﬀ|ı|i|I|İ|i\u0307|Σ|ς|σ|ǆ|ǅ|K|\u212a|k|Å|\u212b|a\u030a|ᾳ|ᾼ|αι|ŉ'.split(
    '|',
  ),
  ...'가|\u1100\u1161|字|😀|\u0301|\u0345|\u0323\u0301|\u0301\u0323|ａ|Ａ|ª|²|①|㎏|ﷺ|\u00a0|\u3000|\u2007|𐐀|𐐨'.split(
    '|',
  ),
];
const ALL = [STRUCTURE, NAMES, LETTERS, LETTERS];

/** Something that might be a path: a few pieces of the above, now and then very long or very deep. */
export function nastyPath(dice: Dice): string {
  let path = '';
  for (let count = 1 + dice.below(6); count > 0; count -= 1) path += dice.pick(dice.pick(ALL));
  if (dice.isLess(0.995)) return path;
  return dice.isLess(0.5) ? path.repeat(1 + dice.below(300)) : `${path}/`.repeat(1 + dice.below(300)) + path;
}

/** Something that might be one name, more often a sound one. */
export function nastyName(dice: Dice): string {
  let name = '';
  for (let count = 1 + dice.below(4); count > 0; count -= 1) name += dice.pick(LETTERS);
  return name;
}
