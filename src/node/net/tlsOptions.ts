import { constants } from 'node:crypto';
import type { CommonConnectionOptions, SecureContextOptions, TLSSocket } from 'node:tls';
import { CourierError } from '../../base/failure.ts';
import type { Fingerprint } from '../../peers/fingerprint.ts';
import { certificateFingerprint } from '../identity/identity.ts';
import type { Identity } from '../identity/identity.ts';

/**
 * What a connection is for: a session of its own, in which the dialler sends; one more lane of a session; two users who
 * compare a code; or a session in which the dialler receives what the listener shares.
 */
export type Purpose = 'session' | 'lane' | 'pairing' | 'share';

export const ALPN: Readonly<Record<Purpose, string>> = {
  session: 'peer-courier/1',
  lane: 'peer-courier-lane/1',
  pairing: 'peer-courier-pairing/1',
  share: 'peer-courier-share/1',
};
export const PURPOSES: readonly Purpose[] = ['session', 'lane', 'pairing', 'share'];

/** The port of a receiver that is not told another. */
export const DEFAULT_PORT = 47_470;
/** From the first packet until both keys are proven. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

const EXPORTER_LABEL = 'EXPORTER-peer-courier/1';
const EXPORTER_BYTES = 32;

/**
 * What both ends of a connection ask for. Certificates are checked by us, by their key, because nobody
 * signs them; hence `rejectUnauthorized: false` beside {@link identifyPeer}, which every connection must
 * pass before anything listens to its data. `ca` is there and empty on purpose: without it VS Code, which
 * patches `tls.connect`, would load the system's, and for anything in it Node would first read and parse what
 * `NODE_EXTRA_CA_CERTS` names. No tickets, because a resumed session does not show the peer's certificate.
 */
export function tlsOptions(
  identity: Identity,
  purposes: readonly Purpose[],
): SecureContextOptions & CommonConnectionOptions {
  return {
    key: identity.privateKey,
    cert: identity.certificate,
    ca: [],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ALPNProtocols: purposes.map((purpose) => ALPN[purpose]),
    rejectUnauthorized: false,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** What a finished handshake proves. */
export interface SecuredPeer {
  readonly purpose: Purpose;
  readonly fingerprint: Fingerprint;
  /** 32 bytes that only the two ends of this connection know. */
  readonly exporter: Uint8Array;
}

/** Who is at the other end; throws for anybody who is not one of us. Call it before reading any data. */
export function identifyPeer(socket: TLSSocket): SecuredPeer {
  const purpose = PURPOSES.find((each) => ALPN[each] === socket.alpnProtocol);
  if (purpose === undefined) {
    throw new CourierError('not-peer-courier', 'the peer speaks another protocol');
  }
  if (socket.isSessionReused()) throw new CourierError('not-peer-courier', 'a resumed TLS session');
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new CourierError('not-peer-courier', 'the peer shows no certificate');
  return {
    purpose,
    fingerprint: certificateFingerprint(certificate),
    exporter: socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0)),
  };
}
