import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { StateFolder } from '../../../src/engine/stateFolder.ts';
import { parseFingerprint } from '../../../src/peers/fingerprint.ts';
import { Program } from '../../support/cli.ts';
import { noise } from '../../support/noise.ts';
import type { Wrapping } from '../../support/wrappings.ts';
import { wickedIdentity } from '../support/wickedIdentity.ts';
import type { WickedIdentity } from '../support/wickedIdentity.ts';
import { wickedDial } from '../support/wickedPeer.ts';
import { HELLO } from '../support/wickedSession.ts';
import { FIRST_SOURCE } from './attackOrder.ts';
import type { AttackKind, AttackOrder, AttackReport } from './attackOrder.ts';
import { countersOf, shareBetween } from './processes.ts';
import type { Share } from './processes.ts';
import { tables } from './figures.ts';

export interface LoadOptions {
  /** How long is measured before, during and after each attack. */
  readonly phaseMs: number;
  /** How much is sent meanwhile; it must last. */
  readonly transferMib: number;
  /** Only these. */
  readonly kinds: readonly AttackKind[];
  readonly say: (line: string) => void;
}

/** What one attack did to a receiver that was busy with a transfer. */
export interface Load {
  readonly kind: AttackKind;
  readonly sources: number;
  readonly seconds: number;
  readonly report: AttackReport;
  readonly before: Share;
  readonly during: Share;
  readonly after: Share;
  /** Until a paired peer that dials twice a second was let in, ms; absent if it was not during the attack. */
  readonly newcomerMs: number | undefined;
  /** The same from an address that the attack comes from. */
  readonly neighbourMs: number | undefined;
  /** The same from where a peer was let in before. */
  readonly regularMs: number | undefined;
}

const MIB = 1024 * 1024;
const MANY = 1000;
/** Between phases: what is left of one must not count for the next. */
const SETTLE_MS = 1000;
/** As our own engine dials. */
const DIAL_EVERY_MS = 500;
const FILES = 8;

const ATTACKS: Readonly<Record<AttackKind, Pick<AttackOrder, 'perSecond' | 'most'>>> = {
  silent: { perSecond: 2000, most: 10_000 },
  handshakes: { perSecond: 1000, most: 1_000_000 },
  offers: { perSecond: 2000, most: 10_000 },
  drip: { perSecond: 200, most: 1000 },
};

/** The peers on one core and the attacker on another, so that it takes no time of theirs that it does not cost. */
const canPin = availableParallelism() >= 2 && existsSync('/usr/bin/taskset');
const onCore =
  (core: number): Wrapping =>
  (command) =>
    canPin ? ['taskset', '--cpu-list', String(core), ...command] : command;
const manyDescriptors: Wrapping = (command) => [
  'sh',
  '-c',
  'ulimit -n "$(ulimit -H -n)" && exec "$@"',
  'sh',
  ...command,
];

/** Runs each attack from one address and from many, and returns what it cost. Linux only. */
export async function measureLoad({
  phaseMs,
  transferMib,
  kinds,
  say,
}: LoadOptions): Promise<readonly Load[]> {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const { bavail, bsize } = statfsSync(base);
  assert.ok(bavail * bsize > 2 * transferMib * MIB, `${base} has no room for ${transferMib} MiB; try --mib`);
  say(canPin ? 'both peers share one core, the attacker has another' : 'peers and attacker share all cores');
  const loads: Load[] = [];
  for (const kind of kinds) {
    for (const sources of [1, MANY]) {
      const folder = mkdtempSync(join(base, 'peer-courier-load-'));
      const rig = new Rig(folder);
      try {
        await rig.open(transferMib);
        loads.push(await rig.attack(kind, sources, phaseMs));
        say(`${kind} from ${sources === 1 ? 'one address' : `${sources} addresses`}: done`);
      } finally {
        await rig.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  say(tables(loads));
  return loads;
}

/** A receiver, a sender with much to send, and the attacker. */
class Rig {
  // Immutable.
  readonly #folder: string;
  readonly #wicked = wickedIdentity();
  readonly #friend = wickedIdentity();

  // Mutable.
  readonly #running: Program[] = [];
  #attacker: ChildProcess | undefined;
  #receiver: Program | undefined;
  #port = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts both peers; resolves when data flows. */
  async open(transferMib: number): Promise<void> {
    const [received, state, invite] = [
      this.#make('received'),
      join(this.#folder, 'receiver'),
      join(this.#folder, 'invite'),
    ];
    const { peers } = new StateFolder(state);
    for (const [name, identity] of Object.entries({ wicked: this.#wicked, friend: this.#friend })) {
      const fingerprint = parseFingerprint(identity.fingerprint.toString('hex'));
      assert.ok(fingerprint !== undefined);
      peers.remember({ fingerprint, name, addresses: [] });
    }
    const source = this.#make('source');
    writeNoise(join(source, '0'), (transferMib / FILES) * MIB);
    // The receiver stores all of them; here they are one.
    for (let at = 1; at < FILES; at += 1) linkSync(join(source, '0'), join(source, String(at)));
    const own = ['--host', '127.0.0.1', '--port', '0', '--invite-file', invite];
    this.#receiver = this.#start('receive', '--folder', received, '--state', state, ...own);
    this.#port = Number((await this.#receiver.event('listening'))['port']);
    const sender = this.#start(
      'send',
      source,
      '--invite-file',
      invite,
      '--state',
      join(this.#folder, 'sender'),
    );
    await Promise.race([this.#receiver.event('offered'), sender.ended]);
  }

  async attack(kind: AttackKind, sources: number, phaseMs: number): Promise<Load> {
    const order = { kind, sources, port: this.#port, ...ATTACKS[kind], identity: this.#wicked };
    const stranger = kind === 'offers' ? this.#wicked : wickedIdentity();
    const attacker = this.#startAttacker({ ...order, identity: stranger });
    const printed = text(attacker.stdout ?? assert.fail());
    await sleep(SETTLE_MS);
    const before = await this.#measure(phaseMs);
    attacker.stdin?.write('begin\n');
    await sleep(SETTLE_MS);
    const over = new AbortController();
    const entries = [
      this.#timeToEnter('127.0.0.3', over.signal),
      this.#timeToEnter(FIRST_SOURCE, over.signal),
      this.#timeToEnter('127.0.0.1', over.signal),
    ];
    const during = await this.#measure(phaseMs);
    over.abort();
    const [newcomerMs, neighbourMs, regularMs] = await Promise.all(entries);
    attacker.stdin?.end();
    const report = JSON.parse(await printed) as AttackReport;
    await sleep(SETTLE_MS);
    const after = await this.#measure(phaseMs);
    assert.ok(after.writtenMibPerSecond > 0, 'the transfer did not last: give it more with --mib');
    const seconds = (phaseMs + SETTLE_MS) / 1000;
    return { kind, sources, seconds, report, before, during, after, newcomerMs, neighbourMs, regularMs };
  }

  async close(): Promise<void> {
    this.#attacker?.kill('SIGKILL');
    for (const program of this.#running) program.signal('SIGKILL');
    await Promise.allSettled(this.#running.map((program) => program.ended));
  }

  async #measure(phaseMs: number): Promise<Share> {
    const { pid } = this.#receiver ?? assert.fail();
    const before = countersOf(pid);
    await sleep(phaseMs);
    return shareBetween(before, countersOf(pid));
  }

  /** Dials from there until it is let in. */
  async #timeToEnter(from: string, signal: AbortSignal): Promise<number | undefined> {
    const startedAt = performance.now();
    while (!signal.aborted) {
      const isIn = await Promise.race([this.#enters(from, this.#friend), whenAborted(signal)]);
      if (isIn) return performance.now() - startedAt;
      await sleep(DIAL_EVERY_MS);
    }
    return undefined;
  }

  async #enters(from: string, identity: WickedIdentity): Promise<boolean> {
    try {
      const peer = await wickedDial({ host: '127.0.0.1', port: this.#port }, identity, { from });
      peer.say('hello', HELLO);
      const answer = await peer.next();
      peer.drop();
      return answer?.name === 'hello';
    } catch {
      return false;
    }
  }

  #startAttacker(order: AttackOrder): ChildProcess {
    const script = join(import.meta.dirname, 'attacker.ts');
    const [file = '', ...words] = manyDescriptors(
      onCore(1)([process.execPath, script, JSON.stringify(order)]),
    );
    this.#attacker = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    return this.#attacker;
  }

  #start(...words: readonly string[]): Program {
    const program = new Program([...words, '--json'], { within: onCore(0), limitMs: 600_000 });
    this.#running.push(program);
    return program;
  }

  #make(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    return folder;
  }
}

async function whenAborted(signal: AbortSignal): Promise<false> {
  if (!signal.aborted) await once(signal, 'abort');
  return false;
}

function writeNoise(location: string, sizeBytes: number): void {
  const step = 8 * MIB;
  const descriptor = openSync(location, 'w');
  for (let offset = 0; offset < sizeBytes; offset += step) {
    writeSync(descriptor, noise(Math.min(step, sizeBytes - offset), (offset / step) % 256));
  }
  closeSync(descriptor);
}
