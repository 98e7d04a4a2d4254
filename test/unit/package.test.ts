/**
 * What goes into the VSIX is a list that somebody has looked at: a file more is a leak or dead weight, a file
 * less is an extension that does not start. After a wanted change, change the list.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packagedFiles } from '../../scripts/package.mjs';

const LIST = join(import.meta.dirname, '..', 'fixtures', 'vsixFiles.txt');

test('the VSIX holds what the list names, and nothing else', async () => {
  const found = new Set((await packagedFiles()).map(withoutHash));
  const wanted = readFileSync(LIST, 'utf8').trim().split('\n');
  assert.deepEqual([...found].toSorted(), wanted.toSorted());
});

/** "chunks/engine/certificate-R54OFRRR.js" has another hash after every change. */
function withoutHash(file: string): string {
  return file.replace(/^(dist\/chunks\/.*)-[\dA-Z]{8}\.js$/, '$1-*.js');
}
