/**
 * Preloaded into a program with `--import`: writes its highest resident memory, in bytes, to the file that
 * `PEER_COURIER_TEST_MEMORY` names, when it ends. Not `resourceUsage().maxRSS`: Linux carries that number
 * over from the process that started it.
 */
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/u.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  writeFileSync(process.env['PEER_COURIER_TEST_MEMORY'] ?? '', String(Number(kilobytes) * 1024));
});
