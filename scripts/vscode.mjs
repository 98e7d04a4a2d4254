/*
 * A real VS Code for tests and for the demo, from the npm registry alone: the
 * package `code-server` carries the whole VS Code server and workbench. It is
 * installed once into .vscode-test/, outside the project's own packages, and
 * VS Code's own server is started from it; a browser is its window. It is not
 * Electron: `npm run test:desktop` is for that.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { markVariable, processesMarked } from './processes.mjs';
import { nodePath, runNpm } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');
const version = '4.139.1';
const cacheFolder = join(root, '.vscode-test');
const startTimeoutMs = 60_000;
const stopTimeoutMs = 5000;

/**
 * What makes a window quiet and the same for everybody: no welcome page, no hints, no network, no chat.
 * Tests about trust switch it on again.
 */
export const quietSettings = {
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'editor.accessibilitySupport': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'files.simpleDialog.enable': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'window.menuBarVisibility': 'compact',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/**
 * Installs VS Code if this version is not there yet: 600 MB, under half a minute from a near registry.
 * Throws an Error whose message is one sentence for the user.
 *
 * @returns {string} the server's main script
 */
export function ensureVscode() {
  const installed = join(cacheFolder, `code-server-${version}`);
  const inside = join('node_modules', 'code-server', 'lib', 'vscode');
  if (!existsSync(installed)) {
    console.error(`Fetching a real VS Code (code-server ${version}, 600 MB, once) …`);
    mkdirSync(cacheFolder, { recursive: true });
    for (const name of readdirSync(cacheFolder)) {
      if (name.startsWith('code-server-')) rmSync(join(cacheFolder, name), { recursive: true, force: true });
    }
    // It gets its real name when it is complete, so that an interrupted installation is never taken for a whole one.
    const unfinished = `${installed}.${process.pid}`;
    mkdirSync(unfinished);
    install(unfinished, [`code-server@${version}`]);
    install(join(unfinished, inside), ['--omit=dev']);
    renameSync(unfinished, installed);
  }
  return join(installed, inside, 'out', 'server-main.js');
}

/**
 * Without install scripts nothing needs a compiler; what is missing then (terminals, native logging) no
 * test uses. npm may itself run on an older Node than the one that this will be started with.
 *
 * @param {string} folder
 * @param {readonly string[]} args
 */
function install(folder, args) {
  const quiet = ['--ignore-scripts', '--engine-strict=false', '--no-audit', '--no-fund'];
  const { status, stderr } = runNpm(['install', ...quiet, '--prefix', folder, ...args]);
  if (status === 0) return;
  console.error(stderr);
  throw new Error('VS Code could not be fetched from the npm registry; npm says why above.');
}

/**
 * One user of VS Code: a running server with settings, extensions and storage of its own. Who starts it stops it.
 *
 * @typedef {object} VscodeServer
 * @property {string} authority `host:port`, also the remote authority in the page's URIs
 * @property {string} origin
 * @property {string} dataFolder
 * @property {() => { pid: number, command: string }[]} processes all that belongs to it: extension hosts, engines
 * @property {(options: { folder: string, payload?: readonly (readonly [string, string])[] }) => string} pageAddress
 * @property {() => Promise<void>} stop ends the server, its extension hosts and everything they started
 */

/**
 * Starts VS Code's server and returns once it answers.
 *
 * @param {object} options
 * @param {string} options.dataFolder made if missing; each folder is a separate user
 * @param {string} [options.extension] a VSIX to install first
 * @param {Readonly<Record<string, unknown>>} [options.settings] on top of `quietSettings`
 * @param {number} [options.port] default: one that is free
 * @param {readonly string[]} [options.extraArguments]
 * @param {Readonly<Record<string, string>>} [options.environment]
 * @returns {Promise<VscodeServer>}
 */
export async function startServer({
  dataFolder,
  extension,
  settings = {},
  port = 0,
  extraArguments = [],
  environment = {},
}) {
  const script = ensureVscode();
  writeSettings(dataFolder, { ...quietSettings, ...settings });
  if (extension !== undefined) installExtension(script, dataFolder, extension);
  const mark = randomUUID();
  const server = spawn(
    nodePath,
    [
      script,
      '--host=127.0.0.1',
      `--port=${port}`,
      '--without-connection-token',
      ...commonArguments(dataFolder),
      ...extraArguments,
    ],
    {
      // A group of its own: its end is then the end of every process below it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...environment, [markVariable]: mark },
    },
  );
  const log = createWriteStream(join(dataFolder, 'server.log'));
  server.stdout.pipe(log, { end: false });
  server.stderr.pipe(log, { end: false });
  const { pid } = server;
  if (pid === undefined) throw new Error('VS Code could not be started.');
  const stop = () => stopAll(server, pid, mark);
  try {
    const authority = `127.0.0.1:${await portOf(server)}`;
    const origin = `http://${authority}`;
    await untilItAnswers(origin);
    return {
      authority,
      origin,
      dataFolder,
      processes: () => processesMarked(mark),
      stop,
      pageAddress: ({ folder, payload }) => {
        const query = new URLSearchParams({ folder });
        if (payload !== undefined) query.set('payload', JSON.stringify(payload));
        return `${origin}/?${query.toString()}`;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {string} dataFolder
 * @param {Readonly<Record<string, unknown>>} settings
 */
export function writeSettings(dataFolder, settings) {
  const folder = join(dataFolder, 'data', 'User');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);
}

/**
 * @param {string} script
 * @param {string} dataFolder
 * @param {string} extension
 */
function installExtension(script, dataFolder, extension) {
  const { status, stdout, stderr } = spawnSync(
    nodePath,
    [script, `--install-extension=${extension}`, '--force', ...commonArguments(dataFolder)],
    { encoding: 'utf8', env: cleanEnvironment() },
  );
  if (status === 0) return;
  console.error(stdout, stderr);
  throw new Error(`VS Code would not install ${extension}; its messages are above.`);
}

/** @param {string} dataFolder */
function commonArguments(dataFolder) {
  return ['--accept-server-license-terms', '--telemetry-level=off', `--server-data-dir=${dataFolder}`];
}

/** A VS Code around us (its terminal, a task) leaves variables that would steer the one we start. */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_TEST)/.test(name),
    ),
  );
}

/**
 * The port that the server says it listens on.
 *
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} server
 * @returns {Promise<string>}
 */
async function portOf(server) {
  const lines = createInterface({ input: server.stdout });
  const deadline = setTimeout(() => lines.close(), startTimeoutMs);
  try {
    for await (const line of lines) {
      const port = /^Extension host agent listening on (\d+)$/.exec(line)?.[1];
      if (port !== undefined) return port;
    }
  } finally {
    clearTimeout(deadline);
  }
  throw new Error('VS Code did not start; see server.log in its data folder.');
}

/** @param {string} origin */
async function untilItAnswers(origin) {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      const { ok } = await fetch(`${origin}/version`, { signal: AbortSignal.timeout(startTimeoutMs) });
      if (ok) return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error('VS Code started but does not answer.', { cause: error });
    }
    await new Promise((tick) => {
      setTimeout(tick, 50);
    });
  }
}

/**
 * @param {import('node:child_process').ChildProcess} server
 * @param {number} pid
 * @param {string} mark
 */
async function stopAll(server, pid, mark) {
  const exited = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined;
  signalGroup(pid, 'SIGTERM');
  const deadline = setTimeout(() => signalGroup(pid, 'SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(deadline);
  // Whoever is left has outlived the server: an extension host, or an engine in a group of its own.
  signalGroup(pid, 'SIGKILL');
  for (const left of processesMarked(mark)) signal(left.pid, 'SIGKILL');
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signalGroup(pid, name) {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', `${pid}`, '/t', '/f'], { stdio: 'ignore' });
  } else {
    signal(-pid, name);
  }
}

/**
 * @param {number} pid of a process, or of a group if negative
 * @param {NodeJS.Signals} name
 */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}
