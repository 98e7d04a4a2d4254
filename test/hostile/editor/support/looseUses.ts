/**
 * Finds where a source uses a text of a peer or a disk without making it fit for a surface. It reads the source as
 * text: the types are taken off, and of each use it looks whether one of the brackets around it belongs to a call
 * that makes texts inert. A use that is none of the editor's surfaces is listed by whoever asks.
 */
import { stripTypeScriptTypes } from 'node:module';

/**
 * Fields of `src/rpc/model.ts` that hold such texts, and the functions that put them in sentences. Paths and names
 * are also what commands work with, so they are looked for only in lists that are made for showing.
 */
const TEXTS =
  /(?<![\w.'])(?:(?:\w+\.)*(?:label|roots|largest|failedEntries|machine|addresses|detail)|(?:\w+\.)*(?:peer|device)\.name|(?<!function )(?:sentenceFor|spokenStatus|details|notableSentence|peerName)(?=\())(?![\w'])(?!:)/gu;

const INERT = /(?:^|[^\w.])(?:plainText|iconText|noticeText|codeText|lineText|printable|printableLines)$/u;

export interface LooseUse {
  readonly use: string;
  readonly line: number;
}

export function looseUses(source: string): LooseUse[] {
  const code = blank(stripTypeScriptTypes(source));
  const pairs = bracketsOf(code);
  const found: LooseUse[] = [];
  for (const { 0: use, index } of code.matchAll(TEXTS)) {
    const around = pairs.filter(({ open, close }) => open < index && index < close);
    if (around.some((pair) => isInert(code, pair) || isPattern(code, pair))) continue;
    found.push({ use, line: code.slice(0, index).split('\n').length });
  }
  return found;
}

interface Pair {
  readonly open: number;
  readonly close: number;
}

function isInert(code: string, { open, close }: Pair): boolean {
  return INERT.test(code.slice(0, open)) || /^\s*\.map\(plainText\)/u.test(code.slice(close + 1));
}

/** `{ label, peer }` that takes an object apart: before `=`, or as a parameter. */
function isPattern(code: string, { open, close }: Pair): boolean {
  if (code[open] !== '{') return false;
  const after = code.slice(close + 1);
  if (/^\s*=(?![=>])/u.test(after)) return true;
  // What follows a parameter is the next one, or the end of the list and a body.
  return /^(?:[^(){}]|\{[^{}]*\})*\)\s*(?:\{|=>)/u.test(after) && !/\breturn\s*$/u.test(code.slice(0, open));
}

function bracketsOf(code: string): Pair[] {
  const opened: number[] = [];
  const pairs: Pair[] = [];
  for (let at = 0; at < code.length; at += 1) {
    const character = code[at] ?? '';
    if ('([{'.includes(character)) opened.push(at);
    else if (')]}'.includes(character)) pairs.push({ open: opened.pop() ?? 0, close: at });
  }
  return pairs;
}

/** Comments, strings and regular expressions as spaces; what a template puts in stays. */
function blank(code: string): string {
  return code.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|(?<=[(,=:?]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\]|\\.)*\])+\/[a-z]*/gu,
    (text) => text.replace(/[^\n]/gu, ' '),
  );
}
