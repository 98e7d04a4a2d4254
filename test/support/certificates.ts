// tsyringe, inside @peculiar/x509, needs this to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { createIdentityPem } from '../../src/node/identity/certificate.ts';
import { identityOf } from '../../src/node/identity/identity.ts';
import type { Identity, IdentityPem } from '../../src/node/identity/identity.ts';

/** Certificates for tests: ours, and those that nobody of ours would show. */

export async function newIdentity(): Promise<Identity> {
  return identityOf(await createIdentityPem());
}

const foreignAlgorithms = {
  'RSA 2048': {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  Ed25519: { name: 'Ed25519' },
} as const;

export type ForeignKey = keyof typeof foreignAlgorithms;

export const foreignKeys = Object.keys(foreignAlgorithms) as ForeignKey[];

/** A self-signed certificate with a key that is not on P-256. */
export async function newForeignPem(key: ForeignKey): Promise<IdentityPem> {
  const algorithm = foreignAlgorithms[key];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    { serialNumber: '01', name: 'CN=peer-courier', signingAlgorithm: algorithm, keys },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: certificate.toString('pem'),
    privateKey: x509.PemConverter.encode(privateKey, 'PRIVATE KEY'),
  };
}
