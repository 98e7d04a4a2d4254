import { packageVersion } from '../node/packageVersion.ts';

/** The version of the package that this program was built into: its `package.json` lies beside `dist`. */
export function version(): string {
  return packageVersion(new URL('../package.json', import.meta.url));
}
