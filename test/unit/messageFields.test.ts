import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/protocol/limits.ts';
import type { MessageName } from '../../src/protocol/messages.ts';
import { checkRefused, decodeText, messageNames, replaced } from '../support/messageChecks.ts';
import type { Place } from '../support/messageChecks.ts';
import { sampleMessages } from '../support/samples.ts';

/** Every number on the wire, with the most it may be. */
const numbers: readonly (readonly [MessageName, Place, number])[] = [
  ['hello', ['versions', 0], 65_535],
  ['hello', ['versions', 1], 65_535],
  ['hello', ['limits', 'openWants'], 65_535],
  ['hello', ['limits', 'lanes'], 65_535],
  ['page', ['entries', 0, 2], 8.64e15],
  ['page', ['entries', 1, 2], 2 ** 43],
  ['page', ['entries', 1, 3], 8.64e15],
  ['offerEnd', ['pages'], limits.entries],
  ['offerEnd', ['entries'], limits.entries],
  ['offerEnd', ['files'], limits.entries],
  ['offerEnd', ['bytes'], 2 ** 53 - 1],
  ['offerEnd', ['leftOut'], 2 ** 53 - 1],
  ['answer', ['decisions', 0, 1], limits.pageEntries],
  ['progress', ['bytes'], 2 ** 53 - 1],
  ['progress', ['entries'], limits.entries],
  ['outcome', ['failures', 0, 0], limits.entries],
  ['outcome', ['failures', 0, 1], limits.pageEntries - 1],
  ['receipt', ['published'], limits.entries],
  ['receipt', ['same'], limits.entries],
  ['receipt', ['skipped'], limits.entries],
  ['receipt', ['failed'], limits.entries],
  ['receipt', ['bytes'], 2 ** 53 - 1],
  ['join', ['lane'], limits.laneNumbers],
  ['lost', ['lane'], limits.laneNumbers],
  ['lost', ['chunks', 0], 2 ** 53 - 1],
];

/** Places of numbers that begin at 1; all others but the times begin at 0. */
const FROM_ONE = new Set(['decisions.0.1', 'limits.openWants', 'limits.lanes', 'lane']);

const NOT_COUNTS = [
  ...'-0|-0.0|-0e5|NaN|Infinity|1e999|-1e999|1.5|1e-3|"12"|""|null|true'.split('|'),
  ...'[]|[1]|{}|0x10|012|+1|1n|9007199254740992|9007199254740993|1e300|-9007199254740993'.split('|'),
];

test('case 4: the table of numbers names every number of every message', () => {
  const found: string[] = [];
  const visit = (name: MessageName, place: Place, value: unknown): void => {
    if (typeof value === 'number') found.push([name, ...place].join('.'));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) visit(name, [...place, key], child);
    }
  };
  for (const name of messageNames) visit(name, [], sampleMessages[name]);
  const named = new Set(numbers.map(([name, place]) => [name, ...place].join('.')));
  // The same field in another row of the same array needs no line of its own.
  const others = [
    'page.entries.2.2',
    'page.entries.2.3',
    'answer.decisions.1.1',
    'lost.chunks.1',
    'lost.chunks.2',
  ];
  assert.deepEqual(new Set(found), new Set([...named, ...others]));
});

for (const [name, place, most] of numbers) {
  test(`case 4, 5: ${name}.${place.join('.')} is a whole number up to ${most}`, () => {
    const isTime = most === 8.64e15;
    const least = isTime ? -most : FROM_ONE.has(place.join('.')) ? 1 : 0;
    for (const good of [least, 1, most]) {
      assert.doesNotThrow(() => decodeText(name, replaced(name, place, `${good}`)));
    }
    const outside = [`${least - 1}`, `${most + 1}`, ...(isTime ? [] : ['-1', '-9007199254740991'])];
    for (const bad of [...NOT_COUNTS, ...outside]) {
      checkRefused(name, replaced(name, place, bad), bad.length > 4 ? bad.slice(0, 12) : undefined);
    }
  });
}

/** Every hexadecimal field, with its number of bytes. */
const digests: readonly (readonly [MessageName, Place, number])[] = [
  ['hello', ['proof', 'invite'], 8],
  ['hello', ['proof', 'mac'], 32],
  ['hello', ['transfer'], 16],
  ['offer', ['transfer'], 16],
  ['want', ['have', 0], 32],
  ['receipt', ['root'], 32],
];

for (const [name, place, bytes] of digests) {
  test(`case 13: ${name}.${place.join('.')} has exactly ${bytes} bytes in lower-case hexadecimal`, () => {
    const good = '0a'.repeat(bytes);
    assert.doesNotThrow(() => decodeText(name, replaced(name, place, `"${good}"`)));
    const lengths = [0, 1, bytes - 1, bytes + 1, 2 * bytes, 100_000];
    const bad = [
      ...lengths.map((length) => `"${'0a'.repeat(length)}"`),
      `"${good.slice(1)}"`,
      `"${good.toUpperCase()}"`,
      `"${good.slice(0, -1)}g"`,
      `"${good.slice(0, -1)} "`,
      `"${good.slice(0, -1)}\\n"`,
      `"${good.slice(0, -2)}0x"`,
      '7',
      'true',
      `["${good}"]`,
      // A file of a pack may be missing over there; nothing else may.
      ...(name === 'want' ? [] : ['null']),
    ];
    for (const raw of bad) {
      checkRefused(name, replaced(name, place, raw), raw.length > 8 ? raw.slice(1, -1) : undefined);
    }
  });
}

/** Everything else that can be wrong, as raw JSON in the place of one field. */
const malformed: readonly (readonly [MessageName, Place, readonly string[]])[] = [
  ['hello', ['versions'], ['[1]', '[]', '{"0":1,"1":1}', '"11"']],
  ['hello', ['role'], ['"server"', '"Sender"', '""', '0', 'null']],
  ['hello', ['name'], [`"${'x'.repeat(257)}"`, '5', 'null', '["a"]']],
  [
    'hello',
    ['codecs'],
    [JSON.stringify(Array.from({ length: 17 }, () => 'z')), '"zstd"', '[1]', '[null]', 'null'],
  ],
  ['hello', ['limits'], ['{}', 'null', '{"openWants":0}', '[1]']],
  ['hello', ['proof'], ['null', '{}', '"x"', '{"invite":"0123456789abcdef"}']],
  ['offer', ['label'], [`"${'x'.repeat(257)}"`, '5', 'null', '{}']],
  [
    'page',
    ['entries'],
    ['[]', '{}', 'null', '[[]]', '[null]', '["f"]', '[{"0":"d","1":"a","2":0,"length":3}]'],
  ],
  [
    'page',
    ['entries', 0],
    ['["d","a"]', '["d","a",0,0]', '["d","a",0,false]', '["f","a",0,0]', '["f","a",0,0,0]'],
  ],
  [
    'page',
    ['entries', 0],
    ['["f","a",0,0,false,1]', '["l","a",0]', '["F","a",0,0,false]', '[0,"a",0]', '["d",1,0]'],
  ],
  [
    'page',
    ['entries', 0],
    ['["l","a","/etc/passwd",0]', '["d",null,0]', '["d",["a"],0]', '["f","a",0,0,"false"]'],
  ],
  [
    'page',
    ['entries', 1, 1],
    ['"../s3cret-name"', '"/s3cret-name"', '"s3cret-name\\u0000"', '"s3cret-name:x"', '""'],
  ],
  ['page', ['entries', 1, 1], ['"s3cret-name/."', '".peer-courier/s3cret-name"', '"s3cret-name\\ud800"']],
  [
    'answer',
    ['decisions'],
    ['[]', '{}', 'null', '[["take"]]', '[["take",0]]', '[["take",1,1]]', '[["TAKE",1]]'],
  ],
  ['answer', ['decisions', 0, 0], ['"taken"', '0', 'null', '"constructor"']],
  ['want', ['have'], ['[]', '{}', 'null', '"x"', '[false]', '[0]']],
  ['failed', ['reason'], ['"internal"', '"disk-error"', '"done"', '""', '0', 'null', '"toString"']],
  [
    'outcome',
    ['failures'],
    [
      '[]',
      'null',
      '[[0,0]]',
      '[[0,0,"cancelled"]]',
      '[[0,0,"source-changed"]]',
      '[[0,0,"disk-error",0]]',
      '[0]',
    ],
  ],
  ['close', ['message'], [`"${'x'.repeat(257)}"`, '5', 'null', '{}']],
];

for (const [name, place, raws] of malformed) {
  test(`${name}.${place.join('.')} is refused when malformed: ${raws.join(' ').slice(0, 60)}`, () => {
    for (const raw of raws) checkRefused(name, replaced(name, place, raw), 's3cret-name');
  });
}

test('a message that lacks a key is refused', () => {
  const optional = new Set(['hello.proof', 'hello.transfer', 'want.have', 'close.message', 'close.code']);
  for (const name of messageNames) {
    for (const key of Object.keys(sampleMessages[name])) {
      const { [key]: _, ...rest } = sampleMessages[name] as Record<string, unknown>;
      if (optional.has(`${name}.${key}`)) assert.doesNotThrow(() => decodeText(name, JSON.stringify(rest)));
      else checkRefused(name, JSON.stringify(rest));
    }
  }
});

/** Arrays by their greatest length. */
const arrays: readonly (readonly [MessageName, Place, string, number])[] = [
  ['hello', ['codecs'], '"x"', 16],
  ['page', ['entries'], '["d","a",0]', limits.pageEntries],
  ['answer', ['decisions'], '["take",1]', limits.pageEntries],
  ['want', ['have'], 'null', limits.packEntries],
  ['outcome', ['failures'], '[0,0,"disk-error"]', limits.outcomeFailures],
];

for (const [name, place, item, most] of arrays) {
  test(`${name}.${place.join('.')} holds at most ${most} items`, () => {
    const list = (length: number): string => `[${Array.from({ length }, () => item).join(',')}]`;
    assert.doesNotThrow(() => decodeText(name, replaced(name, place, list(most))));
    checkRefused(name, replaced(name, place, list(most + 1)));
  });
}
