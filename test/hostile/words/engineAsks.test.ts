/** A real engine whose user accepts known peers unasked: what somebody has to see is asked about all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairedHomes, send } from '../../support/engine.ts';
import { makeFiles } from '../../support/engineFiles.ts';
import { file, makeTree } from '../../support/trees.ts';

test('case 177: an offer that brings a .git folder or a workspace is asked about, and they are named', async (t) => {
  const { a, windowA, windowB, peer } = await pairedHomes(t, { b: { accept: 'known' } });
  const plain = await send(windowA, peer, makeFiles(a, 'plain', { files: 1, bytes: 10 }));
  await windowA.transfer('done', ({ id, phase }) => id === plain && phase === 'done');
  const folder = a.folder('project');
  makeTree(folder, {
    '.git/config': file('[core]\n'),
    '.vscode/tasks.json': file('{}\n'),
    'x.code-workspace': file('{}\n'),
    'package.json': file('{}\n'),
  });
  const id = await send(windowA, peer, folder);
  assert.equal(await windowB.prompted(), id);
  const { offer } = await windowB.transfer('asking', ({ phase }) => phase === 'asking');
  assert.deepEqual(offer?.notable, {
    count: 3,
    first: ['.git', '.vscode', 'x.code-workspace'].map((name) => `project/${name}`),
  });
});
