/**
 * Each numbered case of hostile peers, names and data is shown by a test that says so at the start of its title:
 * `case 44: …`, or `case 2, 3: …`, or `case 106–108: …`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const TESTS = join(import.meta.dirname, '..');

/** The cases, by what they are about; the numbers between are not used. */
const CASES = {
  'framing, lengths, numbers': '1–8, 10–13, 15–18, 20–26',
  'compression and content': '30, 32, 34–38',
  'what may be read of the sender': '40–47',
  'names and paths': '50, 51, 53–57, 59–69',
  'state on disk': '70, 71, 73–76',
  'changes of the source': '80–83, 85, 86',
  'sizes and shapes': '90–98',
  'exhaustion and slow peers': '100–102, 104–109, 111, 112, 114–119',
  'network and time': '120–123, 125–128',
  'many peers': '130–136, 138–148',
  'pairing, TLS, discovery': '150–153, 155–165, 167, 168',
  'the editor': '170, 171, 173–175, 177–188',
} as const;

/** Cases of parts that do not exist. Whoever makes such a part strikes its line, and shows them. */
const NOT_YET: Readonly<Record<string, string>> = {
  '130–136, 138–148': 'a transfer has one source',
};

/** Cases whose result is a figure, and what prints it. */
const MEASURED: Readonly<Record<string, string>> = {
  '122': 'npm run bench -- --paths far: a long path that loses packets',
  '184': 'npm run bench:editor: how late the event loop of the extension host is',
};

/** `1–3, 5` as numbers. */
function numbersIn(list: string): number[] {
  return list.split(/, | and /u).flatMap((part) => {
    const [first = 0, last = first] = part.split('–').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

const RANGE = String.raw`\d+(?:–\d+)?`;
const TITLE = new RegExp(String.raw`['"\x60]case (${RANGE}(?:(?:, | and )${RANGE})*)(?=[:,])`, 'gu');

/** The numbers at the start of titles in a file of tests. */
function numbersShownIn(source: string): number[] {
  return [...source.matchAll(TITLE)].flatMap(([, list = '']) => numbersIn(list));
}

const shown = new Set(
  readdirSync(TESTS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .flatMap(({ parentPath, name }) => numbersShownIn(readFileSync(join(parentPath, name), 'utf8'))),
);

test('titles are read as they are written', () => {
  const read = (title: string): number[] => numbersShownIn(`test('${title}', () => {`);
  assert.deepEqual(read('case 44: a pipe'), [44]);
  assert.deepEqual(read('case 2, 3: lengths'), [2, 3]);
  assert.deepEqual(read('case 106–108: floods'), [106, 107, 108]);
  assert.deepEqual(read('case 18, data that comes twice'), [18]);
  assert.deepEqual(read('case 59, 255 bytes'), [59]);
  assert.deepEqual(read('in case 3: never'), []);
  assert.deepEqual(numbersShownIn('switch (kind) { case 5: return; }'), []);
});

const excused = new Set(Object.keys({ ...NOT_YET, ...MEASURED }).flatMap(numbersIn));

for (const [what, list] of Object.entries(CASES)) {
  test(`every case of ${what} is shown by a test`, () => {
    const missing = numbersIn(list).filter((number) => !excused.has(number) && !shown.has(number));
    assert.deepEqual(missing, []);
  });
}

test('no case is excused that a test shows', () => {
  assert.deepEqual(
    [...excused].filter((number) => shown.has(number)),
    [],
  );
});
