import { FairShare } from '../base/fairShare.ts';
import type { EntryFailure, SessionFailure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import { BufferPool } from '../node/bufferPool.ts';
import { systemClock } from '../node/clock.ts';
import { createCompression } from '../node/codec/zlibCompression.ts';
import type { ConflictPolicy } from '../node/disk/publish.ts';
import type { ReceiveFolder } from '../node/disk/receiveFolder.ts';
import { nodeHashing } from '../node/hashing.ts';
import type { Identity } from '../node/identity/identity.ts';
import { Listener } from '../node/net/listener.ts';
import type { Inbound } from '../node/net/listener.ts';
import { reachableAddresses } from '../node/net/localAddresses.ts';
import type { StrangerLimits } from '../node/net/strangers.ts';
import type { Address } from '../peers/address.ts';
import { goesOnWhenCrossed } from '../peers/crossing.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { encodeInvite } from '../peers/invite.ts';
import { LaneKey } from '../peers/laneKey.ts';
import { judge } from '../peers/trust.ts';
import type { Verdict } from '../peers/trust.ts';
import type { Hello } from '../protocol/messages.ts';
import type { IncomingReport, IncomingTransfer } from '../transfer/incomingTransfer.ts';
import type { OfferSummary } from '../transfer/offerSummary.ts';
import type { Compression } from '../transfer/ports.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import { ReceivingLane } from '../transfer/receivingLane.ts';
import { greeting } from './greeting.ts';
import { isBlocked } from './notBlocked.ts';
import { beginIncoming } from './incomingSession.ts';
import { turnAway } from './pairingDesk.ts';
import type { StateFolder } from './stateFolder.ts';

/** The peer at the other end of an incoming transfer. */
export interface IncomingPeer {
  /** The name it was paired under; the one it gives itself only when it comes for the first time. */
  readonly name: string;
  readonly fingerprint: Fingerprint;
}

/** One incoming transfer, as long as it runs. */
export interface Receiving {
  readonly peer: IncomingPeer;
  /** The transfer's id, which the sender chose; empty before the offer. */
  readonly id: string;
  /** The sender's word for what it sends, made printable; empty before the offer. */
  readonly label: string;
  /** Whether this device has dialled: it fetches what the peer shares. */
  readonly isFetched: boolean;
  /** Whether this session goes on if the two devices have dialled each other. */
  readonly isPreferred: boolean;
  snapshot(): ProgressSnapshot;
  /** Holds it, on this side, until `resume`. */
  pause(): void;
  resume(): void;
  cancel(): void;
  /** Ends the session because it is of no use any more; the transfer may be offered again. */
  interrupt(): void;
  /** Ends it because another session of the same transfer goes on. */
  giveWay(): void;
}

/** A yes to an offer. */
export interface Acceptance {
  readonly folder: ReceiveFolder;
  readonly onConflict: ConflictPolicy;
  /**
   * Goes on with what an earlier session of this transfer left in the folder, if it left anything. Whoever
   * says so has made sure that it is the same peer. Without it, what is left makes the transfer `busy`.
   */
  readonly resume?: boolean;
}

export interface ReceiverInit {
  readonly state: StateFolder;
  readonly name: string;
  /** Absent: every interface. */
  readonly host?: string;
  readonly port: number;
  /** Absent: what a listener takes by itself. */
  readonly strangers?: StrangerLimits;
  /** Asked for each offer of a known or invited peer; `undefined` declines it. The signal: too late. */
  readonly consent: (
    peer: IncomingPeer,
    summary: OfferSummary,
    options: { readonly signal: AbortSignal },
  ) => Promise<Acceptance | undefined>;
  /**
   * Whether a transfer that was interrupted, by anything but a decision, keeps what it has in the receive
   * folder, so that it can be accepted with `resume` when it is offered again.
   */
  readonly keepsInterrupted: boolean;
  /** Whether every offer of a peer is consented to as soon as it is made, for whatever will be listed in it. */
  readonly consentsAtOnce?: (fingerprint: Fingerprint) => boolean;
  readonly compression?: Compression;
  /** A device has come in whose user wants to compare a code; absent, it is turned away. Never rejects. */
  readonly onPairing?: (inbound: Inbound) => Promise<void>;
  /** A device has come in that wants to receive what is shared here; absent, it is turned away. Never rejects. */
  readonly onShare?: (inbound: Inbound) => Promise<void>;
  readonly observer: ReceiverObserver;
  readonly logger: Logger;
}

export interface ReceiverObserver {
  /** A peer that was not known before has used an invite. */
  paired?(peer: IncomingPeer): void;
  /** A peer was let in and has made its offer. */
  started(receiving: Receiving): void;
  /** All of its offer is known. */
  listed?(receiving: Receiving, summary: OfferSummary): void;
  entryFailed(receiving: Receiving, path: string, reason: EntryFailure): void;
  /** A transfer that had started has ended. */
  ended(receiving: Receiving, report: IncomingReport): void;
  /** Somebody was turned away. */
  refused(remoteAddress: string, reason: SessionFailure): void;
}

/** Transfers that one peer may run at once; the next is told that we are busy. */
const MOST_SESSIONS_PER_PEER = 8;

interface Running {
  readonly fingerprint: Fingerprint;
  /** What its further lanes must know. */
  readonly laneKey: LaneKey;
  readonly ended: Promise<void>;
}

/** Listens for peers that have something to send, and receives it; several at once. */
export class Receiver {
  // Immutable.
  readonly #init: ReceiverInit;
  readonly #identity: Identity;
  readonly #compression: Compression;
  readonly #pool = new BufferPool();
  readonly #share = new FairShare();

  // Mutable.
  #listener: Listener | undefined;
  readonly #running = new Map<IncomingTransfer, Running>();
  /** Connections that are no session of their own. */
  readonly #others = new Set<Promise<void>>();

  private constructor(init: ReceiverInit, identity: Identity) {
    this.#init = init;
    this.#identity = identity;
    this.#compression = init.compression ?? createCompression();
  }

  /** Ready to make invites; nothing listens yet. */
  static async prepare(init: ReceiverInit): Promise<Receiver> {
    init.state.sweep();
    return new Receiver(init, await init.state.identity());
  }

  get fingerprint(): Fingerprint {
    return this.#identity.fingerprint;
  }

  /** Opens the port. */
  async listen(): Promise<Address> {
    const { host, port, strangers, logger, state } = this.#init;
    this.#listener = await Listener.open({
      identity: this.#identity,
      ...(host === undefined ? {} : { host }),
      port,
      onInbound: (inbound) => {
        if (inbound.purpose === 'session') this.#receive(inbound);
        else if (inbound.purpose === 'lane') this.#takeLane(inbound);
        else if (inbound.purpose === 'pairing') this.#takePairing(inbound);
        else this.#takeShare(inbound);
      },
      logger,
      ...(strangers === undefined ? {} : { limits: strangers }),
    });
    const { address } = this.#listener;
    state.recordListening(reachableAddresses(address));
    return address;
  }

  /** A new invite for this receiver, to be reached at `address`. */
  createInvite(address: Address): string {
    return createInvite(this.#init.state, this.#identity, reachableAddresses(address));
  }

  /** Lets nobody in any more; what runs goes on. */
  stopListening(): void {
    this.#listener?.close();
    this.#init.state.forgetListening();
  }

  /** Stops listening, ends what runs (interrupts it, if that is kept) and waits until that is cleaned up. */
  async close(): Promise<void> {
    const { keepsInterrupted } = this.#init;
    this.stopListening();
    for (const transfer of this.#running.keys()) {
      if (keepsInterrupted) transfer.interrupt();
      else transfer.cancel();
    }
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await Promise.all(this.#others);
  }

  /** One more connection of a session that runs: whoever opened it is the peer of that session, and knows its key. */
  #takeLane(inbound: Inbound): void {
    const lane = new ReceivingLane({
      channel: inbound.channel,
      clock: systemClock,
      allocate: (length) => this.#pool.allocate(length),
      find: (join) => {
        for (const [transfer, { fingerprint, laneKey }] of this.#running) {
          if (fingerprint === inbound.fingerprint && laneKey.fits(join, inbound.exporter)) return transfer;
        }
        return undefined;
      },
      onJoined: () => inbound.admitted(),
    });
    this.#keep(lane.run());
  }

  #takePairing(inbound: Inbound): void {
    const { onPairing } = this.#init;
    this.#keep(onPairing === undefined ? turnAway(inbound.channel) : onPairing(inbound));
  }

  #takeShare(inbound: Inbound): void {
    const { onShare } = this.#init;
    this.#keep(onShare === undefined ? turnAway(inbound.channel, 'not-paired') : onShare(inbound));
  }

  /** Waits for a connection to end before all of this does. */
  #keep(work: Promise<void>): void {
    const running: Promise<void> = work.finally(() => this.#others.delete(running));
    this.#others.add(running);
  }

  #receive(inbound: Inbound): void {
    const { name, observer, state } = this.#init;
    const { fingerprint, exporter } = inbound;
    const { transfer, ended } = beginIncoming({
      ...this.#init,
      consentsAtOnce: this.#init.consentsAtOnce?.(fingerprint) ?? false,
      compression: this.#compression,
      pool: this.#pool,
      memory: this.#share,
      channel: inbound.channel,
      hello: greeting('receiver', name, this.#compression),
      isFetched: false,
      isPreferred: goesOnWhenCrossed(fingerprint, this.#identity.fingerprint),
      peer: { name: inbound.remoteAddress, fingerprint },
      judge: (hello) => {
        const verdict = this.#judge(inbound, hello);
        if (verdict !== 'known' && verdict !== 'invited') {
          observer.refused(inbound.remoteAddress, verdict);
          return verdict;
        }
        if (this.#countOf(fingerprint) > MOST_SESSIONS_PER_PEER) return 'busy';
        inbound.admitted();
        const isNew = verdict === 'invited';
        return introduce(state, { fingerprint, name: hello.name, isNew }, (peer) => observer.paired?.(peer));
      },
    });
    const laneKey = new LaneKey(nodeHashing, exporter);
    const over = ended.then(() => void this.#running.delete(transfer));
    this.#running.set(transfer, { fingerprint, laneKey, ended: over });
  }

  #countOf(fingerprint: Fingerprint): number {
    return [...this.#running.values()].filter((running) => running.fingerprint === fingerprint).length;
  }

  #judge(inbound: Inbound, hello: Hello): Verdict {
    const { peers, invites } = this.#init.state;
    const book = {
      isKnown: (fingerprint: Fingerprint) => peers.find(fingerprint) !== undefined,
      isBlocked: (fingerprint: Fingerprint) => isBlocked(this.#init.state, fingerprint),
      tokenOf: (invite: string) => invites.tokenOf(invite),
      redeem: (invite: string) => invites.redeem(invite),
    };
    return judge(nodeHashing, book, {
      dialler: inbound.fingerprint,
      listener: this.#identity.fingerprint,
      exporter: inbound.exporter,
      proof: hello.proof,
    });
  }
}

/** The peer under its pinned name; one that was just invited is pinned now, and `paired` hears of it. */
export function introduce(
  { peers }: StateFolder,
  {
    fingerprint,
    name,
    isNew,
  }: { readonly fingerprint: Fingerprint; readonly name: string; readonly isNew: boolean },
  paired: (peer: IncomingPeer) => void,
): IncomingPeer {
  // One that was known a moment ago may be forgotten by now: it is not pinned for that.
  if (isNew && peers.find(fingerprint) === undefined) {
    peers.remember({ fingerprint, name: printable(name, 64), addresses: [] });
    paired({ fingerprint, name: peers.find(fingerprint)?.name ?? '' });
  }
  return { fingerprint, name: peers.find(fingerprint)?.name ?? '' };
}

/** An invite to `addresses`, where this device's receiver listens. */
export function createInvite(state: StateFolder, identity: Identity, addresses: readonly Address[]): string {
  const { id, token } = state.invites.create();
  return encodeInvite(nodeHashing, { fingerprint: identity.fingerprint, id, token, addresses });
}
