import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemoryRandom } from '../support/memoryRandom.ts';
import { assertArrived, countFrames, joinTransfers } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

const CHUNK = 256 * 1024;
const CHUNKS = 48;

test('a codec that is slower than the path holds up no chunk but the one that it has', async () => {
  const random = new MemoryRandom(5);
  // A chunk that shrinks to about half.
  const half = Buffer.concat([random.bytes(CHUNK / 2), random.bytes(CHUNK / 2, false)]);
  const tree = treeOf({
    'text.ts': new Uint8Array(Buffer.concat(Array.from({ length: CHUNKS }, () => half))),
  });
  const joined = joinTransfers(tree);
  const { clock, compression, link } = joined;
  const stuck = Promise.withResolvers<Uint8Array>();
  let calls = 0;
  let inCodec = new Uint8Array(0);
  compression.sender.compress = (_codec, bytes) => {
    clock.tick(30);
    calls += 1;
    if (calls !== 12) return Promise.resolve(gzipSync(bytes));
    inCodec = bytes.slice();
    return stuck.promise;
  };
  await joined.start();
  assert.equal(countFrames(link.toReceiver, 'data'), CHUNKS - 1);
  stuck.resolve(gzipSync(inCodec));
  assertArrived(tree, joined, await joined.finish());
});
