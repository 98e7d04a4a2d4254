/** Thousands of connections at a receiver of ours, which has to go on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { STRANGER_LIMITS } from '../../../src/node/net/strangers.ts';
import { Scene } from '../../support/cli.ts';
import type { Wrapping } from '../../support/wrappings.ts';
import { VictimReceiver } from '../support/victims.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { wickedDial } from '../support/wickedPeer.ts';
import type { WickedAddress } from '../support/wickedPeer.ts';
import { HELLO, playSender } from '../support/wickedSession.ts';

const timeout = 60_000;
const isLinux = process.platform === 'linux';
const { most } = STRANGER_LIMITS;
const MOST_SESSIONS = 8;
const entries = [{ path: 'note', content: Buffer.from('hello') }];

/** Connections that say nothing, from somewhere in 127.0.0.0/8, which is all this machine. */
class Silence {
  readonly #address: WickedAddress;
  readonly #open = new Set<Socket>();
  #changed = Promise.withResolvers<void>();

  constructor(t: TestContext, address: WickedAddress) {
    this.#address = address;
    t.after(() => this.end());
  }

  async connect(from: string): Promise<void> {
    const socket = connectTcp({ ...this.#address, localAddress: from });
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#changed.resolve();
    });
  }

  get open(): number {
    return this.#open.size;
  }

  /** Resolves when no more than so many are open. */
  async fallsTo(count: number): Promise<void> {
    while (this.open > count) {
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
  }

  end(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

test(
  'case 100: of 10,000 silent connections 64 are kept, and a peer that was here before comes in',
  { timeout, skip: !isLinux },
  async (t) => {
    // Nothing ends by itself here: whoever is closed was closed because there are too many.
    const victim = await VictimReceiver.open(t, { strangers: { ...STRANGER_LIMITS, admissionMs: 600_000 } });
    const identity = wickedIdentity();
    await playSender(await victim.meet(t, identity), { entries });
    const silence = new Silence(t, victim.address);
    // One after another: the system keeps few for a listener that has not come to them yet.
    for (let at = 0; at < 10_000; at += 1) {
      await silence.connect(`127.0.${at % 10}.${2 + (at % 50)}`);
      if (at % 2500 !== 2499) continue;
      assert.ok((await playSender(await victim.meet(t, identity), { entries })) !== undefined);
    }
    await silence.fallsTo(most);
    // The peer took the place of one of them for a moment.
    assert.ok(silence.open >= most - 1, `${silence.open} are open`);
  },
);

test(
  'case 109: of 1,000 connections of a paired peer 8 become sessions, and others come in beside them',
  { timeout, skip: !isLinux },
  async (t) => {
    const victim = await VictimReceiver.open(t, { strangers: STRANGER_LIMITS });
    const greedy = wickedIdentity();
    victim.knows(greedy);
    const other = wickedIdentity();
    await playSender(await victim.meet(t, other), { entries });
    const answers: string[] = [];
    for (let at = 0; at < 1000; at += 20) {
      const from = `127.0.1.${2 + ((at / 20) % 100)}`;
      const some = Array.from({ length: 20 }, () => greet(t, victim.address, greedy, from));
      answers.push(...(await Promise.all(some)));
    }
    const count = (answer: string): number => answers.filter((each) => each === answer).length;
    t.diagnostic(`${count('hello')} let in, ${count('busy')} told that we are busy, ${count('')} closed`);
    assert.equal(count('hello'), MOST_SESSIONS);
    assert.equal(count('hello') + count('busy') + count(''), 1000);
    assert.ok(count('busy') > 0);
    assert.ok((await playSender(await victim.meet(t, other), { entries })) !== undefined);
  },
);

/** The first word that a peer hears on its greeting; empty if there is none. Who is let in stays. */
async function greet(
  t: TestContext,
  address: WickedAddress,
  identity: WickedIdentity,
  from: string,
): Promise<string> {
  const peer = await wickedDial(address, identity, { from }).catch(() => undefined);
  if (peer === undefined) return '';
  t.after(() => peer.drop());
  peer.say('hello', HELLO);
  const frame = await peer.next();
  return frame?.name === 'close' ? ((await peer.ended()).code ?? '') : (frame?.name ?? '');
}

/** What the system gives to a process. */
const DESCRIPTORS = 64;
const fewDescriptors: Wrapping = (command) => [
  'sh',
  '-c',
  `ulimit -n ${DESCRIPTORS} && exec "$@"`,
  'sh',
  ...command,
];

test(
  'case 113: a receiver whose descriptors are used up goes on, and receives when some are free again',
  { timeout, skip: !isLinux },
  async (t) => {
    const scene = new Scene(t);
    writeFileSync(scene.path('note'), 'hello');
    const receiver = await scene.receive({ within: fewDescriptors });
    await scene.pair();
    const silence = new Silence(t, { host: '127.0.0.1', port: receiver.port });
    for (let at = 0; at < most; at += 1) await silence.connect(`127.0.2.${2 + (at % 4)}`);
    // It has room for fewer than may wait: whoever comes when nothing is left is closed at once.
    await silence.fallsTo(most - 1);
    const used = readdirSync(`/proc/${receiver.pid}/fd`).length;
    assert.ok(used >= DESCRIPTORS - 1, `${used} descriptors are in use`);
    silence.end();
    const after = scene.startSend([scene.path('note')], {
      words: ['--to', receiver.address, '--retry-for', '30s'],
    });
    assert.equal((await after.ended).status, 0);
    assert.deepEqual(Object.keys(scene.look()), ['note']);
    const { status } = await receiver.stop();
    assert.equal(status, 130);
  },
);
