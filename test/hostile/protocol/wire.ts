/** Wicked halves of sessions over real TLS, and how ours ends them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import type { SendInit } from '../../../src/engine/sender.ts';
import type { OutgoingReport } from '../../../src/transfer/outgoingTransfer.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { VictimReceiver, victimSends } from '../support/victims.ts';
import type { VictimOptions } from '../support/victims.ts';
import { message } from '../support/wickedFrames.ts';
import type { FrameName, WickedFrame } from '../support/wickedFrames.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { wickedListen } from '../support/wickedPeer.ts';
import type { Ending, WickedListener, WickedPeer } from '../support/wickedPeer.ts';
import { playReceiver, playSender } from '../support/wickedSession.ts';
import type { Bend, ReceiverScript, SenderScript, WickedFile } from '../support/wickedSession.ts';

/** How ours ended a session with a wicked sender. */
export interface Sent extends Ending {
  readonly peer: WickedPeer;
  /** What our receiver said in the end, if it came so far. */
  readonly receipt: unknown;
}

/** One receiver of ours, and a known wicked peer that tries one session after another. */
export class Target {
  readonly victim: VictimReceiver;
  readonly #t: TestContext;
  readonly #identity: WickedIdentity = wickedIdentity();

  private constructor(t: TestContext, victim: VictimReceiver) {
    this.#t = t;
    this.victim = victim;
  }

  static async open(t: TestContext, options: VictimOptions = {}): Promise<Target> {
    return new Target(t, await VictimReceiver.open(t, options));
  }

  meet(): Promise<WickedPeer> {
    return this.victim.meet(this.#t, this.#identity);
  }

  /** Plays a sender to the end of the session, and waits until ours has cleaned up. */
  async play(script: SenderScript): Promise<Sent> {
    const peer = await this.meet();
    // Before the greeting is over there is nothing to expect.
    const receipt = await playSender(peer, script).catch(() => undefined);
    return { ...(await this.settled(peer)), peer, receipt };
  }

  /** How ours has ended this session, once nothing of it is under way any more. */
  async settled(peer: WickedPeer): Promise<Ending> {
    const ending = await peer.ended();
    peer.finish();
    if (this.victim.started.splice(0).length > 0) await this.victim.report();
    return ending;
  }

  /** The session is refused with `code`, and nothing was made of what was offered. */
  async assertRefused(what: string, script: SenderScript, code = 'protocol-error'): Promise<void> {
    const sent = await this.play(script);
    assert.deepEqual([sent.code, sent.receipt], [code, undefined], what);
    this.victim.assertUnharmed();
  }

  /** It is none the worse for what was tried: an honest offer is received. */
  async assertSound(): Promise<void> {
    assert.ok((await this.play({ entries: PLAIN_ENTRIES })).receipt !== undefined);
  }
}

/** Something harmless to offer. */
export const PLAIN_ENTRIES: readonly WickedFile[] = [
  { path: 'a', content: Buffer.from('one') },
  { path: 'b', content: Buffer.from('three') },
];

/** How ours ended a session with a wicked receiver. */
export interface Received extends Ending {
  readonly peer: WickedPeer;
  readonly report: OutgoingReport;
}

/** A sender of ours that sends the same again and again, to a wicked receiver that it knows. */
export class Prey {
  readonly #t: TestContext;
  readonly #identity: WickedIdentity;
  readonly #listener: WickedListener;
  readonly #state: StateFolder;
  readonly paths: readonly string[];

  private constructor(
    t: TestContext,
    paths: readonly string[],
    identity: WickedIdentity,
    listener: WickedListener,
  ) {
    this.#t = t;
    this.paths = paths;
    this.#identity = identity;
    this.#listener = listener;
    this.#state = new StateFolder(join(scratchFolder(t), 'state'));
  }

  static async open(t: TestContext, paths: readonly string[]): Promise<Prey> {
    const identity = wickedIdentity();
    const listener = await wickedListen(identity);
    t.after(() => listener.close());
    return new Prey(t, paths, identity, listener);
  }

  /** It sends a folder with the contents of {@link PLAIN_ENTRIES}: three entries, one pack, eight bytes. */
  static openPlain(t: TestContext): Promise<Prey> {
    const folder = join(scratchFolder(t), 'sent');
    mkdirSync(folder);
    for (const { path, content } of PLAIN_ENTRIES) writeFileSync(join(folder, path), content);
    return Prey.open(t, [folder]);
  }

  /** Lets ours dial; it has said its hello, or will. */
  async meet(more: Partial<SendInit> = {}): Promise<{ peer: WickedPeer; sending: Promise<OutgoingReport> }> {
    const init = { state: this.#state, ...more };
    const sending = victimSends(this.#t, this.#listener, this.#identity, this.paths, init);
    sending.catch(() => undefined);
    return { peer: await this.#listener.accept(), sending };
  }

  /** Plays a receiver to the end of the session. */
  async play(script: ReceiverScript): Promise<Received> {
    const { peer, sending } = await this.meet();
    await playReceiver(peer, script).catch(() => undefined);
    return this.settled(peer, sending);
  }

  async settled(peer: WickedPeer, sending: Promise<OutgoingReport>): Promise<Received> {
    const ending = await peer.ended();
    peer.finish();
    return { ...ending, peer, report: await sending };
  }

  /** Ours ends the session with `code`, and does not say that all has arrived. */
  async assertRefused(what: string, script: ReceiverScript, code = 'protocol-error'): Promise<void> {
    const { code: said, report } = await this.play(script);
    assert.deepEqual([said, report.end.origin, report.end.close.code], [code, 'local', code], what);
    assert.equal(report.receipt, undefined, what);
  }
}

/** Sends `frames` in place of the one with this name. */
export function inPlaceOf(name: string, ...frames: readonly WickedFrame[]): Bend {
  return (frame, each) => (each === name ? frames : [frame]);
}

/** Sends `frames` before the one with this name. */
export function before(name: string, ...frames: readonly WickedFrame[]): Bend {
  return (frame, each) => (each === name ? [...frames, frame] : [frame]);
}

/** Sends `frames` after the one with this name. */
export function after(name: string, ...frames: readonly WickedFrame[]): Bend {
  return (frame, each) => (each === name ? [frame, ...frames] : [frame]);
}

/** A frame whose JSON is spelled by hand. */
export function spelled(name: FrameName, json: string, index = 0): WickedFrame {
  return message(name, undefined, { payload: Buffer.from(json), index });
}
