/** What parsers have stumbled over before. All but the bytes are raw JSON. */

const MOST = Number.MAX_SAFE_INTEGER;

/** At, beside and far beyond every boundary that a number of ours has. */
export const NASTY_NUMBERS: readonly string[] = [
  ...'-0|-1|0|1|-0.0|0.5|1e-7|1e0|10e-1|1E+2|1e999|-1e999|1e308|5e-324|NaN|Infinity|0x10|007|+1|1n|.5|1.'.split(
    '|',
  ),
  ...[8, 16, 31, 32, 43, 52, 53, 63, 64].flatMap((power) => {
    const whole = 2n ** BigInt(power);
    return [whole - 1n, whole, whole + 1n, -whole].map(String);
  }),
  ...[255, 256, 257, 512, 1024, 4095, 4096, 4097, 65_535, 65_536, 5_000_000, 5_000_001].map(String),
  ...[8.64e15, -8.64e15, 8.64e15 + 1, MOST, -MOST].map((value) => value.toFixed(0)),
  '1'.repeat(400),
  `0.${'0'.repeat(400)}1`,
  `1e${'9'.repeat(40)}`,
];

const long = (unit: string, length: number): string => `"${unit.repeat(length)}"`;

/** Empty, long, broken, invisible, with a meaning on one system, or with one in JavaScript. */
export const NASTY_STRINGS: readonly string[] = [
  '',
  '.',
  '..',
  '/',
  '../x',
  '/x',
  'a/../b',
  'C:',
  'C:\\\\x',
  'nul',
  'COM¹.log',
  'a.',
  'a ',
  'a:b',
  '.peer-courier',
  '.PEER-couri\\u00ader',
  'PEER-C~1',
  '__proto__',
  'constructor',
  'toString',
  'f',
  'd',
  '\\u0000',
  'a\\u0000',
  '\\n',
  '\\u001b[31m',
  '\\u202e',
  '\\ud800',
  '\\udc00a',
  '\\ufeff',
  '\\ufffe',
  'ß',
  'ẞ',
  'e\\u0301',
  'é',
  '\\u0130',
  '／',
  '．．',
  '\\u2024\\u2024',
  '%2e%2e%2f',
  '$(x)',
  '\\ud83d\\ude00',
]
  .map((text) => `"${text}"`)
  .concat(
    long('a', 255),
    long('a', 256),
    long('a', 257),
    long('é', 128),
    long('a/', 130),
    long('a', 4097),
    long('0a', 16),
    long('0a', 32),
    long('0A', 32),
    long('\\u0301', 200),
    long('\ufdfa', 84),
    long('a', 66_000),
  );

/** Keys that every object has, or that nobody expects. */
export const NASTY_KEYS: readonly string[] = [
  '"__proto__"',
  '"constructor"',
  '"prototype"',
  '"hasOwnProperty"',
  '"toJSON"',
  '"length"',
  '"0"',
  '""',
  '"entries"',
  '"code"',
  '"version"',
  '"id"',
  '"\\u0065ntries"',
  '"entries "',
  '"\\ud800"',
];

/** Every kind of value, in the place of any other. */
export const NASTY_VALUES: readonly string[] = [
  ...'null|true|false|[]|{}|[[]]|[null]|{"":{}}|undefined|{"__proto__":{"x":1}}|{"then":1}|"x"|0'.split('|'),
  '{"0":"d","1":"a","2":0,"length":3}',
];

/** Ends of characters, marks of order, overlong forms and half surrogates. */
export const NASTY_BYTES: readonly Uint8Array[] = [
  [0],
  [0xff],
  [0x7f],
  [0x80],
  [0xc0, 0x80],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
  [0x0a],
  [0x0d, 0x0a],
  [0x22],
  [0x5c],
  [0x5b],
  [0x7b],
].map((bytes) => Uint8Array.from(bytes));

/** Lengths and indices, as they stand in a header. */
export const NASTY_WORDS: readonly number[] = [
  0,
  1,
  15,
  16,
  17,
  ...[14, 16, 17, 20, 22, 31].flatMap((power) => [2 ** power - 1, 2 ** power, 2 ** power + 1]),
  0x001fffff,
  0x00200000,
  2 ** 32 - 1,
];
