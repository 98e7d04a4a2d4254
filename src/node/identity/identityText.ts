import { sign, verify, X509Certificate } from 'node:crypto';
import { CourierError } from '../../base/failure.ts';
import { identityOf } from './identity.ts';
import type { Identity, IdentityPem } from './identity.ts';

/** Parses an identity that was kept; throws `state-unusable` with `where` if it is damaged. */
export function parseIdentity({ privateKey, certificate }: IdentityPem, where: string): Identity {
  try {
    const identity = identityOf({ privateKey, certificate });
    if (!belongTogether(privateKey, certificate)) throw new RangeError('not a pair');
    return identity;
  } catch (cause) {
    throw new CourierError('state-unusable', `${where} is damaged`, { cause });
  }
}

/** A new identity. */
export async function createIdentity(): Promise<Identity> {
  const { createIdentityPem } = await import('./certificate.ts');
  return identityOf(await createIdentityPem());
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
