import { CourierError } from '../../base/failure.ts';
import { isErrno } from '../disk/errno.ts';
import { readStateFile, writeNewFile } from '../state/stateFile.ts';
import type { Identity } from './identity.ts';
import { createIdentity, parseIdentity } from './identityText.ts';

/**
 * The identity kept in `file`, mode 0600: the private key and the certificate, as PEM. It is made when
 * there is none. One that cannot be read is never replaced silently: peers would see a changed key.
 */
export async function loadIdentity(file: string): Promise<Identity> {
  const stored = readIdentity(file);
  if (stored !== undefined) return stored;
  const { certificate, privateKey } = await createIdentity();
  // Another process may have been faster; then its identity is ours.
  writeNewFile(file, `${privateKey}\n${certificate}\n`);
  const made = readIdentity(file);
  if (made === undefined) throw new CourierError('state-unusable', `${file} vanished while it was made`);
  return made;
}

function readIdentity(file: string): Identity | undefined {
  let text: string;
  try {
    text = readStateFile(file);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new CourierError('state-unusable', `${file} cannot be read`, { cause });
  }
  const [privateKey, certificate] = text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/gu) ?? [];
  if (privateKey === undefined || certificate === undefined) {
    throw new CourierError('state-unusable', `${file} is damaged`);
  }
  return parseIdentity({ privateKey, certificate }, file);
}
