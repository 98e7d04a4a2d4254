import { readFileSync } from 'node:fs';
import * as v from 'valibot';

/** The version of the package that this program was built into: its `package.json` lies beside `dist`. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return v.parse(v.object({ version: v.string() }), JSON.parse(text)).version;
}
