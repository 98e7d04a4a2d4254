import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Courier } from './courier.ts';

/** As in the engine's contract, which is not loaded before it is needed. */
const ENDPOINT_FILE = 'endpoint.json';

/**
 * What happens when a window opens: nothing, unless another window runs the engine, a transfer was
 * interrupted, or the user wants the receiver to start with the editor.
 */
export async function startUp({ client, settings, state, log }: Courier, storage: string): Promise<void> {
  try {
    const startsReceiver = settings.startsWithEditor();
    if ((await exists(join(storage, ENDPOINT_FILE))) && (await client.connectIfRunning())) return;
    if (!startsReceiver && !(await hasInterrupted(storage))) return;
    await client.connect();
    if (!startsReceiver || state.current.receiver.state !== 'off') return;
    await client.call('startReceiver', undefined);
  } catch (error) {
    // Nobody asked for anything yet: the views say it, and the log why.
    log.error(`at start-up: ${String(error)}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function hasInterrupted(storage: string): Promise<boolean> {
  for (const folder of ['jobs', 'accepted']) {
    const names = await readdir(join(storage, folder)).catch(() => []);
    if (names.length > 0) return true;
  }
  return false;
}
