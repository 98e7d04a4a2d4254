/**
 * The extension as VS Code sees it: found, activated, and everything that its manifest promises is there.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { commands } from 'vscode';
import { commandsOf, extensionUnderTest } from './support/extensionUnderTest.ts';

suite('the extension', () => {
  test('is found and becomes active', async () => {
    const extension = extensionUnderTest();
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  test('registers every command that its manifest names', async () => {
    const extension = extensionUnderTest();
    await extension.activate();
    const registered = new Set(await commands.getCommands(true));
    const promised = commandsOf(extension);
    assert.notEqual(promised.length, 0);
    assert.deepEqual(
      promised.filter((command) => !registered.has(command)),
      [],
    );
  });
});
