/*
 * Makes a clean clone ready to run: installs the locked packages, makes sure
 * that the pinned Node 24 among them really runs, and builds dist/ if asked.
 * Plain JavaScript without packages, for any Node from 20 on. When everything
 * is in place it does nothing and needs no network.
 *
 *   node scripts/setup.mjs            packages and build
 *   node scripts/setup.mjs --no-build packages only
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const modules = join(root, 'node_modules');
const lockFile = join(root, 'package-lock.json');
const stampFile = join(modules, '.peer-courier-setup');
const isWindows = process.platform === 'win32';

/** The absolute path of the Node 24 that tests and demo run on; it exists once `ensureReady` has returned. */
export const nodePath = join(modules, 'node', 'bin', isWindows ? 'node.exe' : 'node');

/**
 * Installs and builds what is missing or out of date.
 * Throws an Error whose message is one sentence for the user.
 *
 * @param {{ build: boolean }} options
 */
export function ensureReady({ build }) {
  ensurePackages();
  ensureNode();
  if (build && isBuildStale()) {
    run(nodePath, [join(root, 'scripts', 'build.mjs')], 'The build failed; its messages are above.');
  }
}

function ensurePackages() {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  const isStamped = existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === wanted;
  if (isStamped) return;
  if (!matchesLock()) {
    console.error('Installing the packages that package-lock.json names (once) …');
    installPackages();
  }
  writeFileSync(stampFile, `${wanted}\n`);
}

function installPackages() {
  let { status, stderr } = runNpm(['ci', '--no-audit', '--no-fund']);
  // Some registries do not carry the binaries for every platform, and npm leaves what it cannot
  // find out of the lock file it writes; `npm ci` then calls that file incomplete on every machine.
  if (status !== 0 && stderr.includes('EUSAGE')) {
    console.error('package-lock.json is incomplete; installing what it names and looking up the rest …');
    ({ status, stderr } = runNpm(['install', '--no-save', '--no-audit', '--no-fund']));
  }
  if (status === 0) return;
  console.error(stderr);
  throw new Error(
    'The packages could not be installed; check the network and what npm says above, then run this again.',
  );
}

/**
 * Whether somebody's own `npm ci` or `npm install` already produced what the
 * lock file asks for, so that a ready tree is not thrown away for lack of our
 * stamp. npm records what it installed in node_modules/.package-lock.json.
 */
function matchesLock() {
  const recordFile = join(modules, '.package-lock.json');
  if (!existsSync(recordFile)) return false;
  const wanted = readPackages(lockFile);
  const installed = readPackages(recordFile);
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const actual = installed[path];
    // Optional packages for other platforms are in the lock but not on the disk.
    if (actual === undefined) return entry.optional === true;
    return actual.version === entry.version && existsSync(join(root, path));
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * The package `node` fetches its executable in an install script, and npm may
 * have been told to run none; then the script is run here, by name.
 */
function ensureNode() {
  if (isNode24()) return;
  console.error('Fetching Node 24, which the tests and the demo run on (once) …');
  runNpm(['rebuild', 'node', '--foreground-scripts', '--ignore-scripts=false']);
  if (isNode24()) return;
  spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
    cwd: join(modules, 'node'),
    env: { ...npmEnvironment(), npm_config_ignore_scripts: 'false' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (isNode24()) return;
  throw new Error(
    'Node 24 (the npm package "node") is installed but does not run here; try "npm rebuild node --foreground-scripts" and see what it says.',
  );
}

function isNode24() {
  const { status, stdout } = spawnSync(nodePath, ['--version'], { encoding: 'utf8' });
  return status === 0 && stdout.startsWith('v24.');
}

function isBuildStale() {
  const built = modificationTimes(join(root, 'dist'));
  if (built.length === 0) return true;
  const inputs = [
    ...modificationTimes(join(root, 'src')),
    ...modificationTimes(join(root, 'scripts', 'build.mjs')),
    ...modificationTimes(lockFile),
  ];
  return Math.max(...inputs) > Math.min(...built);
}

/**
 * The times of a file, or of a folder and everything in it. Folders count
 * because a removed source file leaves its trace only there.
 *
 * @param {string} path
 * @returns {number[]}
 */
function modificationTimes(path) {
  if (!existsSync(path)) return [];
  const stats = statSync(path);
  if (!stats.isDirectory()) return [stats.mtimeMs];
  return [stats.mtimeMs, ...readdirSync(path).flatMap((name) => modificationTimes(join(path, name)))];
}

/**
 * npm must not run on the Node inside the node_modules it is about to replace.
 */
function npmEnvironment() {
  const entries = Object.entries(process.env).map(([name, value]) =>
    name.toUpperCase() === 'PATH' ? [name, withoutModules(value ?? '')] : [name, value],
  );
  return Object.fromEntries(entries);
}

/** @param {string} path */
function withoutModules(path) {
  return path
    .split(delimiter)
    .filter((folder) => !resolve(folder).startsWith(modules))
    .join(delimiter);
}

/**
 * Runs npm in the project's folder, outside of the Node in its node_modules.
 *
 * @param {readonly string[]} args
 */
export function runNpm(args) {
  const result = spawnSync('npm', args, {
    cwd: root,
    env: npmEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    // npm is a batch file there, and those start only through a shell.
    shell: isWindows,
  });
  if (result.error !== undefined) {
    throw new Error('npm could not be started; install it (it comes with Node) and run this again.', {
      cause: result.error,
    });
  }
  return result;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} problem
 */
function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(problem, { cause: error });
}

/** Whether this file is the program, and not imported by another script. */
function isMain() {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
}

if (isMain()) {
  try {
    ensureReady({ build: !process.argv.includes('--no-build') });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
