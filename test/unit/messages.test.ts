import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { DESTINATION_FAILURES, SESSION_FAILURES } from '../../src/base/failure.ts';
import { DECISIONS } from '../../src/protocol/chunkLayout.ts';
import { limits } from '../../src/protocol/limits.ts';
import {
  decisionsFromWire,
  decisionsToWire,
  decodeMessage,
  encodeMessage,
  entryFromWire,
  entryToWire,
  haveFromWire,
  knownCodecs,
} from '../../src/protocol/messages.ts';
import { checkRefused, decodeText, messageNames, replaced } from '../support/messageChecks.ts';
import { testProperty } from '../support/random.ts';
import { file, folder, isRemoteError, sampleMessages } from '../support/samples.ts';

for (const name of messageNames) {
  test(`${name} survives the wire`, () => {
    const message = sampleMessages[name];
    assert.deepEqual(decodeMessage(name, encodeMessage(name, message)), message);
  });

  test(`${name} is refused when it is not JSON in UTF-8, or not an object`, () => {
    const texts = [
      '',
      ' ',
      '{',
      '{}}',
      'undefined',
      'NaN',
      '[]',
      '0',
      '"x"',
      'null',
      'true',
      "{'a':1}",
      '{"a":1,}',
    ];
    for (const text of texts) checkRefused(name, text);
    const sound = encodeMessage(name, sampleMessages[name]);
    const latin1 = Buffer.from(
      JSON.stringify({ ...sampleMessages[name], label: 'Zoë', name: 'Zoë' }),
      'latin1',
    );
    checkRefused(name, latin1);
    checkRefused(name, sound.subarray(0, -1));
    checkRefused(name, Uint8Array.of(0xef, 0xbb, 0xbf, ...sound));
    checkRefused(name, Uint8Array.of(...sound, 0));
    checkRefused(name, Uint8Array.of(...sound, 0x80));
  });

  test(`case 11: ${name} with a key that nobody knows`, () => {
    for (const key of ['surprise', '__proto__', 'constructor', 'toString', '']) {
      const text = `${JSON.stringify(sampleMessages[name]).slice(0, -1)},${JSON.stringify(key)}:"s3cret"}`;
      // A later version may say more of itself in its hello; it is passed over.
      if (name === 'hello') assert.deepEqual(decodeText(name, text), sampleMessages[name], key);
      else checkRefused(name, text, 's3cret');
    }
  });

  test(`${name} nested deep is refused without a crash`, () => {
    const depth = 100_000;
    checkRefused(name, '['.repeat(depth) + ']'.repeat(depth));
    checkRefused(name, '['.repeat(depth));
    for (const key of Object.keys(sampleMessages[name])) {
      // Only a reason that this version does not know is forgiven, whatever it is.
      if (name === 'close' && key === 'code') continue;
      checkRefused(name, replaced(name, [key], '['.repeat(depth) + ']'.repeat(depth)));
    }
  });
}
test('the largest message of each kind fits the limit of its frame', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const longest = (values: readonly string[]): string =>
    values.toSorted((a, b) => b.length - a.length)[0] ?? '';
  const reason = longest(DESTINATION_FAILURES);
  const sizes: readonly (readonly [string, string, number])[] = [
    [
      'answer',
      JSON.stringify({ decisions: Array.from({ length: limits.pageEntries }, () => ['refuse', 1]) }),
      limits.controlBytes,
    ],
    [
      'want',
      JSON.stringify({ have: Array.from({ length: limits.packEntries }, () => 'a'.repeat(64)) }),
      limits.wantBytes,
    ],
    [
      'outcome',
      JSON.stringify({
        failures: Array.from({ length: limits.outcomeFailures }, () => [limits.entries, 4095, reason]),
      }),
      limits.controlBytes,
    ],
    [
      'offerEnd',
      JSON.stringify({ pages: most, entries: most, files: most, bytes: most, leftOut: most }),
      limits.controlBytes,
    ],
    [
      'close',
      JSON.stringify({ code: longest(SESSION_FAILURES), message: '\u0001'.repeat(256) }),
      limits.greetingBytes,
    ],
    ['hello', JSON.stringify({ ...sampleMessages.hello, name: '\u0001'.repeat(256) }), limits.greetingBytes],
  ];
  for (const [name, text, limit] of sizes) {
    assert.ok(utf8(text).length <= limit, `${name}: ${utf8(text).length} > ${limit}`);
  }
});

test('a code of a close that this version does not know means internal', () => {
  for (const raw of ['"later-code"', '0', 'null', '{}']) {
    assert.deepEqual(decodeText('close', `{"code":${raw}}`), { code: 'internal' });
  }
  for (const code of ['done', ...SESSION_FAILURES]) {
    assert.deepEqual(decodeText('close', JSON.stringify({ code })), { code });
  }
});

test('codecs of later versions are passed over, and stored is not announced', () => {
  assert.deepEqual(knownCodecs(['brotli', 'gzip', 'stored', 'zstd', 'gzip']), ['zstd', 'gzip']);
  assert.deepEqual(knownCodecs([]), []);
});

test('entries survive the wire', () => {
  for (const entry of [folder('a/b'), file('a/b/c', 2 ** 43), file('run', 0, true)]) {
    assert.deepEqual(entryFromWire(entryToWire(entry)), entry);
  }
});

test('digests of a want become bytes', () => {
  const have = haveFromWire(['00ff'.repeat(16), null]);
  assert.deepEqual([toHex(have[0] ?? new Uint8Array(0)), have[1]], ['00ff'.repeat(16), undefined]);
});

testProperty(
  'decisions survive the wire as runs, as few as there can be',
  fc.array(fc.constantFrom(...DECISIONS), { minLength: 1, maxLength: 40 }),
  (decisions) => {
    const runs = decisionsToWire(decisions);
    assert.deepEqual(decisionsFromWire(runs, decisions.length), decisions);
    assert.equal(runs.length, decisions.filter((decision, at) => decision !== decisions[at - 1]).length);
    for (const count of [0, decisions.length - 1, decisions.length + 1]) {
      assert.throws(() => decisionsFromWire(runs, count), isRemoteError('protocol-error'));
    }
  },
);
