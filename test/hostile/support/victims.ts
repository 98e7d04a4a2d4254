/** Ours, as victims of a wicked peer: a receiver and a sender in the test's own process, on real sockets and disks. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Receiver } from '../../../src/engine/receiver.ts';
import type { Receiving, ReceiverInit } from '../../../src/engine/receiver.ts';
import { sendPaths } from '../../../src/engine/sender.ts';
import type { SendInit } from '../../../src/engine/sender.ts';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import type { EntryFailure } from '../../../src/base/failure.ts';
import type { ConflictPolicy } from '../../../src/node/disk/publish.ts';
import { ReceiveFolder } from '../../../src/node/disk/receiveFolder.ts';
import type { StrangerLimits } from '../../../src/node/net/strangers.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import type { IncomingReport } from '../../../src/transfer/incomingTransfer.ts';
import type { OfferSummary } from '../../../src/transfer/offerSummary.ts';
import type { OutgoingReport } from '../../../src/transfer/outgoingTransfer.ts';
import type { Compression } from '../../../src/transfer/ports.ts';
import { ANY_RATE } from '../../support/loopback.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { wickedDial } from './wickedPeer.ts';
import type { WickedAddress, WickedListener, WickedPeer, WickedTls } from './wickedPeer.ts';
import { wickedIdentity } from './wickedIdentity.ts';
import type { WickedIdentity } from './wickedIdentity.ts';

export interface VictimOptions {
  readonly onConflict?: ConflictPolicy;
  readonly keepsInterrupted?: boolean;
  /** Instead of taking everything. */
  readonly consent?: ReceiverInit['consent'];
  /** Instead of all codecs that this Node has. */
  readonly compression?: Compression;
  /** By default connections may come as fast as a test likes. */
  readonly strangers?: StrangerLimits;
}

/** A receiver of ours, and all that can be seen of it. */
export class VictimReceiver {
  /** The receive folder; beside it lies `precious`, which nobody may touch. */
  readonly folder: string;
  readonly state: StateFolder;
  readonly address: WickedAddress;
  readonly receiver: Receiver;
  /** Why diallers were turned away. */
  readonly refused: string[] = [];
  readonly logged: string[] = [];
  readonly offers: OfferSummary[] = [];
  /** Transfers that have begun: each of them has a report in the end. */
  readonly started: Receiving[] = [];
  readonly failedEntries: { readonly path: string; readonly reason: EntryFailure }[] = [];
  readonly #reports: IncomingReport[] = [];
  #waiting: ((report: IncomingReport) => void)[] = [];

  private constructor(scene: string, state: StateFolder, receiver: Receiver, address: WickedAddress) {
    this.folder = join(scene, 'received');
    this.state = state;
    this.receiver = receiver;
    this.address = address;
  }

  static async open(t: TestContext, options: VictimOptions = {}): Promise<VictimReceiver> {
    const scene = scratchFolder(t);
    const folder = join(scene, 'received');
    mkdirSync(folder);
    writeFileSync(join(scene, 'precious'), 'precious');
    const state = new StateFolder(join(scene, 'state'));
    // Filled in below: what the receiver tells, it tells to somebody who is made after it.
    const told: { victim?: VictimReceiver } = {};
    const receiver = await Receiver.prepare({
      state,
      name: 'victim',
      host: '127.0.0.1',
      port: 0,
      strangers: options.strangers ?? ANY_RATE,
      keepsInterrupted: options.keepsInterrupted ?? false,
      ...(options.compression === undefined ? {} : { compression: options.compression }),
      consent: async (peer, summary, signal) => {
        told.victim?.offers.push(summary);
        if (options.consent !== undefined) return options.consent(peer, summary, signal);
        return {
          folder: ReceiveFolder.open(folder),
          onConflict: options.onConflict ?? 'keep-both',
          resume: true,
        };
      },
      observer: {
        started: (receiving) => told.victim?.started.push(receiving),
        entryFailed: (_receiving, path, reason) => told.victim?.failedEntries.push({ path, reason }),
        ended: (_receiving, report) => told.victim?.end(report),
        refused: (_address, reason) => told.victim?.refused.push(reason),
      },
      logger: {
        debug: (line) => told.victim?.logged.push(line),
        warn: (line) => told.victim?.logged.push(line),
      },
    });
    const address = await receiver.listen();
    const victim = new VictimReceiver(scene, state, receiver, address);
    told.victim = victim;
    t.after(() => receiver.close());
    return victim;
  }

  /** Makes a wicked peer known, as if it had been paired long ago. */
  knows(identity: WickedIdentity, name = 'wicked'): void {
    const fingerprint = parseFingerprint(identity.fingerprint.toString('hex'));
    assert.ok(fingerprint !== undefined);
    this.state.peers.remember({ fingerprint, name, addresses: [] });
  }

  /** A connection of a wicked peer that is known; it has said nothing yet. */
  async meet(t: TestContext, identity = wickedIdentity(), options: WickedTls = {}): Promise<WickedPeer> {
    this.knows(identity);
    const peer = await wickedDial(this.address, identity, options);
    t.after(() => peer.socket.destroy());
    return peer;
  }

  /** The end of the next transfer that had begun, in the order in which they ended. */
  report(): Promise<IncomingReport> {
    const here = this.#reports.shift();
    return here === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(here);
  }

  /** Names in the receive folder. */
  get names(): readonly string[] {
    return readdirSync(this.folder).toSorted();
  }

  /** Removes what was received. */
  clear(): void {
    for (const name of this.names) rmSync(join(this.folder, name), { recursive: true });
  }

  /** Nothing was published, nothing stays in staging, and nothing around the receive folder was touched. */
  assertUnharmed(): void {
    assert.deepEqual(this.names, []);
    this.assertNothingOutside();
  }

  /** Nothing around the receive folder was made, changed or removed. */
  assertNothingOutside(): void {
    assert.deepEqual(readdirSync(join(this.folder, '..')).toSorted(), ['precious', 'received', 'state']);
  }

  private end(report: IncomingReport): void {
    const taker = this.#waiting.shift();
    if (taker === undefined) this.#reports.push(report);
    else taker(report);
  }
}

/** A sender of ours that has an invite of the wicked listener's. */
export function victimSends(
  t: TestContext,
  listener: WickedListener,
  wicked: WickedIdentity,
  paths: readonly string[],
  more: Partial<SendInit> = {},
): Promise<OutgoingReport> {
  const fingerprint = parseFingerprint(wicked.fingerprint.toString('hex'));
  assert.ok(fingerprint !== undefined);
  const abort = new AbortController();
  t.after(() => abort.abort());
  return sendPaths({
    state: new StateFolder(join(scratchFolder(t), 'state')),
    paths,
    target: {
      kind: 'invite',
      invite: {
        fingerprint,
        id: new Uint8Array(randomBytes(8)),
        token: new Uint8Array(randomBytes(16)),
        addresses: [listener.address],
      },
    },
    name: 'victim',
    observer: { connected: () => undefined, started: () => undefined },
    signal: abort.signal,
    ...more,
  });
}
