/** The wicked peer must not share a mistake with what it attacks: it imports Node and itself, and nothing else. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const SUPPORT = join(import.meta.dirname, '../support');
const isKit = (file: string): boolean => file === 'der.ts' || file.startsWith('wicked');

test('the wicked peer imports nothing but Node and itself', () => {
  const kit = readdirSync(SUPPORT).filter(isKit);
  assert.ok(kit.includes('der.ts') && kit.includes('wickedPeer.ts'), kit.join());
  const found: string[] = [];
  for (const file of kit) {
    const source = readFileSync(join(SUPPORT, file), 'utf8');
    const imported = [...source.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*'([^']+)'/gu)].map(
      ([, specifier = '']) => specifier,
    );
    found.push(...imported);
    const foreign = imported.filter(
      (specifier) =>
        !specifier.startsWith('node:') && !(specifier.startsWith('./') && isKit(specifier.slice(2))),
    );
    assert.deepEqual(foreign, [], file);
  }
  // The imports are still read right.
  assert.ok(found.includes('node:tls') && found.includes('./der.ts'), found.join());
});
