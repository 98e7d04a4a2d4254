/** The other end of `flipping.ts`, in a thread of its own. Never imported but for its types. */
import { renameSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

export interface FlipOrder {
  readonly folder: string;
  readonly link: string;
  /** Where the folder is while the link has its name. */
  readonly away: string;
  /** Two numbers: whether to stop, and how often it was swapped. */
  readonly shared: SharedArrayBuffer;
}

function flip({ folder, link, away, shared }: FlipOrder): void {
  const state = new Int32Array(shared);
  while (Atomics.load(state, 0) === 0) {
    renameSync(folder, away);
    put(link, folder, away);
    Atomics.add(state, 1, 1);
    renameSync(folder, link);
    put(away, folder, away);
  }
}

let moved = 0;

/** Puts something in the place of the folder, though one has been made there meanwhile. */
function put(from: string, folder: string, away: string): void {
  for (;;) {
    try {
      renameSync(from, folder);
      return;
    } catch {
      moved += 1;
      renameSync(folder, `${away}-${moved}`);
    }
  }
}

if (!isMainThread) flip(workerData as FlipOrder);
