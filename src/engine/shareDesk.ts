import { sessionFailureOf } from '../base/failure.ts';
import type { SessionFailure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { printable } from '../base/printable.ts';
import { systemClock } from '../node/clock.ts';
import { nodeHashing } from '../node/hashing.ts';
import type { Identity } from '../node/identity/identity.ts';
import type { Inbound } from '../node/net/listener.ts';
import type { Address } from '../peers/address.ts';
import { goesOnWhenCrossed } from '../peers/crossing.ts';
import type { Fingerprint } from '../peers/fingerprint.ts';
import { encodeInvite, inviteName } from '../peers/invite.ts';
import { judgeShare } from '../peers/trust.ts';
import type { ShareVerdict } from '../peers/trust.ts';
import type { Hello } from '../protocol/messages.ts';
import { SenderSession } from '../protocol/senderSession.ts';
import { dismiss, hearHello } from '../transfer/introduction.ts';
import type { Compression } from '../transfer/ports.ts';
import { greeting } from './greeting.ts';
import { isBlocked } from './notBlocked.ts';
import type { OutgoingJob } from './outgoingJob.ts';
import { introduce } from './receiver.ts';
import type { IncomingPeer } from './receiver.ts';
import type { Arrival } from './sender.ts';
import type { StateFolder } from './stateFolder.ts';

export interface ShareDeskInit {
  readonly state: StateFolder;
  /** What is shared here now, and what was until a short time ago. */
  readonly shared: () => readonly Pick<OutgoingJob, 'share' | 'arrive'>[];
  /** What this device calls itself, and which codecs it has. */
  readonly device: () => { readonly name: string; readonly compression: Compression };
  /** A peer that was not known before has redeemed an invite. */
  readonly paired: (peer: IncomingPeer) => void;
  readonly logger: Logger;
}

/** Where devices come to that have dialled this one to receive what it shares. */
export class ShareDesk {
  readonly #init: ShareDeskInit;

  constructor(init: ShareDeskInit) {
    this.#init = init;
  }

  /** Somebody has dialled us for something that is shared. Never rejects. */
  async take(inbound: Inbound): Promise<void> {
    const { name, compression } = this.#init.device();
    const session = new SenderSession({
      isDialler: false,
      hello: greeting('sender', name, compression),
      now: systemClock.now(),
    });
    const { conversation } = session;
    // A listener lets nobody stay for long who is not admitted.
    const heard = await hearHello(conversation, inbound.channel, systemClock);
    if (heard === undefined) return;
    let refusal: SessionFailure | undefined;
    try {
      refusal = await this.#lead(inbound, heard.hello, {
        fingerprint: inbound.fingerprint,
        address: inbound.remoteAddress,
        session,
        channel: heard.channel,
        refuse: (code) => void dismiss(conversation, heard.channel, code),
      });
    } catch (error) {
      refusal = sessionFailureOf(error).code;
    }
    if (refusal !== undefined) await dismiss(conversation, heard.channel, refusal);
  }

  /** Leads somebody to what it has come for; tells why it is turned away. */
  async #lead(
    inbound: Inbound,
    hello: Hello,
    arrival: Omit<Arrival, 'isPreferred'>,
  ): Promise<SessionFailure | undefined> {
    const { state, shared, paired, logger } = this.#init;
    const { fingerprint: listener } = await state.identity();
    const verdict = this.#judge(inbound, hello, listener);
    if ('refusal' in verdict) {
      logger.warn(`turned away: ${printable(inbound.remoteAddress)}, ${verdict.refusal}`);
      return verdict.refusal;
    }
    inbound.admitted();
    const { fingerprint } = inbound;
    introduce(state, { fingerprint, name: hello.name, isNew: verdict.isNew }, paired);
    const job = shared().find(({ share }) => share?.transfer === verdict.share.transfer);
    if (job === undefined) return 'invite-refused';
    return job.arrive({ ...arrival, isPreferred: goesOnWhenCrossed(fingerprint, listener) });
  }

  #judge(inbound: Inbound, hello: Hello, listener: Fingerprint): ShareVerdict {
    const { state, shared } = this.#init;
    const { peers, shares } = state;
    const all = shared().flatMap(({ share }) => share ?? []);
    const book = {
      isKnown: (fingerprint: Fingerprint) => peers.find(fingerprint) !== undefined,
      isBlocked: (fingerprint: Fingerprint) => isBlocked(state, fingerprint),
      tokenOf: (invite: string) => shares.tokenOf(invite),
      redeem: (invite: string) => shares.redeem(invite),
      byTransfer: (transfer: string) => all.find((share) => share.transfer === transfer),
      byInvite: (invite: string) => all.find((share) => share.invite === invite),
    };
    return judgeShare(nodeHashing, book, {
      dialler: inbound.fingerprint,
      listener,
      exporter: inbound.exporter,
      proof: hello.proof,
      transfer: hello.transfer,
    });
  }
}

/** A new invite to something that is shared: its name here, and the line for whoever shall have it. */
export function createShareInvite(
  { shares }: StateFolder,
  { fingerprint }: Identity,
  addresses: readonly Address[],
): { readonly invite: string; readonly text: string } {
  const { id, token } = shares.create();
  const text = encodeInvite(nodeHashing, { fingerprint, id, token, addresses }, 'share');
  return { invite: inviteName(id), text };
}
