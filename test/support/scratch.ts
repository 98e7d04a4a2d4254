import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** An empty folder of the test's own; it is gone when the test is over. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'peer-courier-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The same in memory where the system has a place for that: for thousands of small files that no disk has to keep. */
export function memoryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'peer-courier-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const MEMORY = '/dev/shm';
