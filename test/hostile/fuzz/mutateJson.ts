import { fromUtf8, utf8 } from '../../../src/base/bytes.ts';
import type { Dice } from './dice.ts';
import { mutateBytes } from './mutateBytes.ts';
import { NASTY_KEYS, NASTY_NUMBERS, NASTY_STRINGS, NASTY_VALUES } from './nasty.ts';

/** A part of a JSON text. Members have their key in them; `key` is the key alone. */
interface Part {
  readonly kind: 'number' | 'string' | 'literal' | 'array' | 'object' | 'key' | 'member' | 'item';
  readonly start: number;
  readonly end: number;
}

/** A sound JSON text, with what can be changed in it. */
export interface JsonSeed {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly parts: readonly Part[];
}

export function jsonSeed(value: unknown): JsonSeed {
  const text = JSON.stringify(value);
  const parts: Part[] = [];
  findParts(text, 0, parts);
  return { text, bytes: utf8(text), parts };
}

const STRING = /"(?:[^"\\]|\\.)*"/y;
const SCALAR = /[^,\]}]+/y;

/** Notes the parts of the value that begins at `start`; returns where it ends. The text has no spaces in it. */
function findParts(text: string, start: number, parts: Part[]): number {
  const open = text.charAt(start);
  if (open === '"') return noted(parts, 'string', start, endOf(STRING, text, start));
  if (open !== '[' && open !== '{') {
    const end = endOf(SCALAR, text, start);
    return noted(parts, /[-\d]/u.test(open) ? 'number' : 'literal', start, end);
  }
  let at = start + 1;
  while (text.charAt(at) !== ']' && text.charAt(at) !== '}') {
    if (text.charAt(at) === ',') at += 1;
    const from = at;
    if (open === '{') at = noted(parts, 'key', at, endOf(STRING, text, at)) + 1;
    at = noted(parts, open === '{' ? 'member' : 'item', from, findParts(text, at, parts));
  }
  return noted(parts, open === '{' ? 'object' : 'array', start, at + 1);
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  if (!pattern.test(text)) throw new RangeError(`not JSON at ${start}`);
  return pattern.lastIndex;
}

function noted(parts: Part[], kind: Part['kind'], start: number, end: number): number {
  parts.push({ kind, start, end });
  return end;
}

/** What is put in the place of a part. */
function replacementOf(part: Part, seed: JsonSeed, dice: Dice, other: JsonSeed): string {
  const text = seed.text.slice(part.start, part.end);
  const isMember = part.kind === 'member' || part.kind === 'item';
  if (isMember) {
    if (dice.isLess(0.4)) return '';
    if (dice.isLess(0.6)) return `${text},${text}`;
    return part.kind === 'item'
      ? `${text},${dice.pick(NASTY_VALUES)}`
      : `${text},${dice.pick(NASTY_KEYS)}:${dice.pick(NASTY_VALUES)}`;
  }
  if (part.kind === 'key') return dice.pick(NASTY_KEYS);
  if (dice.isLess(0.04)) return nested(text, dice);
  if (dice.isLess(0.1)) return textOf(dice.pick(other.parts), other);
  if (dice.isLess(0.1)) return dice.pick(NASTY_VALUES);
  // The same in another type.
  if (dice.isLess(0.1)) return part.kind === 'string' ? text.slice(1, -1) : JSON.stringify(text);
  return dice.pick(part.kind === 'string' ? NASTY_STRINGS : NASTY_NUMBERS);
}

function textOf({ start, end }: Part, { text }: JsonSeed): string {
  return text.slice(start, end);
}

function nested(text: string, dice: Dice): string {
  const depth = dice.isLess(0.01) ? 20_000 : 1 + dice.below(64);
  const [open, close] = dice.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const);
  return open.repeat(depth) + text + (dice.isLess(0.9) ? close.repeat(depth) : '');
}

/** The bytes of `seed` with one to three things wrong in its structure, a fifth of them also in their bytes. */
export function mutateJson(seed: JsonSeed, dice: Dice, other: JsonSeed): Uint8Array {
  if (dice.isLess(0.1)) return mutateBytes(seed.bytes, dice, other.bytes);
  const edits = Array.from({ length: 1 + dice.below(3) }, () => dice.pick(seed.parts)).toSorted(
    (left, right) => left.start - right.start,
  );
  let mutated = '';
  let at = 0;
  for (const part of edits) {
    if (part.start < at) continue;
    mutated += seed.text.slice(at, part.start) + replacementOf(part, seed, dice, other);
    at = part.end;
  }
  mutated += seed.text.slice(at);
  // What was removed leaves its comma, which is a mistake of its own; mostly it goes, too.
  if (dice.isLess(0.9)) mutated = mutated.replaceAll(/,(?=[,\]}])|(?<=[[{]),/gu, '');
  const bytes = utf8(mutated);
  return dice.isLess(0.1) ? mutateBytes(bytes, dice, other.bytes) : bytes;
}

/** For checks: what the bytes say as JSON, if anything. */
export function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8(bytes));
}
