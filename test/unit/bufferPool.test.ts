import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BufferPool } from '../../src/node/bufferPool.ts';

const MIB = 1024 * 1024;

suite('memory that is lent', () => {
  test('comes again, to whoever wants about as much', () => {
    const pool = new BufferPool();
    const first = pool.allocate(MIB - 5);
    const second = pool.allocate(MIB);
    assert.notEqual(first.buffer, second.buffer);
    assert.deepEqual([first.length, second.length], [MIB - 5, MIB]);
    pool.recycle(first);
    const third = pool.allocate(MIB);
    assert.equal(third.buffer, first.buffer);
    assert.equal(third.length, MIB);
    pool.recycle(third.subarray(0, 7));
    assert.equal(pool.allocate(MIB - 1).buffer, first.buffer);
    assert.notEqual(pool.allocate(4 * MIB).buffer, first.buffer);
  });

  test('begins where a cache line does, if its buffer begins 16 bytes after one', () => {
    const pool = new BufferPool();
    for (const length of [100_000, MIB, 4 * MIB]) {
      const lent = pool.allocate(length);
      assert.equal((16 + lent.byteOffset) % 64, 0);
      pool.recycle(lent);
      assert.equal((16 + pool.allocate(length).byteOffset) % 64, 0);
    }
  });

  test('is kept up to a limit', () => {
    const pool = new BufferPool(2 * MIB);
    const lent = [pool.allocate(MIB), pool.allocate(MIB), pool.allocate(MIB)];
    for (const each of lent) pool.recycle(each);
    const again = [pool.allocate(MIB), pool.allocate(MIB), pool.allocate(MIB)].map(({ buffer }) => buffer);
    assert.deepEqual(
      again.map((buffer) => lent.some((each) => each.buffer === buffer)),
      [true, true, false],
    );
  });

  test('what is not of its own is let go', () => {
    const pool = new BufferPool();
    const foreign = [new Uint8Array(MIB), pool.allocate(MIB).subarray(8), Buffer.alloc(8), new Uint8Array(0)];
    for (const each of foreign) pool.recycle(each);
    assert.ok(foreign.every(({ buffer }) => buffer !== pool.allocate(MIB).buffer));
  });
});
