import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A random name for this host, in a file of its global storage. The editor's own memories (secrets, global
 * state) are kept where the user sits and so are the same for every remote host; this is not.
 */
export async function readHostId(storage: string): Promise<string> {
  const file = join(storage, 'host-id');
  await mkdir(storage, { recursive: true });
  try {
    // Exclusive: with two windows at once, the first one's counts.
    await writeFile(file, crypto.randomUUID(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const id = (await readFile(file, 'utf8')).trim();
    if (/^[0-9a-f-]{36}$/u.test(id)) return id;
    // Another window has made the file and not written it yet.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const id = crypto.randomUUID();
  await writeFile(file, id, { mode: 0o600 });
  return id;
}

const ATTEMPTS = 5;
const PAUSE_MS = 50;
