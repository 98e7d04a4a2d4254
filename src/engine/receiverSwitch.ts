import { CourierError } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { reachableAddresses } from '../node/net/localAddresses.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import type { ReceiverStatus } from '../rpc/model.ts';
import type { Compression } from '../transfer/ports.ts';
import type { IncomingTransfers } from './incomingTransfers.ts';
import type { PairingDesk } from './pairingDesk.ts';
import { Receiver } from './receiver.ts';
import type { ShareDesk } from './shareDesk.ts';
import type { StateFolder } from './stateFolder.ts';
import { failureOfError } from './transferView.ts';

export interface SwitchInit {
  readonly state: StateFolder;
  readonly incoming: IncomingTransfers;
  readonly logger: Logger;
  readonly onChange: () => void;
  /** Somebody has used an invite. */
  readonly onPaired: () => void;
  readonly desk: PairingDesk;
  readonly shares: ShareDesk;
}

/** How to listen. */
export interface Listening {
  /** What this device calls itself. */
  readonly name: string;
  /** Absent: every interface. */
  readonly host: string | undefined;
  readonly port: number;
  readonly compression: Compression;
}

type Status = Exclude<ReceiverStatus, { state: 'listening' }> | { readonly state: 'listening' };

/** Turns the receiver on and off. Orders are carried out one after another. */
export class ReceiverSwitch {
  readonly #init: SwitchInit;

  #status: Status = { state: 'off' };
  #receiver: Receiver | undefined;
  #address: Address | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(init: SwitchInit) {
    this.#init = init;
  }

  get isOn(): boolean {
    return this.#receiver !== undefined;
  }

  /** Where it listens; `undefined` while it does not. */
  get address(): Address | undefined {
    return this.#address;
  }

  status(folder: string): ReceiverStatus {
    if (this.#status.state !== 'listening') return this.#status;
    return { state: 'listening', addresses: this.addresses.map(formatAddress), folder };
  }

  /** Where it can be reached now; none if it is off. */
  get addresses(): readonly Address[] {
    return this.#address === undefined ? [] : reachableAddresses(this.#address);
  }

  /** Rejects if the port cannot be opened. */
  start(how: Listening): Promise<void> {
    return this.#inTurn(() => this.#start(how));
  }

  /** No new peer is let in; transfers that run go on. */
  stop(): Promise<void> {
    return this.#inTurn(async () => this.#stop());
  }

  /** If it is on, goes on under other circumstances; what fails is seen in the status. */
  async restart(how: Listening): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#receiver === undefined && this.#status.state !== 'failed') return;
      this.#stop();
      await this.#start(how);
    }).catch(() => undefined);
  }

  createInvite(): string {
    if (this.#receiver === undefined || this.#address === undefined) {
      throw new CourierError('not-listening', 'the receiver is off');
    }
    return this.#receiver.createInvite(this.#address);
  }

  async #start({ name, host, port, compression }: Listening): Promise<void> {
    if (this.#receiver !== undefined) return;
    const { state, incoming, logger, onPaired, desk, shares } = this.#init;
    this.#become({ state: 'starting' });
    try {
      const receiver = await Receiver.prepare({
        state,
        name,
        ...(host === undefined ? {} : { host }),
        port,
        consent: (...offer) => incoming.consent(...offer),
        keepsInterrupted: true,
        compression,
        onPairing: (inbound) => desk.take(inbound),
        onShare: (inbound) => shares.take(inbound),
        observer: {
          paired: onPaired,
          started: (receiving) => incoming.started(receiving),
          entryFailed: (...failure) => incoming.entryFailed(...failure),
          ended: (...end) => incoming.ended(...end),
          refused: (...who) => incoming.refused(...who),
        },
        logger,
      });
      this.#address = await receiver.listen();
      this.#receiver = receiver;
      this.#become({ state: 'listening' });
    } catch (error) {
      this.#become({ state: 'failed', failure: failureOfError(error) });
      throw error;
    }
  }

  #stop(): void {
    this.#receiver?.stopListening();
    this.#receiver = undefined;
    this.#address = undefined;
    this.#become({ state: 'off' });
  }

  #become(status: Status): void {
    this.#status = status;
    this.#init.onChange();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
