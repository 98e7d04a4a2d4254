import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../support/scratch.ts';
import { SimDisk } from '../../support/simDisk.ts';
import { assertReceipt, send } from '../sources/sending.ts';

const FILES = 3000;
/** What the disk is asked for one small file, at most. */
const OPERATIONS_PER_FILE = 8;

test('case 94: a receiver of very many small files lets other work have its turn: its peer would take it for dead', async (t) => {
  const source = join(scratchFolder(t), 'sent');
  mkdirSync(source);
  for (let at = 0; at < FILES; at += 1) writeFileSync(join(source, `file ${at}`), String(at));
  const receiver = new SimDisk();
  const stretches: number[] = [];
  let before = 0;
  const note = (): void => {
    stretches.push(receiver.operations.length - before);
    before = receiver.operations.length;
  };
  const sent = await send(source, receiver, { onRest: note, onArrived: note });
  assertReceipt(sent);
  assert.ok(stretches.length > FILES / 100, `${stretches.length} turns`);
  const longest = Math.max(...stretches);
  assert.ok(longest < 64 * OPERATIONS_PER_FILE, `${longest} operations in a row`);
});
