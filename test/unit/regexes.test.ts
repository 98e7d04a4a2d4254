/**
 * Case 24: runs every regular expression of the source, because a peer's text may reach any of them, over 1 MiB of
 * what is worst for it. One that backtracks would need days for that; the runner's time limit ends it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { toBase64Url, utf8 } from '../../src/base/bytes.ts';
import { CourierError } from '../../src/base/failure.ts';
import { nodeHashing } from '../../src/node/hashing.ts';
import { parseAddress } from '../../src/peers/address.ts';
import { parseInvite } from '../../src/peers/invite.ts';
import { decodeMessage } from '../../src/protocol/messages.ts';
import { collisionKey, parseSafePath } from '../../src/protocol/wirePath.ts';

const MIB = 2 ** 20;
const SOURCE = join(import.meta.dirname, '..', '..', 'src');
const LITERAL =
  /(?<=[=(,]\s*)\/(?![/*])(?<body>(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[\n])+)\/(?<flags>[a-z]*)(?=[.,;)\s])/gu;

const REPEATED = [
  'a',
  'A',
  '0',
  ' ',
  '.',
  ':',
  '%',
  '[',
  ']',
  '-',
  '~',
  '/',
  '\\',
  '\n',
  '\u0000',
  'é',
  '\u200d',
  '\ud800',
];
const PHRASES = [
  'con ',
  'con.',
  'com1 ',
  'a:',
  'a.',
  '[a',
  '%a',
  '::',
  'a%',
  'a-',
  '0:',
  'peer-c~1',
  '[::1%',
  'aux',
  '\u00b9 ',
];

/** 1 MiB of each, begun and ended so that what looked like a match is none. */
function* adversaries(): Generator<string> {
  for (const unit of [...REPEATED, ...PHRASES]) {
    const long = unit.repeat(Math.ceil(MIB / unit.length));
    for (const head of ['', 'con']) yield `${head}${long}!`;
  }
}

for (const name of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.ts')) continue;
  for (const { groups } of readFileSync(join(SOURCE, name), 'utf8').matchAll(LITERAL)) {
    const pattern = new RegExp(groups?.['body'] ?? '', groups?.['flags']);
    test(`case 24: ${name} ${pattern.source.slice(0, 60)} is linear`, () => {
      for (const text of adversaries()) text.search(pattern);
    });
  }
}

test('case 24: the search for regular expressions finds those that are known', () => {
  const found = (name: string): number =>
    Array.from(readFileSync(join(SOURCE, name), 'utf8').matchAll(LITERAL)).length;
  assert.deepEqual(
    ['protocol/wirePath.ts', 'protocol/messages.ts', 'peers/address.ts', 'peers/fingerprint.ts'].map(found),
    [8, 1, 1, 1],
  );
});

test('case 24: whatever parses a peer’s text takes 1 MiB of anything', () => {
  for (const unit of ['a', 'é', '\u200d', 'con ', '[::1%']) {
    const long = unit.repeat(Math.ceil(MIB / unit.length));
    assert.ok('refusal' in parseSafePath(long));
    assert.ok('refusal' in parseSafePath(`con${long}`));
    assert.equal(parseAddress(`[${long}]:1`) ?? parseAddress(long, 1), undefined);
    assert.equal(typeof collisionKey(long), 'string');
    assert.throws(() => parseInvite(nodeHashing, `peer-courier:${toBase64Url(utf8(long))}`), CourierError);
    assert.throws(() => decodeMessage('want', utf8(JSON.stringify({ have: [long] }))), CourierError);
    assert.throws(
      () => decodeMessage('page', utf8(JSON.stringify({ entries: [['d', long, 0]] }))),
      CourierError,
    );
  }
});
