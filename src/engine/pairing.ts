import { CourierError } from '../base/failure.ts';
import { printable } from '../base/printable.ts';
import { systemClock } from '../node/clock.ts';
import { nodeHashing } from '../node/hashing.ts';
import type { Identity } from '../node/identity/identity.ts';
import { dial } from '../node/net/dial.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { toHex } from '../base/bytes.ts';
import { parseAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { wrongIdentity } from '../peers/fingerprint.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { inviteName, inviteProof, parseInvite } from '../peers/invite.ts';
import { SenderSession } from '../protocol/senderSession.ts';
import { SessionPump } from '../transfer/sessionPump.ts';
import { greeting } from './greeting.ts';
import { requireNotBlocked } from './notBlocked.ts';
import { ourselves } from './sender.ts';
import type { StateFolder } from './stateFolder.ts';
import { noCompression } from '../node/codec/noCompression.ts';

/** How a peer becomes a known one. */

export interface PairInit {
  readonly state: StateFolder;
  readonly identity: Identity;
  /** What this device calls itself. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * Redeems an invite: a session that ends after both sides have greeted each other. From then on each
 * knows the other. Rejects with a {@link CourierError}; a refusal of the peer's has its code.
 */
export async function pairByInvite(text: string, init: PairInit): Promise<Fingerprint> {
  const { state, identity, name, signal } = init;
  const { fingerprint, id, token, addresses } = parseInvite(nodeHashing, text);
  if (fingerprint === identity.fingerprint) {
    throw new CourierError('invite-refused', 'this invite was made by this device');
  }
  requireNotBlocked(state, fingerprint);
  const connection = await dial({
    identity,
    addresses,
    checkPeer: (peer, address) => {
      if (peer.fingerprint === fingerprint) return;
      // An address of the other machine's may mean ourselves here: each has its own 172.17.0.1.
      if (peer.fingerprint === identity.fingerprint) throw ourselves(address);
      throw wrongIdentity(fingerprint, peer.fingerprint);
    },
    signal,
  });
  const proof = inviteProof(nodeHashing, {
    token,
    exporter: connection.exporter,
    dialler: identity.fingerprint,
    listener: fingerprint,
  });
  const session = new SenderSession({
    isDialler: true,
    hello: greeting('sender', name, noCompression, {
      proof: { invite: inviteName(id), mac: toHex(proof) },
    }),
    now: systemClock.now(),
  });
  let peerName: string | undefined;
  const pump = new SessionPump(session.conversation, connection.channel, systemClock, (event) => {
    if (event.type !== 'opened') return;
    peerName = printable(event.hello.name, 64);
    // We have nothing to offer today.
    pump.close({ code: 'cancelled' });
  });
  const stop = (): void => pump.close({ code: 'cancelled' });
  signal.addEventListener('abort', stop);
  const { close } = await pump.run();
  signal.removeEventListener('abort', stop);
  if (peerName === undefined) {
    throw new CourierError(close.code === 'done' ? 'protocol-error' : close.code, close.message ?? '');
  }
  state.peers.remember({ fingerprint, name: peerName, addresses: [connection.address, ...addresses] });
  return fingerprint;
}

/** Which key answers at an address. Nothing is sent, nothing is trusted by it. */
export async function lookUp(
  text: string,
  { identity, signal }: { readonly identity: Identity; readonly signal: AbortSignal },
): Promise<{ readonly address: Address; readonly fingerprint: Fingerprint }> {
  const address = parseAddress(text.trim(), DEFAULT_PORT);
  if (address === undefined) throw new CourierError('unreachable', `${printable(text)} is no address`);
  const { channel, fingerprint } = await dial({
    identity,
    addresses: [address],
    checkPeer: () => undefined,
    signal,
  });
  await channel.close();
  if (fingerprint === identity.fingerprint) {
    throw new CourierError('unreachable', `${printable(text)} is this device itself`);
  }
  return { address, fingerprint };
}
