import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { familyOf, isAlive } from './proc.ts';

/** A process that was started here, with whatever it has started itself. */
export interface Running {
  readonly pid: number;
  /** Its exit status; 127 if it could not be started, `null` if a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** What a process may take between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

/**
 * The processes that run now. Each is the leader of a group of its own, so that a pipeline ends as a whole, and so
 * that Ctrl-C reaches only who started it, who then ends them in order. Groups are ended by id.
 */
export class Processes {
  readonly #running = new Set<Running>();

  /** Starts a program; what it says is added to the file `log`. */
  start(words: readonly string[], log: string): Running {
    const [program = '', ...rest] = words;
    const output = openSync(log, 'a');
    const child = spawn(program, rest, { detached: true, stdio: ['ignore', output, output] });
    closeSync(output);
    const ended = new Promise<number | null>((settle) => {
      child.once('error', () => settle(127));
      child.once('exit', settle);
    });
    const running: Running = { pid: child.pid ?? 0, ended: this.#untilEnded(ended, () => running) };
    this.#running.add(running);
    return running;
  }

  /** Ends one, with all that it has started. */
  async stop(running: Running): Promise<void> {
    if (!this.#running.has(running)) return;
    // sshd puts what it starts into sessions of their own.
    const family = familyOf(running.pid);
    signalGroup(running, 'SIGTERM');
    const limit = new AbortController();
    const isLate = await Promise.race([
      running.ended.then(() => false),
      pause(GRACE_MS, true, { signal: limit.signal }).catch(() => false),
    ]);
    limit.abort();
    if (isLate) signalGroup(running, 'SIGKILL');
    await running.ended;
    for (const pid of family) if (isAlive(pid)) kill(pid, 'SIGKILL');
  }

  /** Ends all, at once. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => this.stop(running)));
  }

  async #untilEnded(ended: Promise<number | null>, which: () => Running): Promise<number | null> {
    const status = await ended;
    // A pipeline may outlive its shell.
    signalGroup(which(), 'SIGTERM');
    this.#running.delete(which());
    return status;
  }
}

function signalGroup({ pid }: Running, signal: NodeJS.Signals): void {
  // 0 would be our own group.
  if (pid !== 0) kill(-pid, signal);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
