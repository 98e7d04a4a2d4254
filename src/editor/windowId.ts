import type { Memento } from 'vscode';

const KEY = 'window';

/** A name for this window that stays over a reload: the workspace's own memory keeps it. */
export function windowIdOf(memory: Memento, onError: (error: unknown) => void): string {
  const known = memory.get<unknown>(KEY);
  if (typeof known === 'string') return known;
  const id = crypto.randomUUID();
  memory.update(KEY, id).then(undefined, onError);
  return id;
}
