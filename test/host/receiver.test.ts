/** The receiver, switched by its commands and its settings. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setup, suite, teardown, test } from 'mocha';
import { commands, ConfigurationTarget, workspace } from 'vscode';
import { extensionUnderTest } from './support/extensionUnderTest.ts';

/** A port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}

async function set(name: string, value: unknown): Promise<void> {
  await workspace.getConfiguration('peerCourier').update(name, value, ConfigurationTarget.Global);
}

/** Looks again until it is so; the runner's limit is the deadline. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

suite('the receiver', () => {
  setup(async () => {
    await extensionUnderTest().activate();
    await set('host', '127.0.0.1');
  });

  teardown(async () => {
    await commands.executeCommand('peerCourier.stopReceiver');
    await set('port', undefined);
    await set('host', undefined);
  });

  test('listens on the port of the setting, moves when that changes, and stops', async () => {
    const [first, second] = [await freePort(), await freePort()];
    await set('port', first);
    await commands.executeCommand('peerCourier.startReceiver');
    assert.equal(await isListening(first), true);
    await set('port', second);
    await until(() => isListening(second));
    assert.equal(await isListening(first), false);
    await commands.executeCommand('peerCourier.stopReceiver');
    assert.equal(await isListening(second), false);
  });

  test('case 164, 187: nothing listens before somebody says so', async () => {
    const port = await freePort();
    await set('port', port);
    assert.equal(await isListening(port), false);
  });
});
