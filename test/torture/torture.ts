import assert from 'node:assert/strict';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { chunkBytesFor } from '../../src/protocol/chunkLayout.ts';
import { Program } from '../support/cli.ts';
import { noise } from '../support/noise.ts';
import { createRandom } from '../support/random.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { BLACK_HOLE, INTERRUPTIONS, table } from './figures.ts';
import type { Cost, Interruption } from './figures.ts';
import { heldBytes } from './heldBytes.ts';

export interface TortureOptions {
  /** How many interruptions that show at once, … */
  readonly kills: number;
  /** … and then how many that do not. */
  readonly blackHoles: number;
  /** Bytes of the file that is sent again and again. */
  readonly sizeBytes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What the issue of being interrupted may cost at most. */
const MOST_SENT_AGAIN = 16 * 1024 * 1024;
/** Interruptions of one transfer, before the next begins. */
const KILLS_PER_TRANSFER = 5;
/** More than a whole session says but for chunks: when so much has passed, data flows. */
const FLOWING_BYTES = 512 * 1024;

/**
 * Sends one file over and over, through a path that counts, and interrupts each transfer several times at random
 * bytes: real processes, TLS, disk, SIGKILL. After each interruption the partial is compared with the source, so
 * that what is sent again is known exactly; in the end the file that arrived. Throws at the first thing that is
 * not as promised; returns what each interruption cost.
 */
export async function torture({
  kills,
  blackHoles,
  sizeBytes,
  seed,
  say,
}: TortureOptions): Promise<readonly Cost[]> {
  const folder = mkdtempSync(join(tmpdir(), 'peer-courier-torture-'));
  const rig = new Rig(folder, sizeBytes, createRandom(seed));
  try {
    await rig.open();
    const costs: Cost[] = [];
    const all: readonly Interruption[] = [
      ...Array.from({ length: kills }, (_, at) => INTERRUPTIONS[at % INTERRUPTIONS.length] ?? 'fin'),
      ...Array.from({ length: blackHoles }, (): Interruption => BLACK_HOLE),
    ];
    while (costs.length < all.length) {
      costs.push(...(await rig.transfer(all.slice(costs.length, costs.length + KILLS_PER_TRANSFER))));
      say(`${costs.length} of ${all.length} survived`);
    }
    say(table(costs));
    return costs;
  } finally {
    await rig.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two state folders, a path between them, and the processes that run now. */
class Rig {
  // Immutable.
  readonly #folder: string;
  readonly #sizeBytes: number;
  readonly #random: () => number;

  // Mutable.
  readonly #running = new Set<Program>();
  #digest = '';
  #path: TcpProxy | undefined;
  #receiver: Program | undefined;

  constructor(folder: string, sizeBytes: number, random: () => number) {
    this.#folder = folder;
    this.#sizeBytes = sizeBytes;
    this.#random = random;
  }

  /** Makes the source and pairs the two. */
  async open(): Promise<void> {
    writeNoise(this.#source, this.#sizeBytes);
    this.#digest = await digestOf(this.#source);
    const invite = join(this.#folder, 'invite');
    this.#receiver = await this.#receive('--invite-file', invite);
    const port = Number((await this.#receiver.event('listening'))['port']);
    this.#path = await TcpProxy.open(port);
    const pairing = join(this.#folder, 'pairing');
    writeNoise(pairing, 1);
    const { status, stderr } = await this.#start(
      'send',
      pairing,
      '--invite-file',
      invite,
      ...this.#senderState,
    ).ended;
    assert.equal(status, 0, stderr);
  }

  async close(): Promise<void> {
    for (const program of this.#running) program.signal('SIGKILL');
    await Promise.allSettled([...this.#running].map((program) => program.ended));
    await this.#path?.close();
  }

  /** One transfer, interrupted so. */
  async transfer(interruptions: readonly Interruption[]): Promise<readonly Cost[]> {
    rmSync(this.#arrived, { force: true });
    const path = this.#pathNow;
    const points = interruptions.map(() => this.#random()).toSorted((left, right) => left - right);
    let sender = this.#start('send', this.#source, '--to', `127.0.0.1:${path.port}`, ...this.#senderState);
    const costs: Cost[] = [];
    let held = 0;
    let before = path.bytesForward;
    for (const [at, interruption] of interruptions.entries()) {
      const point = points[at] ?? 0;
      // So far on from what is there already; in the end not beyond the end.
      const ahead = Math.min(Math.max(point * this.#sizeBytes - held, 1), (this.#sizeBytes - held) * 0.99);
      await path.forwarded(before + Math.ceil(ahead));
      await this.#interrupt(interruption, sender);
      const sent = path.bytesForward - before;
      before = path.bytesForward;
      const holds = heldBytes(this.#received, this.#source, chunkBytesFor(this.#sizeBytes));
      const sentAgain = Math.max(0, sent - (holds - held));
      held = holds;
      assert.ok(sentAgain <= MOST_SENT_AGAIN, `${interruption}: ${sentAgain} bytes have to go again`);
      const { sender: next, secondsToFlow } = await this.#goOn(sender);
      sender = next;
      costs.push({ interruption, sentAgain, secondsToFlow });
    }
    const { status, stderr } = await sender.ended;
    assert.equal(status, 0, stderr);
    this.#running.delete(sender);
    assert.equal(await digestOf(this.#arrived), this.#digest, 'something else arrived');
    assert.ok(!existsSync(join(this.#received, '.peer-courier')), 'staging is left behind');
    assert.deepEqual(readdirSync(this.#received).toSorted(), ['pairing', 'source']);
    return costs;
  }

  /** Ends what is to end, and waits until nothing moves; the path stays shut. */
  async #interrupt(interruption: Interruption, sender: Program): Promise<void> {
    const path = this.#pathNow;
    const receiver = this.#receiverNow;
    path.isOpen = false;
    const interruptions = receiver.events.filter(({ event }) => event === 'interrupted').length;
    if (interruption === 'receiver killed' || interruption === 'both killed') await this.#kill(receiver);
    if (interruption === 'sender killed' || interruption === 'both killed') await this.#kill(sender);
    if (interruption === 'fin' || interruption === 'rst' || interruption === BLACK_HOLE) {
      path.cut(interruption);
    }
    // A receiver that lives on has written all that it will.
    if (this.#running.has(receiver)) await receiver.nth('interrupted', interruptions);
  }

  /** Brings everything up again and waits until data flows. */
  async #goOn(interrupted: Program): Promise<{ readonly sender: Program; readonly secondsToFlow: number }> {
    const path = this.#pathNow;
    let sender = interrupted;
    const before = path.bytesForward;
    if (!this.#running.has(this.#receiverNow)) {
      this.#receiver = await this.#receive();
      path.leadTo(Number((await this.#receiver.event('listening'))['port']));
    }
    path.isOpen = true;
    if (!this.#running.has(sender)) {
      const { id } = await this.#leftOver();
      sender = this.#start('resume', id, ...this.#senderState);
    }
    const upAt = performance.now();
    await Promise.race([path.forwarded(before + FLOWING_BYTES), sender.ended]);
    return { sender, secondsToFlow: (performance.now() - upAt) / 1000 };
  }

  /** The only transfer that the sender's state folder holds. */
  async #leftOver(): Promise<{ readonly id: string }> {
    const { events, stderr } = await this.#start('transfers', ...this.#senderState).ended;
    const left = events.filter(({ event }) => event === 'transfer');
    assert.equal(left.length, 1, `${JSON.stringify(events)}${stderr}`);
    return { id: String(left[0]?.['id']) };
  }

  async #receive(...words: readonly string[]): Promise<Program> {
    const own = ['--folder', this.#received, '--host', '127.0.0.1', '--port', '0'];
    return this.#start('receive', ...own, '--state', join(this.#folder, 'receiver'), ...words);
  }

  #start(...words: readonly string[]): Program {
    const program = new Program([...words, '--json'], { limitMs: 600_000 });
    this.#running.add(program);
    return program;
  }

  async #kill(program: Program): Promise<void> {
    await program.stop('SIGKILL');
    this.#running.delete(program);
  }

  get #senderState(): readonly string[] {
    return ['--state', join(this.#folder, 'sender')];
  }

  get #source(): string {
    return join(this.#folder, 'source');
  }

  get #received(): string {
    return join(this.#folder, 'received');
  }

  get #arrived(): string {
    return join(this.#received, 'source');
  }

  get #pathNow(): TcpProxy {
    assert.ok(this.#path !== undefined);
    return this.#path;
  }

  get #receiverNow(): Program {
    assert.ok(this.#receiver !== undefined);
    return this.#receiver;
  }
}

function writeNoise(location: string, sizeBytes: number): void {
  const step = 8 * 1024 * 1024;
  const descriptor = openSync(location, 'w');
  for (let offset = 0; offset < sizeBytes; offset += step) {
    writeSync(descriptor, noise(Math.min(step, sizeBytes - offset), (offset / step) % 256));
  }
  closeSync(descriptor);
}

async function digestOf(location: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(location, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
