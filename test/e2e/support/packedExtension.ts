import { resolve } from 'node:path';
import { packageExtension } from '../../../scripts/package.mjs';

/** Set by `npm run test:e2e`, which packs once for all files. */
const READY_MADE = process.env['PEER_COURIER_VSIX'];

let packed: Promise<string> | undefined;

/** The path of this project's VSIX, from dist/ as it is. */
export function packedExtension(): Promise<string> {
  packed ??=
    READY_MADE === undefined
      ? packageExtension(resolve(import.meta.dirname, '..', '..', '..', '.vscode-test', 'peer-courier.vsix'))
      : Promise.resolve(READY_MADE);
  return packed;
}
