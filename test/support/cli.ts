/**
 * Runs the built program as its users do: real processes, real folders, real TLS on loopback. A test opens
 * a {@link Scene}, which holds the folders and ends what it started, by process id, when the test is over.
 * Nothing sleeps: whoever waits, waits for a line that a program prints, and everything has a time limit.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { belowRoot, takeSnapshot } from './trees.ts';
import type { Snapshot } from './trees.ts';
import type { Wrapping } from './wrappings.ts';

const projectFolder = resolve(import.meta.dirname, '../..');
const program = join(projectFolder, 'dist', 'cli.js');

/** What one process may take before it is killed and its test fails. */
const PROCESS_LIMIT_MS = 150_000;

/** One line of `--json`. */
export interface CliEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A program that has ended. */
export interface Ended {
  /** `null` if a signal killed it. */
  readonly status: number | null;
  readonly events: readonly CliEvent[];
  readonly stdout: string;
  readonly stderr: string;
}

/** The first event of that name, which must be there. */
export function eventOf({ events, stderr }: Pick<Ended, 'events' | 'stderr'>, name: string): CliEvent {
  const found = events.find(({ event }) => event === name);
  assert.ok(found, `no "${name}" in ${JSON.stringify(events.slice(-5))} ${stderr}`);
  return found;
}

/** Path and reason of each event of that name, in order: `folder/name: link`. */
export function pathsOf({ events }: Pick<Ended, 'events'>, name: 'left-out' | 'entry-failed'): string[] {
  return events
    .filter(({ event }) => event === name)
    .map(({ path, reason }) => `${String(path)}: ${String(reason)}`);
}

/** One running process of `peer-courier`. */
export class Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly events: CliEvent[] = [];
  stdout = '';
  stderr = '';
  readonly #child: ChildProcessWithoutNullStreams;
  #unparsed = '';
  #isOver = false;
  #wake = Promise.withResolvers<void>();

  constructor(
    words: readonly string[],
    {
      within = (command) => command,
      env = {},
      limitMs = PROCESS_LIMIT_MS,
      afterwards = () => Promise.resolve(),
    }: {
      within?: Wrapping | undefined;
      env?: NodeJS.ProcessEnv;
      limitMs?: number;
      /** What else has to be over before this program counts as ended. */
      afterwards?: (ended: Ended) => Promise<void>;
    } = {},
  ) {
    const [file = '', ...rest] = within([process.execPath, program, ...words]);
    this.#child = spawn(file, rest, {
      cwd: tmpdir(),
      env: { ...process.env, ...env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#notify();
    });
    // A program that has ended reads no more.
    this.#child.stdin.on('error', () => undefined);
    const ended = new Promise<Ended>((settle, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (status) => {
        this.#isOver = true;
        this.#notify();
        settle({ status, events: this.events, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ended = ended.then(async (how) => {
      await afterwards(how);
      return how;
    });
  }

  /** The first event of that name that fits, past or to come. */
  async event(name: string, fits: (event: CliEvent) => boolean = () => true): Promise<CliEvent> {
    return this.#find(`the event "${name}"`, () =>
      this.events.find((each) => each.event === name && fits(each)),
    );
  }

  /** The event of that name with `at` of them before it. */
  async nth(name: string, at: number): Promise<CliEvent> {
    return this.#find(`event ${at} "${name}"`, () => this.events.filter(({ event }) => event === name)[at]);
  }

  /** Resolves when the output, which a terminal shows, matches. */
  async shows(pattern: RegExp): Promise<string> {
    return this.#find(String(pattern), () => pattern.exec(this.stdout)?.[0]);
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Reads its output no more, as `| head -1` does. */
  hangUp(): void {
    this.#child.stdout.destroy();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends a signal and waits for the end. */
  async stop(name: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.signal(name);
    return this.ended;
  }

  async #find<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`ended before ${what}: ${this.stdout.slice(-2000)}${this.stderr}`);
      await this.#wake.promise;
    }
  }

  #hear(text: string): void {
    this.stdout += text;
    this.#unparsed += text;
    const lines = this.#unparsed.split('\n');
    this.#unparsed = lines.pop() ?? '';
    for (const line of lines) {
      // On a terminal a question may stand before it in the same line.
      const start = line.indexOf('{"event":');
      if (start >= 0) this.events.push(JSON.parse(line.slice(start)) as CliEvent);
    }
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** A receiver that listens. */
export interface RunningReceiver extends Program {
  readonly address: string;
  readonly port: number;
  readonly fingerprint: string;
}

export interface SendOptions {
  /** More words; instead of the scene's invite file, `--to` or another `--invite-file` may be among them. */
  readonly words?: readonly string[];
  readonly within?: Wrapping;
  readonly env?: NodeJS.ProcessEnv;
  /** Output for people instead of JSON. */
  readonly isText?: boolean;
}

/**
 * Keys of a sender and a receiver, kept from the first scene of a test file: to make new ones takes longer
 * than most transfers do. The first test of each file shows that they are made when there are none.
 */
const identities = new Map<'sender' | 'receiver', Buffer>();

/** A temporary folder with a receive folder, two state folders and an invite file in it. */
export class Scene {
  readonly folder: string;
  readonly received: string;
  readonly inviteFile: string;
  readonly senderState: string;
  readonly receiverState: string;
  readonly #programs: Program[] = [];
  readonly #receivers: Program[] = [];

  constructor(t: TestContext) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'peer-courier-test-')));
    this.received = this.makeFolder('received');
    this.inviteFile = join(this.folder, 'invite');
    this.senderState = join(this.folder, 'sender');
    this.receiverState = join(this.folder, 'receiver');
    for (const [role, pem] of identities) {
      mkdirSync(this.path(role), { mode: 0o700 });
      writeFileSync(this.path(role, 'identity.pem'), pem, { mode: 0o600 });
    }
    t.after(async () => {
      for (const each of this.#programs) each.signal('SIGKILL');
      await Promise.allSettled(this.#programs.map((each) => each.ended));
      this.#keepIdentities();
      removeAll(this.folder);
    });
  }

  #keepIdentities(): void {
    for (const role of ['sender', 'receiver'] as const) {
      const pem = this.path(role, 'identity.pem');
      if (existsSync(pem)) identities.set(role, readFileSync(pem));
    }
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  makeFolder(...names: readonly string[]): string {
    const location = this.path(...names);
    mkdirSync(location, { recursive: true });
    return location;
  }

  /** Starts the program with these words and nothing else. */
  run(words: readonly string[], options: Pick<SendOptions, 'within' | 'env'> = {}): Program {
    const started = new Program(words, { ...options, afterwards: (ended) => this.#cleanedUp(ended) });
    this.#programs.push(started);
    return started;
  }

  /** Starts `receive`; of words given twice the last counts. */
  startReceive({ words = [], within, env, isText = false }: SendOptions = {}): Program {
    const own = [
      '--folder',
      this.received,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--state',
      this.receiverState,
    ];
    const all = [
      'receive',
      ...own,
      '--invite-file',
      this.inviteFile,
      ...(isText ? [] : ['--json']),
      ...words,
    ];
    const receiver = this.run(all, { within, env } as SendOptions);
    if (!isText) this.#receivers.push(receiver);
    return receiver;
  }

  /** A receiver cleans up when it knows that its sender has heard of the receipt: a moment after that. */
  async #cleanedUp({ events }: Pick<Ended, 'events'>): Promise<void> {
    const sent = events.find(({ event }) => event === 'sent');
    if (sent === undefined) return;
    const isOver = ({ transfer }: CliEvent): boolean => transfer === sent['transfer'];
    const over = this.#receivers.flatMap((each) => [
      each.event('received', isOver),
      each.event('confirmed', isOver),
    ]);
    // One that has ended is not waited for.
    await Promise.any(over).catch(() => undefined);
  }

  /** Starts `receive` and waits until it listens. */
  async receive(options: Omit<SendOptions, 'isText'> = {}): Promise<RunningReceiver> {
    const started = this.startReceive(options);
    const { host, port, fingerprint } = await started.event('listening');
    return Object.assign(started, {
      address: `${String(host)}:${String(port)}`,
      port: Number(port),
      fingerprint: String(fingerprint),
    });
  }

  startSend(
    paths: readonly string[],
    { words = [], within, env, isText = false }: SendOptions = {},
  ): Program {
    const hasTarget = words.includes('--to') || words.includes('--invite-file');
    const target = hasTarget ? [] : ['--invite-file', this.inviteFile];
    // Most tests want to see how one attempt ends.
    const patience = words.includes('--retry-for') ? [] : ['--retry-for', '0'];
    const own = ['--state', this.senderState, ...(isText ? [] : ['--json']), ...target, ...patience];
    return this.run(['send', ...paths, ...own, ...words], { within, env } as SendOptions);
  }

  /** Starts `resume`, `discard` or `transfers` with the state of one side. */
  startWith(
    role: 'sender' | 'receiver',
    [name = '', ...words]: readonly string[],
    { isText = false } = {},
  ): Program {
    return this.run([name, ...words, '--state', this.path(role), ...(isText ? [] : ['--json'])]);
  }

  /** What `peer-courier transfers` lists for one side. */
  async left(role: 'sender' | 'receiver'): Promise<readonly CliEvent[]> {
    const { status, events, stderr } = await this.startWith(role, ['transfers']).ended;
    assert.equal(status, 0, stderr);
    return events.filter(({ event }) => event === 'transfer');
  }

  async send(paths: readonly string[], options?: SendOptions): Promise<Ended> {
    return this.startSend(paths, options).ended;
  }

  /** Pairs the scene's sender with its receiver, by sending an empty file that does not stay. */
  async pair(): Promise<void> {
    const source = join(this.makeFolder('pairing'), 'pairing');
    writeFileSync(source, '');
    const { status, events, stderr } = await this.send([source]);
    assert.equal(status, 0, `${JSON.stringify(events)}${stderr}`);
    rmSync(join(this.received, 'pairing'));
  }

  /** One more invite, made by `peer-courier invite` and written to a file of its own. */
  async invite(name: string): Promise<string> {
    const file = this.path(name);
    const words = ['invite', '--state', this.receiverState, '--invite-file', file];
    const { status, stderr } = await this.run(words).ended;
    assert.equal(status, 0, stderr);
    return file;
  }

  /** What this process takes from the modes of new files. */
  get umask(): number {
    const probe = this.path('probe');
    mkdirSync(probe);
    const { mode } = statSync(probe);
    rmdirSync(probe);
    return 0o777 & ~mode;
  }

  /** What stands in the receive folder now, contents and all. */
  look(): Snapshot {
    return belowRoot(takeSnapshot(this.received));
  }

  /** Nothing of a failed transfer is left: no staging, no pages, and the receive folder is as it was. */
  assertClean(before: Snapshot): void {
    assert.deepEqual(this.look(), before);
    this.assertSenderClean();
  }

  assertSenderClean(): void {
    const outgoing = join(this.senderState, 'outgoing');
    assert.deepEqual(existsSync(outgoing) ? readdirSync(outgoing) : [], [], 'pages are left behind');
  }
}

/** Removes a folder, also one in which a test has locked something. */
function removeAll(location: string): void {
  try {
    rmSync(location, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    spawnSync('chmod', ['-R', 'u+rwX', location]);
    rmSync(location, { recursive: true, force: true });
  }
}
