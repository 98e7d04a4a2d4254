import { createCipheriv, createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { WickedIdentity } from './wickedIdentity.ts';
import { ALPN, WickedPeer } from './wickedPeer.ts';
import type { WickedAddress } from './wickedPeer.ts';

/**
 * TLS 1.3 records made by hand (RFC 8446), for what no library sends. Node's own TLS finishes the handshake; from then
 * on the test encrypts by itself, under the secrets that were logged.
 */

export const RECORD = { alert: 21, handshake: 22, data: 23 } as const;

const CIPHER = 'TLS_AES_128_GCM_SHA256';
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
const DIGEST_BYTES = 32;
const TAG_BYTES = 16;

/** A connection whose handshake is done. */
export class WickedRecords {
  /** What goes in here goes out as it is. */
  readonly raw: Socket;
  /** For listening only: what it said would be encrypted a second time under the same keys. */
  readonly peer: WickedPeer;
  readonly #exporterSecret: Buffer;
  #secret: Buffer;
  #sequence = 0n;

  constructor(raw: Socket, peer: WickedPeer, secrets: ReadonlyMap<string, Buffer>) {
    this.raw = raw;
    this.peer = peer;
    this.#secret = secretIn(secrets, 'CLIENT_TRAFFIC_SECRET_0');
    this.#exporterSecret = secretIn(secrets, 'EXPORTER_SECRET');
  }

  /** One record, encrypted; `padding` zeros make it longer and say nothing. */
  record(type: number, content: Uint8Array, padding = 0): Buffer {
    const length = content.length + 1 + padding + TAG_BYTES;
    const header = Buffer.from([RECORD.data, 3, 3, Math.floor(length / 256), length % 256]);
    const key = expandLabel(this.#secret, 'key', '', KEY_BYTES);
    const nonce = expandLabel(this.#secret, 'iv', '', NONCE_BYTES);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.#sequence, 4);
    this.#sequence += 1n;
    const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(header);
    const sealed = cipher.update(Buffer.concat([content, Buffer.from([type]), Buffer.alloc(padding)]));
    return Buffer.concat([header, sealed, cipher.final(), cipher.getAuthTag()]);
  }

  /** The other side has to take new keys for what follows; it is asked to do the same with its own. */
  keyUpdate(): Buffer {
    const record = this.record(RECORD.handshake, Buffer.from([24, 0, 0, 1, 1]));
    this.#secret = expandLabel(this.#secret, 'traffic upd', '', DIGEST_BYTES);
    this.#sequence = 0n;
    return record;
  }

  /** What both ends derive from the connection, by the book; § 7.5. */
  exporter(label: string, length: number): Buffer {
    const nothing = createHash('sha256').digest();
    const secret = expandLabel(this.#exporterSecret, label, nothing, DIGEST_BYTES);
    return expandLabel(secret, 'exporter', nothing, length);
  }
}

function secretIn(secrets: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const secret = secrets.get(name);
  if (secret === undefined) throw new Error(`the handshake logged no ${name}`);
  return secret;
}

/** HKDF-Expand-Label with SHA-256, for outputs of one block; § 7.1. */
function expandLabel(secret: Uint8Array, label: string, context: string | Buffer, length: number): Buffer {
  const name = `tls13 ${label}`;
  const info = Buffer.concat([
    Buffer.from([0, length, name.length]),
    Buffer.from(name),
    Buffer.from([context.length]),
    Buffer.from(context),
    Buffer.from([1]),
  ]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

/** Connects and finishes the handshake. */
export async function wickedRecords(
  address: WickedAddress,
  identity: WickedIdentity,
): Promise<WickedRecords> {
  const raw = connectTcp(address);
  const tls = connectTls({
    socket: passThrough(raw),
    key: identity.privateKey,
    cert: identity.certificate,
    ciphers: CIPHER,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
  });
  const peer = new WickedPeer(tls);
  const secrets = new Map<string, Buffer>();
  tls.on('keylog', (line: Buffer) => {
    const [name = '', , secret = ''] = line.toString('latin1').trim().split(' ');
    secrets.set(name, Buffer.from(secret, 'hex'));
  });
  await once(tls, 'secureConnect');
  return new WickedRecords(raw, peer, secrets);
}

/** A stream around the socket: TLS would take the socket itself for good. */
function passThrough(raw: Socket): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      raw.write(bytes, () => done());
    },
  });
  raw.on('data', (bytes: Buffer) => stream.push(bytes));
  raw.on('error', () => undefined);
  raw.once('close', () => stream.destroy());
  return stream;
}
