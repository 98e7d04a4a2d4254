import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MEMORY_BUDGET, ShapeRig } from './rig.ts';
import { deepFolders, longNames, manyFiles, siblings } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** Slices of what `npm run shapes` does at full size: real processes, loopback, memory within the budget. */

const MIB = 1024 ** 2;

async function check(t: TestContext, shape: Shape): Promise<void> {
  const rig = new ShapeRig(tmpdir());
  t.after(() => rig.close());
  shape.make(rig.folder);
  const { senderBytes, receiverBytes } = await rig.transfer(shape);
  for (const [who, bytes] of [
    ['sender', senderBytes],
    ['receiver', receiverBytes],
  ] as const) {
    const text = `peak memory of the ${who}: ${(bytes / MIB).toFixed(1)} MiB`;
    t.diagnostic(text);
    assert.ok(bytes > 10 * MIB && bytes < MEMORY_BUDGET, text);
  }
}

function named(numbers: string, shape: Shape): void {
  test(`case ${numbers}: ${shape.name}`, (t) => check(t, shape));
}

named('94', manyFiles(20, 500));
named('95', siblings(10_000));
named('95', deepFolders(300));
named('95', longNames('one byte'));
named('95', longNames('three bytes'));
