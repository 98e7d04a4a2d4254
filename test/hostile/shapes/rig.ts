import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventOf, Program } from '../../support/cli.ts';
import type { Ended } from '../../support/cli.ts';
import type { Wrapping } from '../../support/wrappings.ts';
import { countEntries } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** Sends a shape from one terminal to another, real processes on loopback, and tells what it took. */

/** DESIGN.md § 13: for any size and any number of files. */
export const MEMORY_BUDGET = 200 * 1024 ** 2;

const LIMIT_MS = 3 * 3_600_000;
const preload = pathToFileURL(resolve(import.meta.dirname, '../../support/reportMemory.mjs')).href;

/** What one transfer took. Bytes are of the highest resident memory of the process. */
export interface Taken {
  readonly senderBytes: number;
  readonly receiverBytes: number;
  readonly seconds: number;
}

/** A folder with a source, two state folders and a receive folder in it. */
export class ShapeRig {
  // Immutable.
  readonly folder: string;

  // Mutable.
  readonly #running = new Set<Program>();
  #runs = 0;

  /** In an existing folder. */
  constructor(parent: string) {
    this.folder = mkdtempSync(join(parent, 'peer-courier-shapes-'));
  }

  get source(): string {
    return join(this.folder, 'sent');
  }

  get received(): string {
    return join(this.folder, 'received');
  }

  /** Sends the shape, which has been made, and looks whether what should arrives, and nothing else. */
  async transfer({ arriving, leftOut }: Shape): Promise<Taken> {
    const receiver = this.startReceiver();
    await receiver.program.event('listening');
    const startedAt = performance.now();
    const sender = this.startSender();
    const sent = await sender.program.ended;
    const seconds = (performance.now() - startedAt) / 1000;
    assert.equal(sent.events.at(-1)?.event, 'sent', lastWords(sent));
    const ended = await receiver.program.ended;
    assert.equal(ended.status, 0, lastWords(ended));
    assert.equal(eventOf(ended, 'received')['root'], eventOf(sent, 'sent')['root']);
    assert.equal(sent.events.filter(({ event }) => event === 'left-out').length, leftOut);
    assert.deepEqual(readdirSync(this.received), ['sent']);
    const arrived = join(this.received, 'sent');
    assert.equal(statSync(arrived).isDirectory() ? countEntries(arrived) : 1, arriving);
    this.remove(this.received);
    return { seconds, senderBytes: sender.peakBytes(), receiverBytes: receiver.peakBytes() };
  }

  /** Starts a receiver that takes one offer. */
  startReceiver(within?: Wrapping): Running {
    mkdirSync(this.received, { recursive: true });
    const words = ['--folder', this.received, '--host', '127.0.0.1', '--port', '0', '--once'];
    return this.#start(
      ['receive', ...words, '--state', join(this.folder, 'receiver'), '--invite-file', this.#invite],
      within,
    );
  }

  /** Starts to send what was made. */
  startSender(): Running {
    return this.#start(['send', this.source, '--invite-file', this.#invite, ...this.#senderWords]);
  }

  /** The transfer that a sender has left. */
  get interrupted(): string {
    const records = readdirSync(join(this.folder, 'sender', 'jobs'));
    const id = records.find((name) => extname(name) === '.json') ?? assert.fail('no record of a transfer');
    return basename(id, '.json');
  }

  /** Goes on with a transfer that was interrupted. */
  resume(transfer: string): Running {
    return this.#start(['resume', transfer, ...this.#senderWords]);
  }

  /** Removes what a transfer that was interrupted has staged. */
  discard(transfer: string): Running {
    return this.#start(['discard', transfer, '--state', join(this.folder, 'receiver')]);
  }

  /** Ends what runs and removes everything. */
  async close(): Promise<void> {
    for (const program of this.#running) program.signal('SIGKILL');
    await Promise.allSettled([...this.#running].map((program) => program.ended));
    this.remove(this.folder);
  }

  /** Also where paths are longer than a system call takes. */
  remove(location: string): void {
    if (existsSync(location)) execFileSync('rm', ['-rf', location]);
  }

  get #invite(): string {
    return join(this.folder, 'invite');
  }

  get #senderWords(): readonly string[] {
    return ['--state', join(this.folder, 'sender'), '--retry-for', '0'];
  }

  #start(words: readonly string[], within?: Wrapping): Running {
    const file = join(this.folder, `memory-${(this.#runs += 1)}`);
    const program = new Program([...words, '--json'], {
      env: { NODE_OPTIONS: `--import=${preload}`, PEER_COURIER_TEST_MEMORY: file },
      limitMs: LIMIT_MS,
      within,
    });
    this.#running.add(program);
    void program.ended.finally(() => this.#running.delete(program));
    return { program, peakBytes: () => Number(readFileSync(file, 'utf8')) };
  }
}

export interface Running {
  readonly program: Program;
  /** Its highest resident memory; there when it has ended by itself. */
  readonly peakBytes: () => number;
}

export function lastWords({ events, stderr }: Ended): string {
  return `${JSON.stringify(events.slice(-5))} ${stderr.slice(-1000)}`;
}
