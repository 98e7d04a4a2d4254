/** Case 21: inputs that have broken parsers of others, or ours, each with what must become of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryFolder } from '../../support/scratch.ts';
import { replay } from './fuzz.ts';
import { fixturesOf } from './fixture.ts';
import { targets } from './targets.ts';

for (const [parser, create] of Object.entries(targets)) {
  const fixtures = fixturesOf(parser);
  assert.ok(fixtures.length > 0, `${parser} has none`);
  for (const fixture of fixtures) {
    test(`case 21: ${parser}, ${fixture.name}: ${fixture.expected}`, async (t) => {
      assert.equal(await replay(create(memoryFolder(t)), fixture), fixture.expected);
    });
  }
}
