import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CourierError } from '../base/failure.ts';
import { isErrno } from '../node/disk/errno.ts';
import { readStateFile, writeNewFile } from '../node/state/stateFile.ts';

/**
 * A local socket as a lock: who listens on it holds it. Such a lock cannot go stale, because the system
 * gives a socket up when its process dies; what stays is the socket's name, which the next one removes
 * after nobody has answered on it.
 */

/** How long others may take to take over, and how often to look. */
const TAKE_OVER_MS = 5000;
const LOOK_AGAIN_MS = 20;

/** A socket's path may have no more bytes on macOS (`sun_path`, with its end). */
const LONGEST_SOCKET_PATH = 103;

/** Listens on `path`; `undefined` if another process does. Throws `state-unusable` if it is of no use. */
export async function listenAlone(
  path: string,
  onConnection: (socket: Socket) => void,
): Promise<Server | undefined> {
  const server = createServer(onConnection);
  return (await listen(server, path)) || (await takeOver(server, path)) ? server : undefined;
}

/** Whether somebody listens on `path`. */
export function isAnswered(path: string): Promise<boolean> {
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

/**
 * The path of the socket that stands for `file`, an absolute path: that one itself, or, where it is too long
 * or sockets are no files, a name made from it.
 */
export function socketPath(file: string, named = file): string {
  const name = createHash('sha256').update(named).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\peer-courier-${name}`;
  if (Buffer.byteLength(file) <= LONGEST_SOCKET_PATH) return file;
  const folder = join(tmpdir(), `peer-courier-${userInfo().uid}`);
  makePrivateFolder(folder);
  return join(folder, `${name}.sock`);
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
    process.kill(Number(readStateFile(lock)), 0);
    return true;
  } catch {
    return false;
  }
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
