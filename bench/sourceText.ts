/**
 * Text like source code, from a seed: no tree of somebody's files is needed, and everybody measures with the same
 * bytes. Some names and shapes of lines are common and most are rare, as in real programs, so that it compresses
 * about as those do: zstd at level 1 leaves a quarter.
 */
const SYLLABLES =
  'a be con de ex fi gen hand in join ken list map node off par que read set time up val work'.split(' ');
const SHAPES = [
  'const # = #.#(#);',
  'if (# !== #) return #;',
  "import { #, # } from '../#/#.js';",
  'return this.##.#((#) => #.# === #);',
  'export function ##(#: #, #: ##): # {',
  '// # of the # that # # #, # by #.',
  "throw new #Error('# # is not a #', { cause: # });",
  '}',
  '',
  '#: { #: #, #: #, #: [#, #] },',
];
const NAMES = 4000;
const LINES = 20_000;
const DEEPEST = 5;
/** How often a line is one that stands elsewhere too. */
const KNOWN_LINES = 0.6;

/** Writes endless text, a block at a time. */
export class SourceText {
  readonly #random: () => number;
  readonly #names: readonly string[];
  readonly #lines: readonly string[];
  #depth = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.#names = Array.from({ length: NAMES }, () => this.#inventName());
    this.#lines = Array.from({ length: LINES }, () => this.#newLine());
  }

  /** Text of exactly so many bytes. */
  read(sizeBytes: number): Buffer {
    const block = Buffer.allocUnsafe(sizeBytes);
    for (let offset = 0; offset < sizeBytes;) {
      offset += block.write(`${this.#indentation()}${this.#line()}\n`, offset, 'latin1');
    }
    return block;
  }

  #line(): string {
    if (this.#random() < KNOWN_LINES) return this.#lines[this.#rank(LINES)] ?? '';
    return this.#newLine();
  }

  #newLine(): string {
    return (SHAPES[this.#rank(SHAPES.length)] ?? '').replaceAll(
      '#',
      () => this.#names[this.#rank(NAMES)] ?? '',
    );
  }

  #indentation(): string {
    this.#depth = Math.min(DEEPEST, Math.max(0, this.#depth + Math.round(this.#random() * 2 - 1)));
    return '  '.repeat(this.#depth);
  }

  /** One of so many; the first ones are drawn most often. */
  #rank(count: number): number {
    return Math.floor(count * this.#random() ** 3);
  }

  #inventName(): string {
    const syllables = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => {
      const syllable = SYLLABLES[Math.floor(this.#random() * SYLLABLES.length)] ?? '';
      return syllable + (SYLLABLES[Math.floor(this.#random() * SYLLABLES.length)] ?? '');
    });
    return syllables
      .map((each, at) => (at === 0 ? each : each.charAt(0).toUpperCase() + each.slice(1)))
      .join('');
  }
}
