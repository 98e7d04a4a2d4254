import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import { CourierError } from '../base/failure.ts';
import type { Failure } from '../rpc/model.ts';
import type { IncomingReport } from '../transfer/incomingTransfer.ts';
import { isInterruption, retryDelayMs } from '../transfer/retryPolicy.ts';
import type { Patience } from '../transfer/retryPolicy.ts';
import type { FetchObserver } from './fetchSession.ts';
import type { IncomingTransfers } from './incomingTransfers.ts';
import type { IncomingPeer } from './receiver.ts';
import { failureOfEnd, failureOfError } from './transferView.ts';

export interface FetchInit {
  readonly clock: Clock;
  readonly transfers: Pick<
    IncomingTransfers,
    'whenIdle' | 'isUnfinished' | 'hasReceived' | 'cancel' | 'summary'
  >;
  /** Of the transfer, when an earlier process has fetched some of it. */
  readonly transfer?: string;
  /** How long it waits for the world to mend. */
  readonly patience: () => Patience;
  /** Runs one session to its end; rejects when it could not begin. */
  readonly session: (
    transfer: string | undefined,
    observer: FetchObserver,
    options: { readonly signal: AbortSignal },
  ) => Promise<IncomingReport>;
  /** It does not go on by itself now: why, and when it is tried again. */
  readonly waits?: (failure: Failure, retryInMs: number) => void;
}

/**
 * Goes and gets what another device shares, over as many sessions as it takes. What has arrived, and what its user has
 * agreed to, is the business of {@link IncomingTransfers}; this only dials, and dials again. A session that the other
 * device has dialled itself is as good: while it runs, this waits.
 */
export class Fetch {
  // Immutable.
  readonly #init: FetchInit;
  readonly #over = new AbortController();
  readonly #opened = deferred<IncomingPeer>();

  // Mutable.
  #transfer: string | undefined;
  #hasOpened: boolean;
  /** Ends the dialling of now. */
  #dial = new AbortController();
  /** Ends the session of now because another one brings the same; there while it is connected and nothing is offered. */
  #giveWay: (() => void) | undefined;
  #wake = deferred<void>();

  constructor(init: FetchInit) {
    this.#init = init;
    this.#transfer = init.transfer;
    this.#hasOpened = init.transfer !== undefined;
    this.#opened.promise.catch(() => undefined);
  }

  /** The transfer's id, once there is an offer. */
  get transfer(): string | undefined {
    return this.#transfer;
  }

  /** Whether there is a connection, and no offer over it yet. */
  get isConnected(): boolean {
    return this.#giveWay !== undefined;
  }

  /** The other device, once it has let us in; rejects if it does not. */
  get opened(): Promise<IncomingPeer> {
    return this.#opened.promise;
  }

  /** Another connection brings it: what is under way here ends. */
  giveWay(): void {
    if (this.#giveWay === undefined) this.#dial.abort();
    else this.#giveWay();
  }

  /** The world may have changed: does not wait any longer for the next attempt. */
  wake(): void {
    this.#wake.resolve();
  }

  /** Does not go on; what has arrived is kept. */
  stop(): void {
    this.#over.abort();
    this.#dial.abort();
    this.#wake.resolve();
  }

  /** Goes on until all is there, somebody has decided otherwise, or patience ends; tells why in the latter case. Never rejects. */
  async run(): Promise<Failure | undefined> {
    const failure = await this.#goOn();
    const { code = 'cancelled', detail = '' } = failure ?? {};
    // Nothing, if somebody was let in.
    this.#opened.reject(new CourierError(code === 'gone' ? 'internal' : code, detail));
    return failure;
  }

  async #goOn(): Promise<Failure | undefined> {
    const { clock, transfers } = this.#init;
    let attempt = 0;
    let movedAt = clock.now();
    while (!this.#over.signal.aborted) {
      const before = this.#bytesDone;
      // The other device may have dialled us.
      if (this.#transfer !== undefined) await transfers.whenIdle(this.#transfer);
      if (this.#isSettled) return undefined;
      const failure = await this.#once();
      if (failure === undefined || this.#over.signal.aborted) return undefined;
      const mayPass = failure.code !== 'gone' && isInterruption(failure.code);
      // One that was never let in tells its user at once.
      if (!this.#hasOpened || !mayPass) return this.#end(failure);
      if (this.#bytesDone > before) {
        attempt = 0;
        movedAt = clock.now();
      }
      attempt += 1;
      const standstillMs = clock.now() - movedAt;
      const delayMs = retryDelayMs({ attempt, code: failure.code, standstillMs }, this.#init.patience());
      if (delayMs === undefined) return failure;
      this.#init.waits?.(failure, delayMs);
      if (await this.#rest(delayMs)) {
        attempt = 0;
        movedAt = clock.now();
      }
    }
    return undefined;
  }

  /** Why the session ended; `undefined` when all is there, and the other device knows. */
  async #once(): Promise<Failure | undefined> {
    this.#dial = new AbortController();
    const { signal } = this.#dial;
    try {
      const report = await this.#init.session(this.#transfer, this.#observer(), { signal });
      const { end } = report;
      if (report.receipt !== undefined && end.close.code === 'done') return undefined;
      return failureOfEnd(end) ?? { code: 'protocol-error', detail: '', origin: 'remote' };
    } catch (error) {
      // Another connection has brought it meanwhile.
      const hasGivenWay = signal.aborted && !this.#over.signal.aborted;
      return hasGivenWay ? { code: 'busy', detail: '', origin: 'local' } : failureOfError(error);
    } finally {
      this.#giveWay = undefined;
    }
  }

  #observer(): FetchObserver {
    return {
      connected: (giveWay) => {
        this.#giveWay = giveWay;
      },
      opened: (peer) => {
        this.#hasOpened = true;
        this.#opened.resolve(peer);
      },
      offered: (transfer) => {
        this.#transfer = transfer;
        this.#giveWay = undefined;
      },
    };
  }

  /** Whether that is still to be told. A decision of the other device's that no session has brought is carried out here. */
  #end(failure: Failure): Failure | undefined {
    const id = this.#transfer;
    if (id === undefined) return failure;
    const { transfers } = this.#init;
    if (transfers.hasReceived(id) || !transfers.isUnfinished(id)) return undefined;
    if (failure.code === 'cancelled' && failure.origin === 'remote') transfers.cancel(id);
    return failure;
  }

  /** Somebody has decided meanwhile, or it has come over another connection. */
  get #isSettled(): boolean {
    return this.#transfer !== undefined && !this.#init.transfers.isUnfinished(this.#transfer);
  }

  get #bytesDone(): number {
    const { transfers } = this.#init;
    return this.#transfer === undefined ? 0 : (transfers.summary(this.#transfer)?.progress.bytesDone ?? 0);
  }

  /** Waits for the next attempt; tells whether somebody has ended the wait. */
  async #rest(delayMs: number): Promise<boolean> {
    this.#wake = deferred();
    let isTimeUp = false;
    const disarm = this.#init.clock.schedule(delayMs, () => {
      isTimeUp = true;
      this.#wake.resolve();
    });
    if (!this.#over.signal.aborted) await this.#wake.promise;
    disarm();
    return !isTimeUp;
  }
}
