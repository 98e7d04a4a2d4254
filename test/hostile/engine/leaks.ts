/**
 * Transfers that begin and end in every way there is, one after another, and what is left of them in this process:
 * heap, handles, descriptors, timers. Both ends are here: a wicked peer or a sender of ours, and a receiver of ours.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendPaths } from '../../../src/engine/sender.ts';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';
import type { Bend } from '../support/wickedSession.ts';
import { wickedDial } from '../support/wickedPeer.ts';
import type { WickedPeer } from '../support/wickedPeer.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { message } from '../support/wickedFrames.ts';
import { Device, idOf, makeOffer } from './device.ts';

/** What this process holds. */
export interface Held {
  /** After a garbage collection. */
  readonly heapBytes: number;
  /** What keeps the process alive, by kind: sockets, timers, servers. */
  readonly resources: Readonly<Record<string, number>>;
  /** Absent where the system does not tell. */
  readonly descriptors: number | undefined;
  readonly rssBytes: number;
}

/** Two chunks and some, so that it can end in the middle. */
const BIG = { path: 'big', content: randomBytes(600_000) };

export class LeakLoop {
  readonly #device: Device;
  readonly #scene: string;
  readonly #wicked: WickedIdentity;
  readonly #ours: { readonly state: StateFolder; readonly source: string };
  #count = 0;

  private constructor(device: Device, scene: string) {
    this.#device = device;
    this.#scene = scene;
    this.#wicked = device.pair();
    const source = join(scene, 'note.txt');
    writeFileSync(source, randomBytes(300_000));
    this.#ours = { state: new StateFolder(join(scene, 'sender')), source };
  }

  static async open(): Promise<LeakLoop> {
    const scene = mkdtempSync(join(tmpdir(), 'peer-courier-leaks-'));
    mkdirSync(join(scene, 'device'));
    const device = await Device.listen(join(scene, 'device'));
    const loop = new LeakLoop(device, scene);
    const { fingerprint } = await loop.#ours.state.identity();
    device.state.peers.remember({ fingerprint, name: 'ours', addresses: [] });
    const { fingerprint: theirs } = await device.state.identity();
    loop.#ours.state.peers.remember({ fingerprint: theirs, name: 'device', addresses: [] });
    return loop;
  }

  async close(): Promise<void> {
    await this.#device.close();
    rmSync(this.#scene, { recursive: true, force: true });
  }

  /** Runs so many transfers, each way in turn. */
  async run(count: number): Promise<void> {
    const ways = [
      () => this.#cancelledBySender(),
      () => this.#cancelledByReceiver(),
      () => this.#dropped(),
      () => this.#declined(),
      () => this.#withdrawn(),
      () => this.#complete(),
      () => this.#refusedAtTheDoor(),
      () => this.#oursComplete(),
      () => this.#oursCancelled(),
    ];
    for (let done = 0; done < count; done += 1) {
      this.#count += 1;
      await ways[this.#count % ways.length]?.();
    }
    // Turns of prompts and lines that were held back wait for the clock.
    await this.#device.clock.advance(3_600_000);
    this.#device.prompts.length = 0;
    this.#device.logged.length = 0;
    this.#device.refused.length = 0;
  }

  held(): Promise<Held> {
    return heldByThisProcess();
  }

  async #cancelledBySender(): Promise<void> {
    const { peer, id } = await this.#begin(
      endingAt('data 1', (wicked) => wicked.say('close', { code: 'cancelled' })),
    );
    await this.#ended(id, 'cancelled');
    peer.socket.destroy();
  }

  async #cancelledByReceiver(): Promise<void> {
    const { peer, id } = await this.#begin(
      endingAt('data 1', () => this.#device.transfers.cancel(idOf(this.#count))),
    );
    await this.#ended(id, 'cancelled');
    peer.socket.destroy();
  }

  async #dropped(): Promise<void> {
    const { id } = await this.#begin(endingAt('data 1', (wicked) => wicked.drop()));
    await this.#ended(id, 'connection-lost');
    this.#device.transfers.discard(id);
  }

  async #declined(): Promise<void> {
    const { peer, id } = await this.#offer();
    this.#device.transfers.decline(id);
    await this.#ended(id, 'declined');
    peer.socket.destroy();
  }

  async #withdrawn(): Promise<void> {
    const { peer, id } = await this.#offer();
    peer.drop();
    await this.#ended(id, 'connection-lost');
  }

  async #complete(): Promise<void> {
    const { peer, id } = await this.#begin();
    await this.#ended(id, 'done');
    this.#forget(id);
    peer.socket.destroy();
  }

  async #refusedAtTheDoor(): Promise<void> {
    const peer = await wickedDial(this.#device.address, this.#wicked);
    peer.say('hello', HELLO);
    await peer.expect('hello');
    peer.say('receipt', {});
    assert.equal((await peer.ended()).code, 'protocol-error');
    peer.socket.destroy();
  }

  async #oursComplete(): Promise<void> {
    const id = idOf(this.#count);
    const sending = this.#send(id, new AbortController().signal);
    await this.#accept(id);
    assert.ok((await sending).receipt !== undefined);
    await this.#ended(id, 'done');
    this.#forget(id);
  }

  async #oursCancelled(): Promise<void> {
    const id = idOf(this.#count);
    const abort = new AbortController();
    const sending = this.#send(id, abort.signal);
    await this.#device.until(() => this.#device.find(id)?.phase === 'asking');
    abort.abort();
    await sending;
    await this.#ended(id, 'cancelled');
  }

  async #send(transfer: string, signal: AbortSignal) {
    const fingerprint = parseFingerprint((await this.#device.state.identity()).fingerprint);
    assert.ok(fingerprint !== undefined);
    const { state, source } = this.#ours;
    return sendPaths({
      state,
      paths: [source],
      target: { kind: 'peer', fingerprint, addresses: [this.#device.address] },
      name: 'ours',
      transfer,
      observer: { connected: () => undefined, started: () => undefined },
      signal,
    });
  }

  async #offer(): Promise<{ readonly peer: WickedPeer; readonly id: string }> {
    const id = idOf(this.#count);
    const peer = await wickedDial(this.#device.address, this.#wicked);
    peer.say('hello', HELLO);
    await peer.expect('hello');
    makeOffer(peer, id, [BIG]);
    await this.#device.until(() => this.#device.find(id)?.phase === 'asking');
    return { peer, id };
  }

  /** Offers and is accepted; serves as far as `bend` lets it. */
  async #begin(
    bend: (wicked: WickedPeer) => Bend = () => (frame) => [frame],
  ): Promise<{ readonly peer: WickedPeer; readonly id: string }> {
    const id = idOf(this.#count);
    const peer = await wickedDial(this.#device.address, this.#wicked);
    const playing = playSender(peer, { entries: [BIG], transfer: id, bend: bend(peer) });
    await this.#accept(id);
    await playing;
    return { peer, id };
  }

  async #accept(id: string): Promise<void> {
    await this.#device.until(() => this.#device.find(id)?.phase === 'asking');
    this.#device.transfers.accept(id, { onConflict: 'keep-both' });
  }

  async #ended(id: string, code: string): Promise<void> {
    const { ended } = this.#device;
    await this.#device.until(() => ended.some((each) => each.id === id));
    const [last] = ended.splice(0);
    assert.equal(last?.report.end.close.code, code);
  }

  /** What a user does with what has arrived: a history that grows is not a leak. */
  #forget(id: string): void {
    this.#device.history.remove(id);
    for (const name of readdirSync(this.#device.folder)) {
      if (!name.startsWith('.')) rmSync(join(this.#device.folder, name));
    }
  }
}

/** Bends one frame, by its name, into an ending. */
function endingAt(name: string, end: (wicked: WickedPeer) => void): (wicked: WickedPeer) => Bend {
  return (wicked) => (frame, sent) => {
    if (sent !== name) return [frame];
    end(wicked);
    return [message('alive')];
  };
}

async function heldByThisProcess(): Promise<Held> {
  const { gc } = globalThis;
  assert.ok(gc !== undefined, 'to be run with --expose-gc');
  // Sockets and handles go in turns of the loop after whoever held them.
  for (let round = 0; round < 10; round += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    gc();
  }
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, resources, descriptors: countDescriptors(), rssBytes: rss };
}

/** Open descriptors of this process, where the system tells. */
export function countDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
