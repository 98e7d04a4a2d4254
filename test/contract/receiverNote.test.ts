import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReceiverNote } from '../../src/engine/receiverNote.ts';
import { scratchFolder } from '../support/scratch.ts';

const MINUTE_MS = 60_000;

test('a note is good for two minutes, and once', (t) => {
  const file = join(scratchFolder(t), 'note');
  const note = new ReceiverNote(file);
  assert.equal(note.take(0), false);
  for (const [ageMs, isGood] of [
    [0, true],
    [2 * MINUTE_MS - 1, true],
    [2 * MINUTE_MS, false],
    [-1, false],
  ] as const) {
    note.leave(1000 * MINUTE_MS);
    assert.equal(note.take(1000 * MINUTE_MS + ageMs), isGood);
    assert.equal(note.take(1000 * MINUTE_MS + ageMs), false);
  }
  for (const text of ['', 'nonsense', '1e999']) {
    writeFileSync(file, text);
    assert.equal(note.take(1000 * MINUTE_MS), false);
  }
});
