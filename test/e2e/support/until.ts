/** For what no page waits for by itself. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * How long anything may take. It costs nothing while things go well: a machine under load starts an extension
 * host in ten seconds, a slow one under load in a minute.
 */
export const PATIENCE_MS = 120_000;
const POLL_MS = 100;

/** Asks again until there is an answer. */
export async function until<Answer>(
  what: string,
  ask: () => Answer | false | Promise<Answer | false>,
): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(POLL_MS);
  }
}
