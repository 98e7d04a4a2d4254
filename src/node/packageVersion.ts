import { readFileSync } from 'node:fs';
import * as v from 'valibot';

/** The version in a `package.json`. */
export function packageVersion(file: URL): string {
  return v.parse(v.object({ version: v.string() }), JSON.parse(readFileSync(file, 'utf8'))).version;
}
