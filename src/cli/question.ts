import { createInterface } from 'node:readline/promises';

/**
 * Asks for a yes on the standard input; anything else is a no, and so is an input that ends, and a signal that goes off.
 * The question is shown on a terminal only: programs are told by an event what is asked.
 */
export async function askYes(
  question: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  if (signal.aborted) return false;
  const isForPeople = process.stdout.isTTY;
  const terminal = createInterface({
    input: process.stdin,
    ...(isForPeople ? { output: process.stdout } : {}),
  });
  // While it asks, the terminal is in raw mode and Ctrl-C is a key like any other.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  const ended = new AbortController();
  terminal.on('close', () => ended.abort());
  try {
    const answer = await terminal.question(isForPeople ? question : '', {
      signal: AbortSignal.any([signal, ended.signal]),
    });
    return /^y(?:es)?$/iu.test(answer.trim());
  } catch {
    // It is too late for an answer, or there will be none.
    return false;
  } finally {
    terminal.close();
  }
}
