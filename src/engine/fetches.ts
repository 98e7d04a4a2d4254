import { CourierError } from '../base/failure.ts';
import { systemClock } from '../node/clock.ts';
import type { Identity } from '../node/identity/identity.ts';
import type { Invite } from '../peers/invite.ts';
import { QUIET_RETRY_MS, RETRY_FOR_MS } from '../transfer/retryPolicy.ts';
import { Fetch } from './fetch.ts';
import { fetchSession } from './fetchSession.ts';
import type { IncomingCommon } from './incomingSession.ts';
import type { IncomingTransfers } from './incomingTransfers.ts';
import type { IncomingPeer } from './receiver.ts';
import type { DialTarget } from './sender.ts';

export interface FetchesInit {
  readonly transfers: IncomingTransfers;
  /** What a session has that begins now. */
  readonly common: () => IncomingCommon;
  readonly identity: () => Identity;
  /** What this device calls itself now. */
  readonly name: () => string;
}

interface Running {
  readonly fetch: Fetch;
  /** The invite that it began with; absent, an earlier process has used it. */
  readonly invite: Invite | undefined;
}

/** What this device fetches from others that share it. What was under way goes on when the engine starts again. */
export class Fetches {
  readonly #init: FetchesInit;
  readonly #running = new Set<Running>();

  constructor(init: FetchesInit) {
    this.#init = init;
  }

  /** Goes on with what was under way when the last engine ended. */
  takeUp(): void {
    for (const { id, peer } of this.#init.transfers.fetchable) void this.#run(undefined, peer, id);
  }

  /**
   * Redeems an invite to something that is shared. Resolves as soon as the other device has let us in: what it offers is
   * put before the user as every offer is. The signal counts until then. Rejects with a {@link CourierError}.
   */
  async redeem(invite: Invite, { signal }: { readonly signal: AbortSignal }): Promise<IncomingPeer> {
    if (invite.fingerprint === this.#init.identity().fingerprint) {
      throw new CourierError('invite-refused', 'this invite was made by this device');
    }
    if ([...this.#running].some((each) => each.invite !== undefined && isSame(each.invite, invite))) {
      throw new CourierError('busy', 'this invite is being used already');
    }
    const fetch = this.#run(invite, undefined, undefined);
    const stop = (): void => fetch.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      return await fetch.opened;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Whether there is a connection for a transfer, and no offer over it yet. */
  isConnected(id: string): boolean {
    return this.#of(id).some(({ fetch }) => fetch.isConnected);
  }

  /** Another connection brings a transfer. */
  giveWay(id: string): void {
    for (const { fetch } of this.#of(id)) fetch.giveWay();
  }

  /** This machine may reach others otherwise than before. */
  wake(): void {
    for (const { fetch } of this.#running) fetch.wake();
  }

  #of(id: string): readonly Running[] {
    return [...this.#running].filter(({ fetch }) => fetch.transfer === id);
  }

  #run(invite: Invite | undefined, peer: IncomingPeer | undefined, transfer: string | undefined): Fetch {
    const { transfers, common, identity, name } = this.#init;
    let from = peer;
    const fetch: Fetch = new Fetch({
      clock: systemClock,
      transfers,
      ...(transfer === undefined ? {} : { transfer }),
      patience: () => ({
        forMs: RETRY_FOR_MS,
        // What nobody has agreed to is not waited for so long.
        ...(fetch.transfer !== undefined && transfers.isAccepted(fetch.transfer)
          ? { thenEveryMs: QUIET_RETRY_MS }
          : {}),
      }),
      session: (id, observer, { signal }) =>
        fetchSession({
          common: common(),
          identity: identity(),
          name: name(),
          target: targetOf(id === undefined ? invite : undefined, from),
          transfer: id,
          observer: {
            ...observer,
            opened: (found) => {
              from = found;
              observer.opened(found);
            },
          },
          signal,
        }),
    });
    const running = { fetch, invite };
    this.#running.add(running);
    void fetch.run().then((failure) => {
      this.#running.delete(running);
      if (failure !== undefined && fetch.transfer !== undefined) transfers.failed(fetch.transfer, failure);
    });
    return fetch;
  }
}

/** By the invite as long as it may be needed: the name of the transfer comes only with its offer. */
function targetOf(invite: Invite | undefined, peer: IncomingPeer | undefined): DialTarget {
  if (invite !== undefined) return { kind: 'invite', invite };
  if (peer === undefined) throw new CourierError('internal', 'nobody to fetch from');
  return { kind: 'peer', fingerprint: peer.fingerprint, addresses: [] };
}

function isSame(left: Invite, right: Invite): boolean {
  return left.fingerprint === right.fingerprint && left.id.every((byte, at) => byte === right.id[at]);
}
