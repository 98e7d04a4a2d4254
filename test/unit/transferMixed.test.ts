import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { assertArrived, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import { quiet } from '../support/memoryClock.ts';
import { treeOf } from '../support/memoryTree.ts';

const CHUNK = 256 * 1024;
const CHUNKS = 96;
/** The call of the codec that hangs, when storing has been tried. */
const STUCK = 24;
/** More than all of it takes. */
const TURNS = 20 * CHUNKS;

test('a codec that is slower than the path holds up no chunk but the one that it has', async () => {
  const random = new MemoryRandom(5);
  // A chunk that shrinks to about half.
  const half = Buffer.concat([random.bytes(CHUNK / 2), random.bytes(CHUNK / 2, false)]);
  const tree = treeOf({
    'text.ts': new Uint8Array(Buffer.concat(Array.from({ length: CHUNKS }, () => half))),
  });
  const joined = joinTransfers(tree);
  const { clock, compression, link } = joined;
  // The path takes longer for a whole chunk than the codec and the path do for half of one.
  const send = link.sender.send.bind(link.sender);
  link.sender.send = async (pieces) => {
    await quiet();
    clock.tick((80 * pieces.reduce((sum, { length }) => sum + length, 0)) / CHUNK);
    await send(pieces);
  };
  const stuck = Promise.withResolvers<Uint8Array>();
  let calls = 0;
  let inCodec = new Uint8Array(0);
  compression.sender.compress = (_codec, bytes) => {
    clock.tick(30);
    calls += 1;
    if (calls !== STUCK) return Promise.resolve(gzipSync(bytes));
    inCodec = bytes.slice();
    return stuck.promise;
  };
  await joined.start();
  for (let turn = 0; turn < TURNS; turn += 1) await quiet();
  assert.equal(countFrames(link.toReceiver, 'data'), CHUNKS - 1);
  stuck.resolve(gzipSync(inCodec));
  assertArrived(tree, joined, await joined.finish());
});
