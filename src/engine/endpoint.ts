import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';
import { CourierError } from '../base/failure.ts';
import { isErrno } from '../node/disk/errno.ts';
import { replaceFile, writeNewFile } from '../node/state/stateFile.ts';
import { ENDPOINT_FILE } from '../rpc/contract.ts';
import type { Endpoint } from '../rpc/contract.ts';

/**
 * The local socket of an engine. Who listens on it is the engine of that storage folder: there is one
 * listener, one set of transfers, one port for all windows of a user. The lock cannot go stale, because
 * the system gives a socket up when its process dies; what stays is the socket's name, which the next
 * engine removes after nobody answered on it.
 */
export interface HeldEndpoint extends Endpoint {
  /** Whether the name still leads to this engine; if not, somebody has taken it over by mistake. */
  isOurs(): boolean;
  close(): void;
}

/** How long others may take to take over, and how often to look. */
const TAKE_OVER_MS = 5000;
const LOOK_AGAIN_MS = 20;

/** A socket's path may have no more bytes on macOS (`sun_path`, with its end). */
const LONGEST_SOCKET_PATH = 103;

const schema = v.strictObject({ path: v.string(), token: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u)) });

/** Becomes the engine of `storage`; `undefined` if another process is it already. */
export async function holdEndpoint(
  storage: string,
  onConnection: (socket: Socket) => void,
): Promise<HeldEndpoint | undefined> {
  const endpoint = readEndpoint(storage);
  const server = createServer(onConnection);
  if (!(await listen(server, endpoint.path)) && !(await takeOver(server, endpoint.path))) return undefined;
  const inode = inodeOf(endpoint.path);
  return {
    ...endpoint,
    isOurs: () => inodeOf(endpoint.path) === inode,
    close: () => server.close(),
  };
}

/**
 * Binds a name that is taken, if nobody answers behind it. Of several that try at once one looks and
 * removes at a time: otherwise the second would remove what the first has just bound.
 */
async function takeOver(server: Server, path: string): Promise<boolean> {
  const lock = `${path}.lock`;
  const deadline = performance.now() + TAKE_OVER_MS;
  while (performance.now() < deadline) {
    if (await isAnswered(path)) return false;
    if (!writeNewFile(lock, String(process.pid))) {
      if (!isHeld(lock)) rmSync(lock, { force: true });
      await setTimeout(LOOK_AGAIN_MS);
      continue;
    }
    try {
      if (await isAnswered(path)) return false;
      rmSync(path, { force: true });
      return await listen(server, path);
    } finally {
      rmSync(lock, { force: true });
    }
  }
  throw new CourierError('state-unusable', `${path} is taken, and nobody answers there`);
}

/** Whether the process that wrote the lock still runs. */
function isHeld(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a client has read the endpoint's file, and so may read the user's files. */
export function isToken(given: string, { token }: Endpoint): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

/** Of equal length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The endpoint of a storage folder; made once, so that a client never reads one that is out of date. */
function readEndpoint(storage: string): Endpoint {
  const file = join(storage, ENDPOINT_FILE);
  const path = socketPath(storage);
  const fresh = JSON.stringify({ path, token: randomBytes(32).toString('hex') });
  if (!writeNewFile(file, fresh)) {
    const kept = parseEndpoint(readFileSync(file, 'utf8'));
    if (kept?.path === path) return kept;
    // Damaged, or the folder has moved.
    replaceFile(file, fresh);
  }
  const endpoint = parseEndpoint(readFileSync(file, 'utf8'));
  if (endpoint === undefined) throw new CourierError('state-unusable', `${file} is damaged`);
  return endpoint;
}

function parseEndpoint(text: string): Endpoint | undefined {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

function socketPath(storage: string): string {
  const name = createHash('sha256').update(storage).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\peer-courier-${name}`;
  const direct = join(storage, 'engine.sock');
  if (Buffer.byteLength(direct) <= LONGEST_SOCKET_PATH) return direct;
  const folder = join(tmpdir(), `peer-courier-${userInfo().uid}`);
  makePrivateFolder(folder);
  return join(folder, `${name}.sock`);
}

/** A folder in a place where others may write: nobody else may own it or look into it. */
function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  const stats = lstatSync(folder);
  const isPrivate = stats.isDirectory() && stats.uid === userInfo().uid && stats.mode % 0o100 === 0;
  if (!isPrivate) throw new CourierError('state-unusable', `${folder} is not a private folder of this user`);
}

/** Whether it could be bound. */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      if (isErrno(error, 'EADDRINUSE')) resolve(false);
      else reject(new CourierError('state-unusable', `${path} cannot be bound`, { cause: error }));
    };
    server.once('error', failed);
    server.listen(path, () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', answer(true));
    socket.once('error', answer(false));
  });
}

/** `undefined` where sockets are no files. */
function inodeOf(path: string): number | undefined {
  try {
    return process.platform === 'win32' ? undefined : statSync(path).ino;
  } catch {
    return -1;
  }
}
