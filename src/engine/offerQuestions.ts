import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { OfferDetails } from '../rpc/model.ts';
import type { Decision, Incoming } from './incoming.ts';
import { PromptPace } from './promptPace.ts';

/** How long an offer waits for its user. */
export const OFFER_LIFE_MS = 10 * 60 * 1000;

export interface QuestionsHost {
  readonly clock: Clock;
  /** Somebody has to ask the user. */
  ask(id: string): void;
  changed(): void;
}

/** Puts offers to the user, and waits for the answer; not more often for one peer than its user can bear. */
export class OfferQuestions {
  readonly #host: QuestionsHost;
  readonly #pace: PromptPace;

  constructor(host: QuestionsHost) {
    this.#host = host;
    this.#pace = new PromptPace(host.clock, (id) => host.ask(id));
  }

  /** Whether the user has been asked about it, or should be now. */
  isDue({ id, peer, decision }: Incoming): boolean {
    return decision !== undefined && !this.#pace.holds(peer.fingerprint, id);
  }

  /** Resolves with the decision, which whoever answers gives to `incoming.decision`. The signal: too late. */
  async ask(incoming: Incoming, details: OfferDetails, signal: AbortSignal): Promise<Decision> {
    const { id, peer } = incoming;
    const decision = deferred<Decision>();
    incoming.offer = details;
    incoming.decision = decision;
    incoming.phase = 'asking';
    const disarm = this.#host.clock.schedule(OFFER_LIFE_MS, () => decision.resolve('expired'));
    const leave = (): void => decision.resolve('gone');
    signal.addEventListener('abort', leave);
    this.#host.changed();
    this.#pace.request(peer.fingerprint, id);
    const decided = await decision.promise;
    disarm();
    signal.removeEventListener('abort', leave);
    incoming.decision = undefined;
    incoming.offer = undefined;
    this.#pace.settle(peer.fingerprint, id, { isWelcome: typeof decided !== 'string' });
    this.#host.changed();
    return decided;
  }
}
