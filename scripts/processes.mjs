/*
 * Finds the processes below a server that have left its process group, as a
 * detached engine does: they all inherited one variable of their environment.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The variable whose value is different for every server that is started. */
export const markVariable = 'PEER_COURIER_TEST_SERVER';

/**
 * The living processes with this mark. None can be told on Windows, where taskkill follows parents instead.
 *
 * @param {string} mark
 * @returns {{ pid: number, command: string }[]}
 */
export function processesMarked(mark) {
  const text = `${markVariable}=${mark}`;
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).split('\0').includes(text))
      .map((name) => ({
        pid: Number(name),
        command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
      }));
  }
  if (process.platform === 'win32') return [];
  const { stdout } = spawnSync('ps', ['-axeww', '-o', 'pid=,command='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(text))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));
}

/** What is gone or another user's reads as empty. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
