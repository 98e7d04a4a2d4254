/**
 * What the extension's start costs an extension host that has not loaded it yet. `scripts/benchEditor.mjs`
 * gives it a copy that nothing but this activates, and whose entry file takes the times.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { extensionUnderTest } from '../support/extensionUnderTest.ts';
import { print } from '../support/print.ts';

suite('bench', () => {
  test('load and activate', async () => {
    const extension = extensionUnderTest();
    assert.equal(extension.isActive, false);
    print(JSON.stringify(await extension.activate()));
  });
});
