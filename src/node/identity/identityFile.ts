import { sign, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CourierError } from '../../base/failure.ts';
import { isErrno } from '../disk/errno.ts';
import { writeNewFile } from '../state/stateFile.ts';
import { identityOf } from './identity.ts';
import type { Identity } from './identity.ts';

/**
 * The identity kept in `file`, mode 0600: the private key and the certificate, as PEM. It is made when
 * there is none. One that cannot be read is never replaced silently: peers would see a changed key.
 */
export async function loadIdentity(file: string): Promise<Identity> {
  const stored = readIdentity(file);
  if (stored !== undefined) return stored;
  const { createIdentityPem } = await import('./certificate.ts');
  const { certificate, privateKey } = await createIdentityPem();
  // Another process may have been faster; then its identity is ours.
  writeNewFile(file, `${privateKey}\n${certificate}\n`);
  const made = readIdentity(file);
  if (made === undefined) throw new CourierError('state-unusable', `${file} vanished while it was made`);
  return made;
}

function readIdentity(file: string): Identity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new CourierError('state-unusable', `${file} cannot be read`, { cause });
  }
  const [privateKey, certificate] = text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/gu) ?? [];
  if (privateKey === undefined || certificate === undefined) throw damaged(file);
  try {
    const identity = identityOf({ privateKey, certificate });
    if (!belongTogether(privateKey, certificate)) throw damaged(file);
    return identity;
  } catch (cause) {
    throw damaged(file, cause);
  }
}

/**
 * Whether the key signs what the certificate verifies. `checkPrivateKey` compares only the public halves,
 * and would take a key whose secret half is damaged.
 */
function belongTogether(privateKey: string, certificate: string): boolean {
  const probe = Buffer.from('peer-courier');
  return verify(
    'sha256',
    probe,
    new X509Certificate(certificate).publicKey,
    sign('sha256', probe, privateKey),
  );
}

function damaged(file: string, cause?: unknown): CourierError {
  return new CourierError('state-unusable', `${file} is damaged`, { cause });
}
