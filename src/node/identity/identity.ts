import { createHash, X509Certificate } from 'node:crypto';
import { CourierError } from '../../base/failure.ts';
import { fingerprintOf } from '../../peers/fingerprint.ts';
import type { Fingerprint } from '../../peers/fingerprint.ts';

/** A key pair and its certificate, as PEM. The private key is secret. */
export interface IdentityPem {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Who this device is. */
export interface Identity extends IdentityPem {
  readonly fingerprint: Fingerprint;
}

export function identityOf(pem: IdentityPem): Identity {
  return { ...pem, fingerprint: certificateFingerprint(new X509Certificate(pem.certificate)) };
}

/** The fingerprint of a certificate's key, which must be on P-256. */
export function certificateFingerprint({ publicKey }: X509Certificate): Fingerprint {
  if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CourierError('wrong-identity', 'the key of a certificate is not on P-256');
  }
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return fingerprintOf(createHash('sha256').update(spki).digest());
}
