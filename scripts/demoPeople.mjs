/*
 * The two people of the demo: each has a VS Code of their own (settings, storage, home folder, workspace) with
 * the packed extension in it, on this machine only.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startServer } from './vscode.mjs';

/**
 * @typedef {object} Person
 * @property {string} name
 * @property {import('./vscode.mjs').VscodeServer} server
 * @property {string} workspace
 * @property {string} received where what the person accepts goes
 * @property {string} address of the window
 */

/**
 * Starts one person's VS Code; who starts it stops it.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string} options.folder everything of the person's goes in here
 * @param {string} options.extension the VSIX
 * @param {readonly string[]} [options.extraArguments] for VS Code's server
 * @returns {Promise<Person>}
 */
export async function startPerson({ name, folder, extension, extraArguments = [] }) {
  const [home, workspace] = [join(folder, 'home'), join(folder, name)];
  for (const needed of [home, workspace]) mkdirSync(needed, { recursive: true });
  const dataFolder = join(folder, 'data');
  const machineSettings = join(dataFolder, 'data', 'Machine');
  mkdirSync(machineSettings, { recursive: true });
  // A window on a server takes settings of machine scope from here, and ignores them among the user's.
  writeFileSync(
    join(machineSettings, 'settings.json'),
    JSON.stringify({
      'peerCourier.deviceName': `${name}'s laptop`,
      // Nobody outside needs to reach it, and a receiver of the user's own may have the usual port.
      'peerCourier.host': '127.0.0.1',
      'peerCourier.port': await freePort(),
    }),
  );
  const server = await startServer({
    dataFolder,
    extension,
    extraArguments,
    environment: { HOME: home, USERPROFILE: home },
  });
  return {
    name,
    server,
    workspace,
    received: join(home, 'Downloads', 'Peer Courier'),
    address: server.pageAddress({ folder: workspace }),
  };
}

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer();
  await /** @type {Promise<void>} */ (
    new Promise((settle, reject) => {
      probe.once('error', reject);
      probe.listen(0, '127.0.0.1', settle);
    })
  );
  const address = probe.address();
  await /** @type {Promise<void>} */ (new Promise((settle) => probe.close(() => settle())));
  if (address === null || typeof address === 'string') throw new Error('This machine has no free port.');
  return address.port;
}
