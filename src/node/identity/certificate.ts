// tsyringe, inside @peculiar/x509, needs this to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { IdentityPem } from './identity.ts';

/**
 * Makes a P-256 key and a self-signed certificate for it. The certificate is only the form in which TLS
 * carries a key: its names say nothing and its dates are ignored, so that no clock decides anything.
 * In a file of its own because the library behind it is large and is needed once in a lifetime.
 */
export async function createIdentityPem(): Promise<IdentityPem> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=peer-courier',
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2049-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys,
    },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: certificate.toString('pem'),
    privateKey: x509.PemConverter.encode(privateKey, 'PRIVATE KEY'),
  };
}
