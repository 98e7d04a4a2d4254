import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LaneKey } from '../../src/peers/laneKey.ts';
import { nodeHashing } from '../../src/node/hashing.ts';

const first = new Uint8Array(32).fill(1);
const another = new Uint8Array(32).fill(2);
const lane = new Uint8Array(32).fill(3);
const otherLane = new Uint8Array(32).fill(4);

function keyOf(exporter: Uint8Array): LaneKey {
  return new LaneKey(nodeHashing, exporter);
}

test('both ends of a session come to the same', () => {
  assert.ok(keyOf(first).fits(keyOf(first).join(5, lane), lane));
  assert.match(keyOf(first).session, /^[0-9a-f]{32}$/u);
});

// Computed with Python's hmac from the text of docs/protocol.md.
test('vector', () => {
  const key = keyOf(first);
  assert.equal(key.session, 'f5fb9556bf86b1210736ec4e92189024');
  assert.equal(key.join(5, lane).mac, 'ade4d082e50dd7d56102d6a83cbaefa46fcaa418897bf008c4c9aa10879da3e9');
});

suite('a join does not fit', () => {
  const good = keyOf(first).join(5, lane);
  const cases = {
    'another session': [keyOf(another), good, lane],
    'another session under this name': [
      keyOf(first),
      { ...keyOf(another).join(5, lane), session: good.session },
      lane,
    ],
    'another connection': [keyOf(first), good, otherLane],
    'another lane': [keyOf(first), { ...good, lane: 6 }, lane],
    'a digit of the proof changed': [
      keyOf(first),
      { ...good, mac: `${good.mac.startsWith('0') ? '1' : '0'}${good.mac.slice(1)}` },
      lane,
    ],
    'half a proof': [keyOf(first), { ...good, mac: good.mac.slice(32) }, lane],
    'no proof': [keyOf(first), { ...good, mac: '' }, lane],
  } as const;
  for (const [what, [key, join, exporter]] of Object.entries(cases)) {
    test(what, () => assert.equal(key.fits(join, exporter), false));
  }
});
