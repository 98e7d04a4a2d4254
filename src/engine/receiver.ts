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
import type { Address } from '../peers/address.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { encodeInvite } from '../peers/invite.ts';
import { judge } from '../peers/trust.ts';
import type { Verdict } from '../peers/trust.ts';
import type { Hello } from '../protocol/messages.ts';
import { ReceiverSession } from '../protocol/receiverSession.ts';
import { IncomingTransfer } from '../transfer/incomingTransfer.ts';
import type { IncomingReport, OfferSummary } from '../transfer/incomingTransfer.ts';
import type { Compression } from '../transfer/ports.ts';
import type { ProgressSnapshot } from '../transfer/progress.ts';
import { greeting } from './greeting.ts';
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
  /** The sender's word for what it sends, made printable; empty before the offer. */
  readonly label: string;
  snapshot(): ProgressSnapshot;
  cancel(): void;
}

export interface ReceiverInit {
  readonly state: StateFolder;
  readonly folder: ReceiveFolder;
  readonly name: string;
  /** Absent: every interface. */
  readonly host?: string;
  readonly port: number;
  readonly onConflict: ConflictPolicy;
  /** Asked for each offer; absent, those of known and invited peers are accepted. */
  readonly consent?: (
    peer: IncomingPeer,
    summary: OfferSummary,
    options: { readonly signal: AbortSignal },
  ) => Promise<boolean>;
  readonly compression?: Compression;
  readonly observer: ReceiverObserver;
  readonly logger: Logger;
}

export interface ReceiverObserver {
  /** A peer was let in and has made its offer. */
  started(receiving: Receiving): void;
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
  readonly ended: Promise<void>;
}

/** Listens for peers that have something to send, and receives it; several at once. */
export class Receiver {
  // Immutable.
  readonly #init: ReceiverInit;
  readonly #identity: Identity;
  readonly #compression: Compression;
  readonly #pool = new BufferPool();

  // Mutable.
  #listener: Listener | undefined;
  readonly #running = new Map<IncomingTransfer, Running>();

  private constructor(init: ReceiverInit, identity: Identity) {
    this.#init = init;
    this.#identity = identity;
    this.#compression = init.compression ?? createCompression();
  }

  /** Ready to make invites; nothing listens yet. */
  static async prepare(init: ReceiverInit): Promise<Receiver> {
    return new Receiver(init, await init.state.identity());
  }

  get fingerprint(): Fingerprint {
    return this.#identity.fingerprint;
  }

  /** Opens the port. */
  async listen(): Promise<Address> {
    const { host, port, logger, state } = this.#init;
    this.#listener = await Listener.open({
      identity: this.#identity,
      ...(host === undefined ? {} : { host }),
      port,
      onInbound: (inbound) => this.#receive(inbound),
      logger,
    });
    const { address } = this.#listener;
    state.recordListening(reachableAddresses(address));
    return address;
  }

  /** A new invite for this receiver, to be reached at `address`. */
  createInvite(address: Address): string {
    return createInvite(this.#init.state, this.#identity, reachableAddresses(address));
  }

  /** Stops listening, ends what runs and waits until that is cleaned up. */
  async close(): Promise<void> {
    this.#listener?.close();
    this.#init.state.forgetListening();
    for (const transfer of this.#running.keys()) transfer.cancel();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #receive(inbound: Inbound): void {
    const { folder, name, onConflict, consent, observer } = this.#init;
    let peer: IncomingPeer = { name: inbound.remoteAddress, fingerprint: inbound.fingerprint };
    let label: string | undefined;
    const transfer: IncomingTransfer = new IncomingTransfer({
      session: new ReceiverSession({
        isDialler: false,
        hello: greeting('receiver', name, this.#compression),
        now: systemClock.now(),
        allocate: (length) => this.#pool.allocate(length),
      }),
      channel: inbound.channel,
      clock: systemClock,
      hashing: nodeHashing,
      compression: this.#compression,
      recycle: (payload) => this.#pool.recycle(payload),
      judge: (hello) => {
        const verdict = this.#judge(inbound, hello);
        if (verdict !== 'known' && verdict !== 'invited') {
          observer.refused(inbound.remoteAddress, verdict);
          return verdict;
        }
        if (this.#countOf(inbound.fingerprint) > MOST_SESSIONS_PER_PEER) return 'busy';
        inbound.admitted();
        peer = this.#introduce(inbound.fingerprint, hello);
        return undefined;
      },
      openDestination: (id) => folder.openTransfer(id, onConflict),
      ...(consent === undefined ? {} : { consent: (summary, options) => consent(peer, summary, options) }),
      observer: {
        offered: (_transfer, text) => {
          label = printable(text);
          observer.started(receiving);
        },
        entryFailed: (path, reason) => observer.entryFailed(receiving, path, reason),
      },
    });
    const receiving: Receiving = {
      get peer() {
        return peer;
      },
      get label() {
        return label ?? '';
      },
      snapshot: () => transfer.snapshot(),
      cancel: () => transfer.cancel(),
    };
    const ended = transfer.run().then((report) => {
      this.#running.delete(transfer);
      if (label !== undefined) observer.ended(receiving, report);
    });
    this.#running.set(transfer, { fingerprint: inbound.fingerprint, ended });
  }

  #countOf(fingerprint: Fingerprint): number {
    return [...this.#running.values()].filter((running) => running.fingerprint === fingerprint).length;
  }

  #judge(inbound: Inbound, hello: Hello): Verdict {
    const { peers, invites } = this.#init.state;
    const book = {
      isKnown: (fingerprint: Fingerprint) => peers.find(fingerprint) !== undefined,
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

  /** The peer under its pinned name; one that was just invited is pinned now. */
  #introduce(fingerprint: Fingerprint, hello: Hello): IncomingPeer {
    const { peers } = this.#init.state;
    if (peers.find(fingerprint) === undefined) {
      peers.remember({ fingerprint, name: printable(hello.name, 64), addresses: [] });
    }
    return { fingerprint, name: peers.find(fingerprint)?.name ?? '' };
  }
}

/** An invite to `addresses`, where this device's receiver listens. */
export function createInvite(state: StateFolder, identity: Identity, addresses: readonly Address[]): string {
  const { id, token } = state.invites.create();
  return encodeInvite(nodeHashing, { fingerprint: identity.fingerprint, id, token, addresses });
}
