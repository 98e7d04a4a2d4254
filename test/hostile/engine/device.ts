/** A device of ours as the engine composes it, in the test's own process: real TLS and disks, a clock turned by hand. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Logger } from '../../../src/base/logger.ts';
import { pacedLogger } from '../../../src/base/pacedLogger.ts';
import { HistoryFile } from '../../../src/engine/historyFile.ts';
import { IncomingTransfers } from '../../../src/engine/incomingTransfers.ts';
import type { IncomingHost } from '../../../src/engine/incomingTransfers.ts';
import { RecordFiles } from '../../../src/engine/jobFiles.ts';
import type { AcceptedRecord } from '../../../src/engine/jobFiles.ts';
import { Receiver } from '../../../src/engine/receiver.ts';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import { STRANGER_LIMITS } from '../../../src/node/net/strangers.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import type { TransferSummary } from '../../../src/rpc/model.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import { MemoryClock } from '../../support/memoryClock.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { wickedDial } from '../support/wickedPeer.ts';
import type { WickedAddress, WickedPeer } from '../support/wickedPeer.ts';
import { message } from '../support/wickedFrames.ts';
import { HELLO, listed } from '../support/wickedSession.ts';
import type { WickedEntry } from '../support/wickedSession.ts';

export interface Ended {
  readonly id: string;
  readonly report: IncomingReport;
}

/** Connections may come as fast as a test likes; how fast they may is a matter of other tests. */
const strangers = {
  ...STRANGER_LIMITS,
  rates: { fromOneNetwork: { atOnce: 1, everyMs: 0 }, inAll: { atOnce: 1, everyMs: 0 } },
};

export class Device {
  readonly folder: string;
  readonly state: StateFolder;
  readonly records: RecordFiles<AcceptedRecord>;
  readonly history: HistoryFile;
  readonly transfers: IncomingTransfers;
  readonly logger: Logger;
  readonly clock = new MemoryClock();
  /** What windows would be asked about. */
  readonly prompts: string[] = [];
  readonly logged: string[] = [];
  readonly refused: string[] = [];
  readonly ended: Ended[] = [];
  address: WickedAddress = { host: '', port: 0 };
  #receiver: Receiver | undefined;
  #wake = Promise.withResolvers<void>();

  private constructor(scene: string, host: Partial<IncomingHost>) {
    this.folder = join(scene, 'received');
    mkdirSync(this.folder);
    this.logger = pacedLogger(
      { debug: (line) => this.#log(line), warn: (line) => this.#log(line) },
      this.clock,
    );
    const { logger } = this;
    this.state = new StateFolder(join(scene, 'state'));
    this.records = RecordFiles.accepted(join(scene, 'state', 'accepted'), logger);
    this.history = HistoryFile.open(join(scene, 'state', 'received.json'), logger);
    this.transfers = new IncomingTransfers({
      clock: this.clock,
      records: this.records,
      history: this.history,
      logger,
      receiveFolder: () => this.folder,
      decide: () => undefined,
      workspaceFolders: () => [],
      ask: (id) => {
        this.prompts.push(id);
        this.#notify();
      },
      changed: () => this.#notify(),
      received: () => undefined,
      ...host,
    });
  }

  static async open(t: TestContext, host: Partial<IncomingHost> = {}): Promise<Device> {
    const device = await Device.listen(scratchFolder(t), host);
    t.after(() => device.close());
    return device;
  }

  /** One that lives in the empty folder `scene`. */
  static async listen(scene: string, host: Partial<IncomingHost> = {}): Promise<Device> {
    const device = new Device(scene, host);
    const { transfers } = device;
    const receiver = await Receiver.prepare({
      state: device.state,
      name: 'victim',
      host: '127.0.0.1',
      port: 0,
      strangers,
      keepsInterrupted: true,
      consent: (...offer) => transfers.consent(...offer),
      observer: {
        started: (receiving) => transfers.started(receiving),
        entryFailed: (...failure) => transfers.entryFailed(...failure),
        ended: (receiving, report) => {
          transfers.ended(receiving, report);
          device.ended.push({ id: receiving.id, report });
          device.#notify();
        },
        refused: (address, reason) => {
          transfers.refused(address, reason);
          device.refused.push(reason);
          device.#notify();
        },
      },
      logger: device.logger,
    });
    device.address = await receiver.listen();
    device.#receiver = receiver;
    return device;
  }

  async close(): Promise<void> {
    await this.#receiver?.close();
  }

  /** A new peer that is paired. */
  pair(): WickedIdentity {
    const identity = wickedIdentity();
    const fingerprint = parseFingerprint(identity.fingerprint.toString('hex'));
    assert.ok(fingerprint !== undefined);
    this.state.peers.remember({ fingerprint, name: 'wicked', addresses: [] });
    return identity;
  }

  async dial(t: TestContext, identity: WickedIdentity): Promise<WickedPeer> {
    const peer = await wickedDial(this.address, identity);
    t.after(() => peer.socket.destroy());
    return peer;
  }

  /** Dials and offers `entries` whole; nothing is waited for but the other side's hello. */
  async offer(
    t: TestContext,
    identity: WickedIdentity,
    transfer: string,
    entries: readonly WickedEntry[] = [SMALL],
  ): Promise<WickedPeer> {
    const peer = await this.dial(t, identity);
    peer.say('hello', HELLO);
    await peer.expect('hello');
    makeOffer(peer, transfer, entries);
    return peer;
  }

  find(id: string): TransferSummary | undefined {
    return this.transfers.summary(id);
  }

  /** Resolves once it is so; the runner's limit is the deadline. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#wake.promise;
  }

  #log(line: string): void {
    this.logged.push(line);
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = Promise.withResolvers();
    wake.resolve();
  }
}

export const SMALL: WickedEntry = { path: 'note', content: Buffer.from('hello') };

export function makeOffer(peer: WickedPeer, transfer: string, entries: readonly WickedEntry[]): void {
  const files = entries.flatMap((entry) => ('content' in entry ? [entry.content.length] : []));
  peer.send(
    message('offer', { transfer, label: 'wicked' }),
    message('page', { entries: entries.map(listed) }),
    message('offerEnd', {
      pages: 1,
      entries: entries.length,
      files: files.length,
      bytes: files.reduce((sum, length) => sum + length, 0),
      leftOut: 0,
    }),
  );
}

/** The id of a transfer, told by a number. */
export function idOf(number: number): string {
  return number.toString(16).padStart(32, '0');
}
