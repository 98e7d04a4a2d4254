/** A slice of what `npm run leaks` does ten thousand times. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Held } from './leaks.ts';

test('case 108: transfers that end in every way there is leave no heap, no handle and no descriptor behind', async (t) => {
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'leakRun.ts'), '180'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const measured: Held[] = [];
  // oxlint-disable-next-line typescript/no-unsafe-argument -- our own words
  for await (const line of createInterface({ input: child.stdout })) measured.push(JSON.parse(line));
  assert.deepEqual(await ended, [0, null]);
  const [first] = measured;
  const last = measured.at(-1);
  assert.ok(first !== undefined && last !== undefined && measured.length === 11);
  assert.deepEqual(last.resources, first.resources);
  assert.equal(last.descriptors, first.descriptors);
  // What was there at some time after the beginning is enough.
  const least = Math.min(...measured.map(({ heapBytes }) => heapBytes));
  assert.ok(last.heapBytes - least < 1024 * 1024, JSON.stringify(measured.map(({ heapBytes }) => heapBytes)));
});
