import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, fromHex, utf8 } from '../../../src/base/bytes.ts';
import type { FuzzInput, Verdict } from './target.ts';

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'fuzz');

/** An input that is worth to be tried for ever, written as pieces so that a long one stays short on paper. */
export interface Fixture extends FuzzInput {
  readonly name: string;
  readonly expected: Verdict;
}

interface Piece {
  readonly text?: string;
  readonly hex?: string;
  readonly times?: number;
}

interface Kept {
  readonly kind: string;
  readonly expected: Verdict;
  readonly pieces: readonly Piece[];
}

export function fixturesOf(parser: string): readonly Fixture[] {
  const folder = join(FOLDER, parser);
  return readdirSync(folder).map((name) => {
    const { kind, expected, pieces } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Kept;
    const bytes = concatBytes(pieces.map(bytesOf));
    return { name: name.replace(/\.json$/u, ''), kind, expected, bytes };
  });
}

function bytesOf({ text, hex = '', times = 1 }: Piece): Uint8Array {
  const once = text === undefined ? (fromHex(hex) ?? new Uint8Array(0)) : utf8(text);
  return once.length === 0 ? once : Uint8Array.from(Buffer.alloc(once.length * times, once));
}
