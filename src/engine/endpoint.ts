import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import * as v from 'valibot';
import { CourierError } from '../base/failure.ts';
import { readStateFile, replaceFile, writeNewFile } from '../node/state/stateFile.ts';
import { ENDPOINT_FILE } from '../rpc/contract.ts';
import type { Endpoint } from '../rpc/contract.ts';
import { listenAlone, socketPath } from './localSocket.ts';

/**
 * The local socket of an engine. Who listens on it is the engine of that storage folder: there is one
 * listener, one set of transfers, one port for all windows of a user. See {@link listenAlone}.
 */
export interface HeldEndpoint extends Endpoint {
  /** Whether the name still leads to this engine; if not, somebody has taken it over by mistake. */
  isOurs(): boolean;
  close(): void;
}

const schema = v.strictObject({ path: v.string(), token: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u)) });

/** Becomes the engine of `storage`; `undefined` if another process is it already. */
export async function holdEndpoint(
  storage: string,
  onConnection: (socket: Socket) => void,
): Promise<HeldEndpoint | undefined> {
  const endpoint = readEndpoint(storage);
  const server = await listenAlone(endpoint.path, onConnection);
  if (server === undefined) return undefined;
  const inode = inodeOf(endpoint.path);
  return {
    ...endpoint,
    isOurs: () => inodeOf(endpoint.path) === inode,
    close: () => server.close(),
  };
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
  const path = socketPath(join(storage, 'engine.sock'), storage);
  const fresh = JSON.stringify({ path, token: randomBytes(32).toString('hex') });
  if (!writeNewFile(file, fresh)) {
    const kept = readIntact(file);
    if (kept?.path === path) return kept;
    // Damaged, or the folder has moved.
    replaceFile(file, fresh);
  }
  const endpoint = readIntact(file);
  if (endpoint === undefined) throw new CourierError('state-unusable', `${file} is damaged`);
  return endpoint;
}

/** `undefined` if it is damaged. */
function readIntact(file: string): Endpoint | undefined {
  try {
    return v.parse(schema, JSON.parse(readStateFile(file)));
  } catch {
    return undefined;
  }
}

/** `undefined` where sockets are no files. */
function inodeOf(path: string): number | undefined {
  try {
    return process.platform === 'win32' ? undefined : statSync(path).ino;
  } catch {
    return -1;
  }
}
