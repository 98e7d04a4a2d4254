import assert from 'node:assert/strict';
import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { eventOf } from '../support/cli.ts';
import { leftOf, midTransfer } from '../support/interrupted.ts';
import type { MidTransfer } from '../support/interrupted.ts';
import { noise } from '../support/noise.ts';
import { file, makeTree } from '../support/trees.ts';

/** The source changes while nothing runs: what arrives is what stands there now, whole, and never half of each. */

function changes(name: string, change: (scene: MidTransfer['scene']) => void): void {
  test(`case 80: while it was interrupted: ${name}`, async (t) => {
    const { scene, path, receiver, sender } = await midTransfer(t, { words: ['--retry-for', '0'] });
    path.cut('rst');
    await Promise.all([sender.ended, receiver.event('interrupted')]);
    const { id } = await leftOf(scene, 'sender');
    change(scene);
    path.letGo();
    const resumed = await scene.startWith('sender', ['resume', String(id)]).ended;
    assert.equal(resumed.status, 0, resumed.stdout.slice(-500));
    const received = await receiver.event('received');
    assert.equal(received['root'], eventOf(resumed, 'sent')['root']);
    // Nobody was asked, and it went on: it did not begin anew.
    assert.equal(receiver.events.filter(({ event }) => event === 'resumed').length, 1);
    scene.assertArrived();
  });
}

changes('a log has grown', (scene) => appendFileSync(scene.path('tree', 'log'), noise(500_000, 9)));
changes('a file that had arrived is gone', (scene) => rmSync(scene.path('tree', 'a 3')));
changes('a file that had begun to arrive is gone', (scene) => rmSync(scene.path('tree', 'big 2')));
changes('a file was rewritten with the same size and time', (scene) => {
  const location = scene.path('tree', 'big 1');
  const { size, atime, mtime } = statSync(location);
  writeFileSync(location, noise(size, 77));
  utimesSync(location, atime, mtime);
});
changes('the second half of a file was rewritten', (scene) => {
  const location = scene.path('tree', 'big 1');
  const content = readFileSync(location);
  content.set(noise(content.length / 2, 78), content.length / 2);
  writeFileSync(location, content);
});
changes('a file was cut off', (scene) => truncateSync(scene.path('tree', 'big 1'), 5_000_000));
changes('files were added', (scene) =>
  makeTree(scene.folder, {
    'tree/0 first': file('new'),
    'tree/big 15': file(noise(300_000, 5)),
    'tree/z/new': file('new'),
  }),
);
