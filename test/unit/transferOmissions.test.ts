import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinTransfers } from '../support/memoryTransfer.ts';
import { treeOf } from '../support/memoryTree.ts';

/** What the user wanted left out counts for nothing else. */
test('what is left out on purpose is no failure, no special file, and not told to the peer', async () => {
  const joined = joinTransfers(
    treeOf({
      '.env': 'secret',
      a: 10,
      dist: 'ignored',
      link: 'link',
      node_modules: 'ignored',
      odd: 'name-refused',
    }),
  );
  const { outgoing, incoming } = await joined.run();
  assert.equal(outgoing.end.close.code, 'done');
  assert.equal(outgoing.omitted, 3);
  assert.equal(outgoing.skippedSpecials, 1);
  assert.deepEqual([...outgoing.failures], [['name-refused', 1]]);
  assert.equal(incoming.leftOut, 2);
  const told = joined.events.filter((event) => event.startsWith('sender left out'));
  assert.deepEqual(told, [
    'sender left out .env: secret',
    'sender left out dist: ignored',
    'sender left out link: link',
    'sender left out node_modules: ignored',
    'sender left out odd: name-refused',
  ]);
});
