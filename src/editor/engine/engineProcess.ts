import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { localFailure } from '../model/editorFailure.ts';

const START_TIMEOUT_MS = 15_000;
const MOST_OUTPUT_CHARACTERS = 4000;

export interface EngineProgram {
  /** Absolute path of the engine's bundle. */
  readonly file: string;
  /** Absolute path of the folder with its state. */
  readonly storage: string;
  /** The line that says that somebody serves the endpoint. */
  readonly readyLine: string;
}

/**
 * Starts the engine as a process of its own, from the editor's executable, and waits until it or a faster
 * one serves the endpoint. The process outlives this window: a reload must not break a transfer.
 */
export async function startEngine(
  { file, storage, readyLine }: EngineProgram,
  onOutput: (text: string) => void,
): Promise<void> {
  const child = spawn(process.execPath, [file, '--storage', storage], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  try {
    await untilReady(child, readyLine, onOutput);
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.removeAllListeners();
    child.on('error', () => undefined);
    child.unref();
  }
}

function untilReady(child: ChildProcess, readyLine: string, onOutput: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    let errors = '';
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(localFailure('engine-unavailable', errors.trim() === '' ? reason : errors.trim()));
    };
    const timer = setTimeout(() => {
      child.kill();
      fail(`not ready after ${START_TIMEOUT_MS / 1000} s`);
    }, START_TIMEOUT_MS);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-MOST_OUTPUT_CHARACTERS);
      onOutput(text);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MOST_OUTPUT_CHARACTERS);
      if (!output.split(/\r?\n/u).slice(0, -1).includes(readyLine)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('error', (error) => fail(error.message));
    // `close` comes after the last output; an engine that found another one serving says so and ends.
    child.once('close', (code, signal) => fail(`ended with ${signal ?? code ?? 'an unknown status'}`));
  });
}
