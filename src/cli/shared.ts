import { hostname } from 'node:os';
import { deferred } from '../base/deferred.ts';
import type { JobRecord } from '../engine/jobFiles.ts';
import type { OutgoingJob } from '../engine/outgoingJob.ts';
import { turnAway } from '../engine/pairingDesk.ts';
import type { Target } from '../engine/sender.ts';
import { createShareInvite, ShareDesk } from '../engine/shareDesk.ts';
import { createCompression } from '../node/codec/zlibCompression.ts';
import { Listener } from '../node/net/listener.ts';
import type { Inbound } from '../node/net/listener.ts';
import { reachableAddresses } from '../node/net/localAddresses.ts';
import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { formatAddress } from '../peers/address.ts';
import type { Address } from '../peers/address.ts';
import { INVITE_LIFE_MS } from '../peers/invite.ts';
import type { Effort, ShareWords } from './arguments.ts';
import { interruption } from './interruption.ts';
import { removeInvite, writeInvite } from './inviteFile.ts';
import type { TransferState } from './leftTransfers.ts';
import { logTo } from './output.ts';
import type { Output } from './output.ts';
import { runJob } from './runJob.ts';

export interface SharedInit {
  readonly state: TransferState;
  readonly command: { readonly effort: Effort; readonly state: string | undefined };
  readonly output: Output;
}

/** `peer-courier send --share`: waits for whoever redeems an invite, and sends to that. Returns the exit status. */
export async function share(
  init: SharedInit,
  record: Omit<JobRecord, 'peer' | 'share'>,
  { file, host, port }: ShareWords,
): Promise<number> {
  const { state, output } = init;
  const door = new Door(init);
  const identity = await state.folder.identity();
  let made: { readonly invite: string; readonly text: string } | undefined;
  const makeInvite = (address: Address): void => {
    made = createShareInvite(state.folder, identity, reachableAddresses(address));
    tellInvite(made.text, file, output);
  };
  try {
    // Whoever waits for the file finds both; a port that the system chooses is known only afterwards.
    if (port !== 0) makeInvite({ host: host ?? '::', port });
    const address = await door.open(host, port);
    if (made === undefined) makeInvite(address);
    const listening = { port: address.port, ...(host === undefined ? {} : { host }) };
    return await door.run({ ...record, peer: '', share: { invite: made?.invite ?? '', ...listening } });
  } finally {
    // Nobody can use it any more.
    if (made !== undefined) {
      state.folder.shares.redeem(made.invite);
      if (file !== undefined) removeInvite(file, made.text);
    }
    await door.close();
  }
}

/** `peer-courier resume ID` of one that is shared: waits for its peer where it was, and dials it, too, if it can. */
export async function resumeShared(init: SharedInit, record: JobRecord, target: Target): Promise<number> {
  const door = new Door(init);
  try {
    await door.open(record.share?.host, record.share?.port ?? DEFAULT_PORT);
    return await door.run(record, target);
  } finally {
    await door.close();
  }
}

/** The port on which a transfer that is shared is waited for. */
class Door {
  readonly #init: SharedInit;
  // From here on: an invite that has been written is removed, whenever its user stops it.
  readonly #stop = interruption();
  readonly #job = deferred<OutgoingJob>();
  readonly #open = new Set<Promise<void>>();
  #listener: Listener | undefined;

  constructor(init: SharedInit) {
    this.#init = init;
    this.#job.promise.catch(() => undefined);
  }

  async open(host: string | undefined, port: number): Promise<Address> {
    const { state, output } = this.#init;
    const identity = await state.folder.identity();
    this.#listener = await Listener.open({
      identity,
      ...(host === undefined ? {} : { host }),
      port,
      onInbound: (inbound) => {
        const running: Promise<void> = this.#take(inbound).finally(() => this.#open.delete(running));
        this.#open.add(running);
      },
      logger: logTo(output),
    });
    const { address } = this.#listener;
    output.event('listening', {
      ...address,
      fingerprint: identity.fingerprint,
      name: hostname(),
      pid: process.pid,
    });
    output.line(`Waiting on ${formatAddress(address)} for whoever uses the invite. Ctrl-C stops.`);
    return address;
  }

  run(record: JobRecord, target?: Target): Promise<number> {
    return runJob({
      ...this.#init,
      record,
      stop: this.#stop,
      ...(target === undefined ? {} : { target }),
      onJob: (job) => this.#job.resolve(job),
    });
  }

  async close(): Promise<void> {
    this.#listener?.close();
    this.#job.reject(new Error('there is no job'));
    await Promise.all(this.#open);
  }

  /** Whoever comes before there is a job waits for it. */
  async #take(inbound: Inbound): Promise<void> {
    if (inbound.purpose !== 'share') {
      await turnAway(inbound.channel, inbound.purpose === 'pairing' ? 'not-pairing' : 'not-paired');
      return;
    }
    const { state, output } = this.#init;
    const shared = await this.#job.promise.then(
      (job) => [job],
      () => [],
    );
    const compression = createCompression();
    const desk = new ShareDesk({
      state: state.folder,
      shared: () => shared,
      device: () => ({ name: hostname(), compression }),
      paired: () => undefined,
      logger: logTo(output),
    });
    await desk.take(inbound);
  }
}

function tellInvite(text: string, file: string | undefined, output: Output): void {
  const secondsLeft = INVITE_LIFE_MS / 1000;
  if (file === undefined) {
    output.event('invite', { invite: text, secondsLeft });
    output.line(text);
    output.line(
      'Invite for one receiver, good for ten minutes. There: "peer-courier receive --from-file FILE".',
    );
  } else {
    writeInvite(file, text);
    output.event('invite', { file, secondsLeft });
    output.line(`Invite for one receiver, good for ten minutes: ${file}`);
  }
}
