import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Endpoint } from '../../rpc/contract.ts';

const CONNECT_TIMEOUT_MS = 5000;

/** Where the engine says it can be reached; `undefined` if none has left a word. */
export async function readEndpoint(storage: string, file: string): Promise<Endpoint | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(storage, file), 'utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('path' in value) || !('token' in value)) {
    return undefined;
  }
  const { path, token } = value;
  return typeof path === 'string' && typeof token === 'string' ? { path, token } : undefined;
}

/** Connects to the engine's local socket; rejects if nobody is behind it. */
export function connectTo({ path }: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_TIMEOUT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
