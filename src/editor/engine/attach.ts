import { deferred } from '../../base/deferred.ts';
import type { HelloParams, HelloResult } from '../../rpc/contract.ts';
import { failureOf, isCancelled, localFailure } from '../model/editorFailure.ts';
import { compareVersions } from '../model/version.ts';
import { connectTo, readEndpoint } from './endpoint.ts';
import { ENDPOINT_FILE, EngineConnection, READY_LINE, RPC_VERSION } from './engineConnection.ts';
import type { EngineEvents } from './engineConnection.ts';
import { startEngine } from './engineProcess.ts';

const ROUNDS = 3;
const HELLO_TIMEOUT_MS = 10_000;
const HAND_OVER_TIMEOUT_MS = 10_000;

export interface AttachOptions {
  /** Absolute path of the engine's bundle. */
  readonly program: string;
  /** The engine's folder. */
  readonly storage: string;
  readonly mayStart: boolean;
  readonly hello: Omit<HelloParams, 'token' | 'rpcVersion'>;
  readonly log: (text: string) => void;
}

export interface Attached {
  readonly connection: EngineConnection;
  readonly greeting: HelloResult;
  /** This window has started the engine. */
  readonly hasStarted: boolean;
}

/**
 * Connects to the engine that serves this user, starting it if there is none and replacing it if it is
 * older than this extension. `undefined` if there is none and it may not be started.
 */
export async function attach(options: AttachOptions, events: EngineEvents): Promise<Attached | undefined> {
  let last: unknown;
  let hasStarted = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const attached = await greet(options, events).catch((error: unknown) => {
      if (['engine-newer', 'state-unusable'].includes(failureOf(error).code)) throw error;
      last = error;
      options.log(`the engine cannot be reached: ${describe(error)}`);
      return undefined;
    });
    if (attached !== undefined) return { ...attached, hasStarted };
    if (!options.mayStart) return undefined;
    await startEngine(
      { file: options.program, storage: options.storage, readyLine: READY_LINE },
      options.log,
    );
    hasStarted = true;
  }
  const attached = await greet(options, events).catch((error: unknown) => {
    last = error;
    return undefined;
  });
  if (attached !== undefined) return { ...attached, hasStarted };
  throw localFailure('engine-unavailable', describe(last ?? 'it starts and cannot be reached'), last);
}

/** `undefined` if nobody is there, or nobody any more. */
async function greet(
  { storage, hello, log }: AttachOptions,
  events: EngineEvents,
): Promise<Omit<Attached, 'hasStarted'> | undefined> {
  const endpoint = await readEndpoint(storage, ENDPOINT_FILE);
  if (endpoint === undefined) return undefined;
  const socket = await connectTo(endpoint);
  let isGreeted = false;
  const ended = deferred<void>();
  const connection = new EngineConnection(socket, {
    ...events,
    ended: () => {
      ended.resolve();
      if (isGreeted) events.ended();
    },
  });
  try {
    const params: HelloParams = { ...hello, token: endpoint.token, rpcVersion: RPC_VERSION };
    const greeting = await connection.call('hello', params, {
      signal: AbortSignal.timeout(HELLO_TIMEOUT_MS),
    });
    if (compareVersions(greeting.version, hello.version) < 0) {
      log(`engine ${greeting.version} hands over to ${hello.version}`);
      await connection.call('handOver', undefined, { signal: AbortSignal.timeout(HAND_OVER_TIMEOUT_MS) });
      await Promise.race([ended.promise, pause(HAND_OVER_TIMEOUT_MS)]);
      connection.dispose();
      return undefined;
    }
    if (greeting.rpcVersion !== RPC_VERSION) throw localFailure('engine-newer', greeting.version);
    isGreeted = true;
    return { connection, greeting };
  } catch (error) {
    connection.dispose();
    if (failureOf(error).code === 'version-mismatch') throw localFailure('engine-newer', '', error);
    throw error;
  }
}

function describe(error: unknown): string {
  if (isCancelled(error)) return 'no answer in time';
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
