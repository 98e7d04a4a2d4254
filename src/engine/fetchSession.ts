import { printable } from '../base/printable.ts';
import type { Identity } from '../node/identity/identity.ts';
import { goesOnWhenCrossed } from '../peers/crossing.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import { greeting } from './greeting.ts';
import { beginIncoming } from './incomingSession.ts';
import type { IncomingCommon } from './incomingSession.ts';
import type { IncomingPeer } from './receiver.ts';
import { proofOf, reach } from './sender.ts';
import type { DialTarget } from './sender.ts';

/** What another device shares, and how to come to it. */
export interface FetchSessionInit {
  readonly common: IncomingCommon;
  readonly identity: Identity;
  /** What this device calls itself. */
  readonly name: string;
  /** The invite that leads there; or the peer, once the transfer is known. */
  readonly target: DialTarget;
  /** Absent before the first offer. */
  readonly transfer: string | undefined;
  readonly observer: FetchObserver;
  /** Whether every offer of a peer is consented to as soon as it is made. */
  readonly consentsAtOnce?: (fingerprint: Fingerprint) => boolean;
  /** Ends the dialling; a session that has begun is ended by what the observer is given. */
  readonly signal: AbortSignal;
}

export interface FetchObserver {
  /** The other device is who it should be. `giveWay` ends the session because another connection brings the same. */
  connected(giveWay: () => void): void;
  /** It has let us in, and is a known peer from now on. */
  opened(peer: IncomingPeer): void;
  /** The transfer has a name. */
  offered(transfer: string): void;
}

/**
 * Dials a device and receives what it shares, for one session. Resolves when that has ended, however it did; rejects with
 * a {@link CourierError} when it could not even begin.
 */
export async function fetchSession(init: FetchSessionInit): Promise<IncomingReport> {
  const { common, identity, name, target, transfer, observer, signal } = init;
  const connection = await reach({ state: common.state, signal }, target, identity, 'share');
  const { fingerprint, address } = connection;
  const hints = target.kind === 'invite' ? target.invite.addresses : [];
  const proof = proofOf(target, identity, connection, 'share');
  const session = beginIncoming({
    ...common,
    consentsAtOnce: init.consentsAtOnce?.(fingerprint) ?? false,
    observer: withOffer(common.observer, (id) => observer.offered(id)),
    channel: connection.channel,
    hello: greeting('receiver', name, common.compression, { proof, transfer }),
    isFetched: true,
    isPreferred: goesOnWhenCrossed(identity.fingerprint, fingerprint),
    peer: { name: nameOf(common, fingerprint) ?? '', fingerprint },
    opened: (called) => {
      const { peers } = common.state;
      const addresses = [address, ...hints];
      // Only an invite makes somebody known: a peer that was forgotten while we dialled stays forgotten.
      if (target.kind === 'invite') peers.remember({ fingerprint, name: printable(called, 64), addresses });
      else peers.reached(fingerprint, addresses);
      const peer = { fingerprint, name: nameOf(common, fingerprint) ?? '' };
      observer.opened(peer);
      return peer;
    },
  });
  const stop = (): void => session.transfer.interrupt();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  observer.connected(() => session.transfer.giveWay());
  try {
    return await session.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function nameOf({ state }: IncomingCommon, fingerprint: Fingerprint): string | undefined {
  return state.peers.find(fingerprint)?.name;
}

/** Hears of the offer, before the observer does. */
function withOffer(
  observer: IncomingCommon['observer'],
  offered: (transfer: string) => void,
): IncomingCommon['observer'] {
  return {
    started: (receiving) => {
      offered(receiving.id);
      observer.started(receiving);
    },
    listed: (...what) => observer.listed?.(...what),
    entryFailed: (...what) => observer.entryFailed(...what),
    ended: (...how) => observer.ended(...how),
    refused: (...who) => observer.refused(...who),
  };
}
