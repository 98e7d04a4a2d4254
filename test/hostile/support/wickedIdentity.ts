import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bits, der, identifier, integer, moment, octets, sequence, set, text } from './der.ts';

/** What a wicked peer shows in its TLS handshake; made here, byte for byte, by nobody's library. */
export interface WickedIdentity {
  /** PEM. */
  readonly privateKey: string;
  /** PEM; with the rest of a chain after it if there is one. */
  readonly certificate: string;
  /** SHA-256 of the public key, 32 bytes. */
  readonly fingerprint: Buffer;
}

export interface WickedIdentityInit {
  /** `p256` is what the protocol asks for. */
  readonly key?: 'p256' | 'p384' | 'ed25519' | 'rsa512' | 'rsa1024' | 'rsa2048';
  readonly subject?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Bytes of nonsense in an extension: makes it as large as one likes. */
  readonly ballastBytes?: number;
  /** How many certificates of strangers follow it. */
  readonly chain?: number;
  /** May sign others' certificates. */
  readonly isAuthority?: boolean;
  /** Who signs it instead of its own key. */
  readonly authority?: { readonly subject: string; readonly privateKey: string };
}

const COMMON_NAME = identifier('550403');
const BASIC_CONSTRAINTS = identifier('551d13');
const NETSCAPE_COMMENT = identifier('6086480186f842010d');

/** A new key with a self-signed certificate. */
export function wickedIdentity(init: WickedIdentityInit = {}): WickedIdentity {
  const { publicKey, privateKey } = keyPair(init.key ?? 'p256');
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const own = certificate(init, key, privateKey);
  const rest = Array.from({ length: init.chain ?? 0 }, () => {
    const other = keyPair('p256');
    return certificate({}, other.publicKey.export({ type: 'spki', format: 'der' }), other.privateKey);
  });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: [own, ...rest].map(pem).join(''),
    fingerprint: createHash('sha256').update(key).digest(),
  };
}

function keyPair(kind: NonNullable<WickedIdentityInit['key']>): {
  publicKey: KeyObject;
  privateKey: KeyObject;
} {
  switch (kind) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa512':
      return generateKeyPairSync('rsa', { modulusLength: 512 });
    case 'rsa1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 });
    case 'rsa2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

function certificate(init: WickedIdentityInit, key: Uint8Array, ownKey: KeyObject): Buffer {
  const { subject = 'wicked', notBefore = '20000101000000Z', notAfter = '29991231235959Z', authority } = init;
  const signer = authority === undefined ? ownKey : createPrivateKey(authority.privateKey);
  const algorithm = signatureAlgorithm(signer);
  const extensions = extensionsOf(init);
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1, ...randomBytes(8)),
    algorithm,
    nameOf(authority?.subject ?? subject),
    sequence(moment(notBefore), moment(notAfter)),
    nameOf(subject),
    key,
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const hash = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sequence(body, algorithm, bits(sign(hash, body, signer)));
}

const nameOf = (subject: string): Buffer => sequence(set(sequence(COMMON_NAME, text(subject))));

function extensionsOf({ isAuthority = false, ballastBytes = 0 }: WickedIdentityInit): Buffer[] {
  const yes = der(0x01, Buffer.from([0xff]));
  const ballast = octets(der(0x16, Buffer.alloc(ballastBytes, 0x78)));
  return [
    ...(isAuthority ? [sequence(BASIC_CONSTRAINTS, yes, octets(sequence(yes)))] : []),
    ...(ballastBytes > 0 ? [sequence(NETSCAPE_COMMENT, ballast)] : []),
  ];
}

function signatureAlgorithm({ asymmetricKeyType }: KeyObject): Buffer {
  if (asymmetricKeyType === 'ed25519') return sequence(identifier('2b6570'));
  if (asymmetricKeyType === 'rsa') return sequence(identifier('2a864886f70d01010b'), der(0x05));
  return sequence(identifier('2a8648ce3d040302'));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/gu) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
