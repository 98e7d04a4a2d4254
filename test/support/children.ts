import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Things that only another process can show: races, other users, memory. The tasks are in `childTask.ts`. */

const SCRIPT = fileURLToPath(new URL('childTask.ts', import.meta.url));

/** The user nobody on Linux; only root can become it. */
export const NOBODY = 65_534;

export interface ChildOptions {
  readonly uid?: number;
}

/** Runs one task. */
export async function runTask(
  task: string,
  texts: readonly string[],
  options: ChildOptions = {},
): Promise<unknown> {
  const [result] = await runTogether(task, [texts], options);
  return result;
}

/** Runs a task in several processes that set off together, when the last of them is ready. */
export async function runTogether(
  task: string,
  each: readonly (readonly string[])[],
  { uid }: ChildOptions = {},
): Promise<unknown[]> {
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const children = each.map((texts) =>
    fork(SCRIPT, [task, ...texts], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...identity,
    }),
  );
  try {
    await Promise.all(children.map((child) => nextMessage(child)));
    const results = children.map(async (child) => {
      const message = nextMessage(child);
      child.send('go');
      return ((await message) as { readonly result?: unknown }).result;
    });
    const all = await Promise.all(results);
    for (const child of children) if (child.exitCode === null) await once(child, 'exit');
    return all;
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

/** The id of a process that is no more. */
export async function deadProcessId(): Promise<number> {
  const child = fork(SCRIPT, ['exit'], { execArgv: [] });
  await nextMessage(child);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  return child.pid ?? 0;
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`a child process ended without a word: ${child.exitCode}`));
    child.once('exit', ended);
    child.once('error', reject);
    child.once('message', (message: unknown) => {
      child.off('exit', ended);
      child.off('error', reject);
      resolve(message);
    });
  });
}
